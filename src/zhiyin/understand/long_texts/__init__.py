"""Texts longer than an encoder reads: cut into pieces, or shortened first, and what the pieces say together."""

from zhiyin.understand.long_texts.catalogue import encode_parts, item_parts
from zhiyin.understand.long_texts.cutting import pieces, width
from zhiyin.understand.long_texts.mapreduce import Summary, summarise
from zhiyin.understand.long_texts.pooling import Pooled, item_vector, scores
from zhiyin.understand.long_texts.summary import extract
from zhiyin.understand.long_texts.ways import LongText, LongTextSettings, Way, parts_of, read_long, vectors_of

__all__ = [
    "LongText",
    "LongTextSettings",
    "Pooled",
    "Summary",
    "Way",
    "encode_parts",
    "extract",
    "item_parts",
    "item_vector",
    "parts_of",
    "pieces",
    "read_long",
    "scores",
    "summarise",
    "vectors_of",
    "width",
]
