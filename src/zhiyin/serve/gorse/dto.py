"""Users, items and feedback as Gorse writes them, and as the store keeps them.

A client may leave a field out, or send null, where Go has a zero value: both mean the same.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from zhiyin.events.cells import LONGEST_ID
from zhiyin.serve.gorse.stamps import NONE, TIME
from zhiyin.serve.texts import TEXT

LONGEST_TEXT = 100_000
"""Characters of a comment."""
MOST_CATEGORIES = 1_000
LARGEST = 1e9
"""Value of one feedback: sums of them stay finite."""


def _storable(labels: Any) -> Any:
    """Labels are kept as JSON, which has no NaN and no half characters."""
    try:
        told = json.dumps(labels, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as bad:
        raise ValueError("holds what JSON cannot say: NaN, an infinite number or half a character") from bad
    if len(told) > 10 * LONGEST_TEXT:
        raise ValueError(f"longer than {10 * LONGEST_TEXT:,} bytes")
    return labels


Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=TEXT)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=TEXT)]
Stamp = Annotated[str, StringConstraints(pattern=TIME, max_length=64)]
AnyJson = Annotated[JsonValue, AfterValidator(_storable)]
Names = Annotated[list[Id], Field(max_length=MOST_CATEGORIES)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]


class _In(BaseModel):
    # Gorse's own names; what it does not know is passed over, as Go does.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class UserPatch(_In):
    Labels: AnyJson = None
    Comment: Text | None = None


class UserIn(UserPatch):
    UserId: Id


class ItemPatch(_In):
    IsHidden: bool | None = None
    Categories: Names | None = None
    Timestamp: Stamp | None = None
    Labels: AnyJson = None
    Comment: Text | None = None


class ItemIn(ItemPatch):
    ItemId: Id


class FeedbackIn(_In):
    FeedbackType: Id
    UserId: Id
    ItemId: Id
    Value: Number | None = None
    Timestamp: Stamp | None = None
    Comment: Text | None = None
    """Accepted, and not kept."""


class SessionFeedback(_In):
    """Feedback of somebody who need not say who they are."""

    ItemId: Id
    FeedbackType: Annotated[str, StringConstraints(max_length=LONGEST_ID, pattern=TEXT)] | None = None
    UserId: Annotated[str, StringConstraints(max_length=LONGEST_ID, pattern=TEXT)] | None = None
    Value: Number | None = None
    Timestamp: Stamp | None = None
    Comment: Text | None = None


class User(BaseModel):
    UserId: str
    Labels: JsonValue = None
    Comment: str = ""


class Item(BaseModel):
    ItemId: str
    IsHidden: bool = False
    Categories: list[str] = []
    Timestamp: str = NONE
    Labels: JsonValue = None
    Comment: str = ""


class Feedback(BaseModel):
    FeedbackType: str
    UserId: str
    ItemId: str
    Value: float = 0.0
    Timestamp: str = NONE
    Updated: str = NONE
    Comment: str = ""


class Score(BaseModel):
    Id: str
    Score: float


class UserPage(BaseModel):
    Cursor: str
    Users: list[User]


class ItemPage(BaseModel):
    Cursor: str
    Items: list[Item]


class FeedbackPage(BaseModel):
    Cursor: str
    Feedback: list[Feedback]


class RowAffected(BaseModel):
    RowAffected: int


class Measurement(BaseModel):
    Name: str
    Timestamp: str
    Value: float


class Health(BaseModel):
    Ready: bool
    DataStoreError: str | None = None
    CacheStoreError: str | None = None
    DataStoreConnected: bool
    CacheStoreConnected: bool
