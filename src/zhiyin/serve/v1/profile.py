"""``/v1/profile``: what is believed of a person, by which events, and what the person says of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import ConfigDict

from zhiyin.errors import Conflict, NotThere, UsageError
from zhiyin.recommend import Engine
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.v1.fields import Flag, Id, In, Language, Out, UserId, Words
from zhiyin.understand.profiles.view import Profile
from zhiyin.understand.wishes.asked import Asked

router = APIRouter(prefix="/profile", tags=["profile"])

NOT_REMOVED: dict[str, Any] = {"not": {"required": ["remove"], "properties": {"remove": {"const": True}}}}


class EditIn(In):
    """Words, words about a statement, or a statement to take out."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["said"], "properties": {"said": {"type": "string"}}, **NOT_REMOVED},
                {
                    "required": ["statement", "remove"],
                    "properties": {"statement": {"type": "string"}, "remove": {"const": True}},
                },
            ]
        }
    )

    user_id: Id
    said: Words | None = None
    """In plain words, Chinese or English: "less horror", "不要再推恐怖片"."""
    statement: Id | None = None
    """The statement of the profile, by its id, that ``said`` takes the place of, or that is taken out."""
    remove: Flag = False
    """Take the statement out."""


class Edited(Out):
    edit: int
    """The number under which it can be taken back."""
    understood: Asked | None
    """What was read in the words; null where a statement was taken out."""


class Undone(Out):
    undone: int


@router.get("", response_model=Profile, responses=CONFLICT)
async def get_profile(tenant: CanRead, user_id: UserId, language: Language = None) -> Any:
    """A person's interests, what is said of them in words, each with its evidence, and the edits so far. Somebody
    unknown has an empty one."""
    return await tenant.live.ask(lambda engine: engine.profile(user_id, language))


@router.post("/edits", response_model=Edited, responses=MISSING | CONFLICT)
async def edit_profile(
    tenant: CanWrite,
    edit: Annotated[
        EditIn,
        Body(
            openapi_examples={
                "less of something": {"value": {"user_id": "张伟", "said": "不要再推恐怖片"}},
                "rewrite": {"value": {"user_id": "anna o'neil", "statement": "read-3", "said": "I like green tea"}},
                "take out": {"value": {"user_id": "anna o'neil", "statement": "read-3", "remove": True}},
            }
        ),
    ],
) -> Edited:
    """Keep what a person says of their profile. It is obeyed from the next list on."""
    if edit.said is None and not (edit.remove and edit.statement is not None):
        fix = "send said, or statement with remove"
        raise Conflict("nothing is said", where="said", fix=fix)
    if edit.remove and (edit.statement is None or edit.said is not None):
        raise Conflict("what is to be taken out?", where="remove", fix="send statement and remove alone")

    def job(engine: Engine) -> Edited:
        _statement(engine, edit)
        try:
            number = engine.edit_profile(edit.user_id, edit.said or "", statement=edit.statement, remove=edit.remove)
        except UsageError as refused:
            raise Conflict(refused.what, where="said", fix=refused.fix) from refused
        return Edited(edit=number, understood=None if edit.said is None else engine.read(edit.said))

    return await tenant.live.ask(job)


@router.delete("/edits", response_model=Undone, responses=MISSING | CONFLICT)
async def undo_edit(
    tenant: CanWrite, user_id: UserId, edit: Annotated[int, Query(ge=1, le=2**62, description="Number of the edit")]
) -> Undone:
    """Take back what was said."""

    def job(engine: Engine) -> Undone:
        try:
            engine.undo_edit(user_id, edit)
        except UsageError as refused:
            raise NotThere(refused.what, where="edit", fix="see edits in GET /v1/profile") from refused
        return Undone(undone=edit)

    return await tenant.live.ask(job)


def _statement(engine: Engine, edit: EditIn) -> None:
    """Raises NotThere where the profile has no such statement."""
    if edit.statement is not None:
        known = [one.id for one in engine.profile(edit.user_id).statements]
        if edit.statement not in known:
            fix = f"use one of: {', '.join(known)}" if known else "the profile has none yet"
            raise NotThere(f"the profile has no statement '{edit.statement}'", where="statement", fix=fix)
