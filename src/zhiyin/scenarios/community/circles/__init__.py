"""Circles: who belongs together, by links, by what people take, and by what interests them."""

from zhiyin.scenarios.community.circles.build import Found, Run, build_circles, find
from zhiyin.scenarios.community.circles.kept import Circle, circle, circles, circles_of, last_run
from zhiyin.scenarios.community.circles.params import CirclesParams, circles_params

__all__ = [
    "Circle",
    "CirclesParams",
    "Found",
    "Run",
    "build_circles",
    "circle",
    "circles",
    "circles_of",
    "circles_params",
    "find",
    "last_run",
]
