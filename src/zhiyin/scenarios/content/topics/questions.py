"""Questions to start a discussion of a topic: templates that quote its examples, or a language model's, held against
them.

A question of a model is taken where it is one question in the language of the topic, speaks of the topic, and says
nothing that the name, the words and the titles do not (``grounding``); else a template stands in its place, and the
question says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zhiyin.config import Settings
from zhiyin.errors import LlmError
from zhiyin.explain.text import shortened
from zhiyin.explain.text import shown as quotable
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels
from zhiyin.scenarios.grounding import Fact, Source, check
from zhiyin.scripts import Language, is_han
from zhiyin.types import Job, Tier

if TYPE_CHECKING:
    from zhiyin.scenarios.content.topics.kept import Topic
    from zhiyin.scenarios.content.topics.view import TopicView

PROMPT = "topic_questions"
JOB = Job.WRITING
MOST = 5
LONGEST = 160
ALLOWED: dict[Language, tuple[str, ...]] = {
    "en": tuple(
        "what which who why how do does did would could should is are was can will have has had you your we us our one "
        "think thought feel felt see seen say share agree disagree believe know learn learned like prefer expect hope "
        "change changed matter matters surprise surprised view views opinion opinions side experience experiences "
        "story stories question questions idea ideas reason reasons discuss discussion read reading reader readers "
        "people others anyone everybody yourself most more less best next of about after before between both them "
        "these this that here there or and if not speaks turned drawn late own take best else".split()
    ),
    "zh": tuple(
        "你 您 你们 我们 大家 怎么 怎样 如何 为什么 什么 哪 哪个 哪些 哪一个 谁 是否 有没有 会 "
        "能 可以 应该 觉得 认为 看 看待 看法 观点 意见 想法 感受 经历 亲身 分享 愿意 同意 赞同 "
        "反对 支持 讨论 聊聊 说说 谈谈 了解 知道 想 最 更 让 改变 期待 希望 关注 关注度 吸引 "
        "原因 理由 影响 意义 印象 深刻 读 读了 读完 看完 之后 以后 之前 关于 对 对于 有关 都 与 "
        "和 还是 还 吗 呢 吧 的 了 是 在 有 没有 到 说 谈 讲 这 那 这个 那个 这些 一个 最近 "
        "人们 人 多 多了 起来 受到 心里 身边 自己 来说 来 中 里".split()
    ),
}
"""Words that ask and claim nothing; they are ours, not an item's."""

TEMPLATES: dict[Language, dict[str, list[str]]] = {
    "zh": {
        "two": ["《{first}》和《{second}》都与“{name}”有关，哪一个更说到了你心里？为什么？"],
        "one": [
            "读了《{first}》之后，你对“{name}”的看法有没有改变？",
            "读完《{first}》，关于“{name}”你还想知道什么？",
        ],
        "rising": ["最近谈“{name}”的人多了起来，你觉得是什么让它受到关注？"],
        "bare": ["说到“{name}”，你有什么亲身的经历或想法愿意分享？"],
    },
    "en": {
        "two": ["“{first}” and “{second}” are both about {name}: which of them speaks to you more, and why?"],
        "one": [
            "After “{first}”, has your view of {name} changed?",
            "What else would you like to know about {name} after “{first}”?",
        ],
        "rising": ["More people have turned to {name} of late: what do you think has drawn them to it?"],
        "bare": ["What have you seen or thought yourself about {name} that you would share?"],
    },
}


@dataclass(frozen=True)
class Question:
    """``tier`` says who worded it; ``items`` are those whose titles it quotes; ``reason`` is why a configured model's
    question is not here."""

    text: str
    tier: Tier
    items: list[str]
    reason: str | None = None


@dataclass(frozen=True)
class Asked:
    topics: list[TopicView]
    tier: Tier
    fallback: dict[str, str] | None
    replaced: int
    """Questions of a model that were not taken."""


def templates(topic: TopicView, language: Language, most: int) -> list[Question]:
    """The first ``most`` that fit: every title in them is an example's."""
    titles = [(one.item_id, shortened(quotable(one.title))) for one in topic.examples if one.title]
    told = TEMPLATES[language]
    found: list[Question] = []

    def add(words: str, used: Sequence[tuple[str, str]]) -> None:
        said = dict(zip(("first", "second"), (title for _, title in used), strict=False))
        found.append(Question(words.format(name=topic.name, **said), Tier.NONE, [item for item, _ in used]))

    for words in told["rising"] if topic.rising else []:
        add(words, [])
    for words in told["two"] if len(titles) > 1 else []:
        add(words, titles[:2])
    for words in told["one"] if titles else []:
        add(words, titles[:1])
    for words in told["bare"]:
        add(words, [])
    return found[:most]


def questions_of(
    topics: Sequence[Topic],
    shown: Sequence[TopicView],
    most: int,
    models: LanguageModels,
    settings: Settings,
    seconds: float | None = None,
) -> Asked:
    """``shown`` with up to ``most`` questions each; ``topics`` are the same as they are kept. ``seconds`` is what a
    model may take for all of them, None the settings' ``batch_seconds``."""
    most = min(most, MOST)
    plain_ = [templates(one, _language(topic), most) for topic, one in zip(topics, shown, strict=True)]
    if models.tier(JOB) is not Tier.REMOTE:
        # A model in this process is too small for free text: it would be replaced nearly always.
        told = [replace(one, questions=own) for one, own in zip(shown, plain_, strict=True)]
        return Asked(told, Tier.NONE, _unavailable(models), 0)
    prompts = [
        render(
            PROMPT,
            language=topic.language,
            schema=schema(most),
            name=one.name,
            words=one.words,
            titles=[example.title for example in one.examples if example.title],
            count=most,
        )
        for topic, one in zip(topics, shown, strict=True)
    ]
    answers = models.complete(JOB, prompts, seconds=seconds or settings.llm.batch_seconds)
    replaced, tier, fallback = 0, Tier.NONE, None
    told = []
    for topic, one, own, answer in zip(topics, shown, plain_, answers, strict=True):
        if isinstance(answer, LlmError):
            fallback = {"reason": answer.line}
            told.append(replace(one, questions=[replace(each, reason=answer.line) for each in own]))
            continue
        taken, refused = accepted(answer.data, one, _language(topic), answer.tier, own)
        replaced += refused
        tier = answer.tier if any(each.tier is not Tier.NONE for each in taken) else tier
        told.append(replace(one, questions=taken))
    return Asked(told, tier, fallback, replaced)


def accepted(
    data: Any, topic: TopicView, language: Language, tier: Tier, plain_: Sequence[Question]
) -> tuple[list[Question], int]:
    """The model's questions that hold, templates in the place of the others; how many were replaced."""
    written = data.get("questions") if isinstance(data, dict) else None
    texts = [" ".join(one.split()) for one in written if isinstance(one, str)] if isinstance(written, list) else []
    found: list[Question] = []
    refused = 0
    for place, one in enumerate(plain_):
        text = texts[place] if place < len(texts) else ""
        why = problem(text, topic, language) if text else "the model asked no further question"
        if why is None and all(other.text != text for other in found):
            items = [one.item_id for one in topic.examples if one.title and shortened(quotable(one.title)) in text]
            found.append(Question(text, tier, items))
        else:
            refused += 1
            found.append(replace(one, reason=f"the model's question was not taken: {why or 'asked twice'}"))
    return found, refused


def problem(text: str, topic: TopicView, language: Language) -> str | None:
    """Why ``text`` may not be asked, None where it may."""
    if len(text) > LONGEST:
        return "too long"
    if text[-1:] not in ("?", "？") or sum(text.count(mark) for mark in "?？") > 2:
        return "it is no question"
    letters = sum(map(str.isalpha, text))
    if (3 * sum(map(is_han, text)) >= letters) != (language == "zh"):
        return f"it is not in the language of the topic ({language})"
    for title in sorted(_titles(topic), key=len, reverse=True):
        # A title that is quoted says what it says, and its own marks end no sentence.
        text = text.replace(title, topic.name)
    checked = check(text, source_of(topic), language, allowed=ALLOWED[language])
    if checked.removed:
        return checked.removed[0].why
    if not any(one.evidence for one in checked.kept):
        return "it is not about the topic"
    return None


def source_of(topic: TopicView) -> Source:
    """All that a question may speak of. A title stands as it is and as it is quoted."""
    facts = [Fact("name", topic.name), *(Fact("text", word) for word in topic.words)]
    return Source([*facts, *(Fact("title", one) for one in _titles(topic))])


def _titles(topic: TopicView) -> list[str]:
    titles = [one.title for one in topic.examples if one.title]
    return list(dict.fromkeys([*titles, *map(quotable, titles), *(shortened(quotable(one)) for one in titles)]))


def schema(most: int) -> dict[str, Any]:
    text = {"type": "string", "maxLength": LONGEST}
    return {
        "type": "object",
        "properties": {"questions": {"type": "array", "minItems": 1, "maxItems": most, "items": text}},
        "required": ["questions"],
        "additionalProperties": False,
    }


def _language(topic: Topic) -> Language:
    return "zh" if topic.language == "zh" else "en"


def _unavailable(models: LanguageModels) -> dict[str, str] | None:
    why = models.unavailable(JOB)
    return None if why is None else {"reason": why.line}
