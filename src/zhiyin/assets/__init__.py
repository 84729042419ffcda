"""Models and public data sets: named in one registry, fetched on first use, checked by sha256, kept per user."""

from zhiyin.assets.cache import folder_of, get, present
from zhiyin.assets.registry import Asset, AssetFile, Wheel, catalogue, find

__all__ = ["Asset", "AssetFile", "Wheel", "catalogue", "find", "folder_of", "get", "present"]
