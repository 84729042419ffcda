"""Trained bundles: immutable folders of Parquet, NumPy arrays and a JSON manifest."""

from zhiyin.bundle.manifest import Manifest
from zhiyin.bundle.publishing import FOLDER, active, find, prune, publish, remove, use
from zhiyin.bundle.reading import Bundle, load
from zhiyin.bundle.writing import BundleContent, write

__all__ = [
    "FOLDER",
    "Bundle",
    "BundleContent",
    "Manifest",
    "active",
    "find",
    "load",
    "prune",
    "publish",
    "remove",
    "use",
    "write",
]
