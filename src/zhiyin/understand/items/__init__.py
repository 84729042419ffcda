"""Reading items: attributes, topics, summary, audience and language out of their own words."""

from zhiyin.understand.items.features import enriched_text, feature_similarity, feature_vectors, features_text
from zhiyin.understand.items.reading import Reader, Reading, read_catalogue
from zhiyin.understand.items.source import ItemSource, item_source, item_sources
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings, load_taxonomy

__all__ = [
    "ItemSource",
    "Reader",
    "Reading",
    "Taxonomy",
    "TaxonomySettings",
    "enriched_text",
    "feature_similarity",
    "feature_vectors",
    "features_text",
    "item_source",
    "item_sources",
    "load_taxonomy",
    "read_catalogue",
]
