"""``/v1/explain``: why an item is in a person's list, or why not; and the same piece by piece where a language model
takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import StreamingResponse

from zhiyin.errors import ZhiyinError
from zhiyin.explaining import Explanation, reworded
from zhiyin.recommend import Engine
from zhiyin.serve.auth import CanRead
from zhiyin.serve.documented import CONFLICT, LONG
from zhiyin.serve.problems import body_of
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.conditions import fitting
from zhiyin.serve.v1.fields import Id, ItemId, K, Language, Surface, UserId, Words
from zhiyin.types import DEFAULT_SURFACE, Tier

router = APIRouter(prefix="/explain", tags=["explain"])

STREAM = "text/event-stream"
FORM = """Events of the stream, each with JSON as data:

- `answer`: the explanation in the words of templates, as GET /v1/explain gives it, at once;
- `words`: the same in the words of the language model, where one is configured for this and what it says holds;
- `kept`: instead of `words`, why the answer stays as it is: `{"reason": "..."}`;
- `problem`: instead of all others, an error as everywhere else;
- `done`: the end."""
EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
EXAMPLE = 'event: answer\ndata: {"item_id": "茶/龙井 50g", "shown": true, ...}\n\nevent: done\ndata: {}\n\n'


class Told(BaseModel):
    """Why an item is in the list (``shown``), or why it is not (``why_not``)."""

    model_config = ConfigDict(extra="allow")

    user_id: str
    item_id: str
    title: str | None
    bundle: str
    language: str
    tier: Tier
    shown: bool
    rank: int | None
    score: float | None
    sentences: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    why_not: dict[str, Any] | None
    note: str | None


class Question(BaseModel):
    """What is asked, as ``Engine.explain`` takes it."""

    user_id: str
    item_id: str
    language: Any
    k: int
    query: str | None
    exclude: list[str]
    surface: str

    def ask(self, engine: Engine, plain: bool = False) -> Explanation:
        return engine.explain(
            self.user_id,
            self.item_id,
            self.language,
            k=self.k,
            query=self.query,
            exclude=self.exclude,
            surface=self.surface,
            plain=plain,
        )


def question(
    user_id: UserId,
    item_id: ItemId,
    language: Language = None,
    k: Annotated[K, Query(description="Length of the list in question")] = 10,
    query: Annotated[Words | None, Query(description="The request in words that the list answers")] = None,
    exclude: Annotated[list[Id], Query(max_length=100, description="Items left out of the list")] = [],  # noqa: B006
    surface: Annotated[Surface, Query(description="Where the list is shown")] = DEFAULT_SURFACE,
) -> Question:
    return Question(
        user_id=user_id, item_id=item_id, language=language, k=k, query=query, exclude=exclude, surface=surface
    )


Asked = Annotated[Question, Depends(question)]


@router.get("", response_model=Told, responses=CONFLICT | LONG)
async def explain_item(tenant: CanRead, asked: Asked) -> Any:
    """Why an item is among the best ``k`` for a person, each sentence with its evidence; or which rule keeps it out, or
    what would bring it in. An unknown person or item has an answer too."""
    with fitting():
        told = await tenant.live.ask(asked.ask)
    return told.to_dict()


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {"description": FORM, "content": {STREAM: {"schema": EVENT, "example": EXAMPLE}}},
        **CONFLICT,
        **LONG,
    },
)
async def stream_explanation(tenant: CanRead, asked: Asked) -> StreamingResponse:
    """The explanation at once in the words of templates, then in those of the language model when it is done."""
    return StreamingResponse(_events(tenant, asked), media_type=STREAM, headers={"Cache-Control": "no-store"})


async def _events(tenant: Tenant, asked: Question) -> AsyncIterator[bytes]:
    try:
        with fitting():
            plain, engine = await tenant.live.ask(lambda engine: (asked.ask(engine, plain=True), engine))
        yield _event("answer", plain.to_dict())
        # Apart from the desk, where others wait for their answers.
        seconds = tenant.settings.llm.batch_seconds
        told = await asyncio.to_thread(reworded, plain, engine.models, seconds)
        if told.tier is not Tier.NONE:
            yield _event("words", told.to_dict())
        else:
            yield _event("kept", {"reason": _why(told)})
    except ZhiyinError as refused:
        yield _event("problem", body_of(refused))
    yield _event("done", {})


def _why(told: Explanation) -> str:
    if told.why_not is not None:
        return "why an item is not in the list is always said by templates"
    if not told.sentences:
        return told.note or "there is nothing to say"
    return next((one.reason for one in told.sentences if one.reason), "no language model words explanations here")


def _event(name: str, told: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: ".encode() + orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n\n"
