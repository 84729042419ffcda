"""Product pages: title, bullets, description, questions and meta text out of an item's attributes.

Pages(store, project, models).draft(PageRequest(item_id="...", language="zh", tone="warm", length="short"))
"""

from zhiyin.scenarios.shop.pages.asked import Length, PageRequest, Tone
from zhiyin.scenarios.shop.pages.keeping import KeptPage, PageName, Pages, Review, State, wanted_by
from zhiyin.scenarios.shop.pages.making import make_page
from zhiyin.scenarios.shop.pages.page import Page
from zhiyin.scenarios.shop.pages.policy import load_policy

__all__ = [
    "KeptPage",
    "Length",
    "Page",
    "PageName",
    "PageRequest",
    "Pages",
    "Review",
    "State",
    "Tone",
    "load_policy",
    "make_page",
    "wanted_by",
]
