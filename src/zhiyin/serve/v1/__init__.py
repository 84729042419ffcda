"""``/v1``: our own API, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
