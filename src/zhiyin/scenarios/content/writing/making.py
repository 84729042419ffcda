"""What is made of an author's text without a language model: outline, draft, headlines, summary and tags. Every
sentence is the author's own, every name the taxonomy's or a phrase of the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhiyin.scenarios.content.topics.kept import Topics
from zhiyin.scenarios.content.writing.article import Article, joined
from zhiyin.scenarios.content.writing.audience import Audience
from zhiyin.scenarios.content.writing.effects import TRAITS
from zhiyin.scenarios.content.writing.headlines import ALIKE, Headline, candidates
from zhiyin.scenarios.content.writing.outline import Section, sections
from zhiyin.scenarios.content.writing.phrases import Rarity, key_phrases
from zhiyin.scripts import Language, is_han
from zhiyin.understand.items.taxonomy import Taxonomy
from zhiyin.understand.items.terms import grams, terms

FIT = 0.5
"""What a sentence that is all of what the audience takes gains beside one that says most of the text."""
SUMMARY_SENTENCES = 3
SUMMARY_TOKENS: dict[Language, float] = {"zh": 160.0, "en": 110.0}
LEAST_SUMMARY = 40.0
PHRASES = 12
TOPICS = 4
PHRASE_TAGS = 6
DRAFT_SHARE = 0.5
"""Of the source that a draft keeps."""


@dataclass(frozen=True)
class Tag:
    """``kind``: "topic" (of the catalogue's taxonomy, with its id), "discussed" (a topic of ``topics find``, with its
    id) or "phrase" (of the text itself, id None)."""

    name: str
    kind: str
    topic_id: str | None


@dataclass(frozen=True)
class Made:
    """``headlines`` best first; ``summary`` and ``draft`` are sentences of the source, their places beside them."""

    language: Language
    headlines: tuple[Headline, ...]
    summary: str
    summary_of: tuple[int, ...]
    outline: tuple[Section, ...]
    draft: str
    tags: tuple[Tag, ...]


def make(
    article: Article,
    audience: Audience,
    *,
    headlines: int = 5,
    taxonomy: Taxonomy | None = None,
    discussed: Topics | None = None,
    rarity: Rarity | None = None,
) -> Made:
    """``rarity`` is how rare a term is in the catalogue; without it phrases are told by the text alone."""
    texts = [one.text for one in article.sentences]
    title = [article.title] if article.title else []
    phrases = key_phrases([*title, *texts], PHRASES, rarity, [*map(terms, title), *article.terms])
    fit = FIT * np.array([audience.liking(text) for text in texts]) if audience.words else None
    summary = article.chosen(SUMMARY_SENTENCES, _room(article), fit, article.body)
    parts = sections(article, phrases)
    return Made(
        article.language,
        tuple(ranked(article, audience, candidates(article, phrases), headlines)),
        joined([texts[place] for place in summary]),
        tuple(summary),
        tuple(parts),
        _draft(article, parts, fit),
        tuple(tags(article, phrases, taxonomy, discussed)),
    )


def ranked(article: Article, audience: Audience, found: Sequence[Headline], most: int) -> list[Headline]:
    """The best ``most``, no two of them alike; the author's own title is always among them."""
    scored = []
    for one in found:
        central = float(article.worth[list(one.sentences)].mean()) if one.sentences else 0.5
        liked, learned = audience.liking(one.text), audience.learned.weight(one.text)
        worth = round(central + FIT * liked + learned, 6)
        scored.append(
            replace(one, worth=worth, reasons=tuple(_reasons(one, audience, central, liked, article.language)))
        )
    scored.sort(key=lambda one: (one.kind != "title", -one.worth, one.text))
    kept: list[Headline] = []
    for one in scored:
        words = set(grams(one.text))
        others = [set(grams(other.text)) for other in kept]
        if all(len(words & other) < ALIKE * max(1, min(len(words), len(other))) for other in others):
            kept.append(one)
        if len(kept) == most:
            break
    return sorted(kept, key=lambda one: (-one.worth, one.text))


def tags(article: Article, phrases: Sequence[str], taxonomy: Taxonomy | None, discussed: Topics | None) -> list[Tag]:
    """Topics that the text names, those named most first; then its own phrases."""
    found: dict[str, Tag] = {}
    counts: Counter[str] = Counter()
    title = terms(article.title)
    for said in (title, title, *article.terms):
        counts.update(
            {key for term in said if (key := taxonomy.find(term))} if taxonomy is not None and taxonomy.topics else ()
        )
    least = 2 if len(article.sentences) > 3 else 1
    named = sorted((key for key, count in counts.items() if count >= least), key=lambda key: (-counts[key], key))
    for key in named[:TOPICS]:
        name = taxonomy.name(key) if taxonomy is not None else key
        found[name.casefold()] = Tag(name, "topic", key)
    every = title.union(*article.terms)
    both = [(len(every & set(one.words)), one) for one in (discussed.topics if discussed else ())]
    for _, one in sorted((pair for pair in both if pair[0] >= 2), key=lambda pair: (-pair[0], pair[1].topic_id))[:2]:
        found.setdefault(one.name.casefold(), Tag(one.name, "discussed", one.topic_id))
    strong = [phrase for phrase in phrases if _strong(phrase, article)] or list(phrases[:2])
    for phrase in strong[:PHRASE_TAGS]:
        found.setdefault(phrase.casefold(), Tag(phrase, "phrase", None))
    return list(found.values())


def _strong(phrase: str, article: Article) -> bool:
    """Whether a phrase can be a tag: long, a name, or said again and again; a short common word is none."""
    if is_han(phrase[0]):
        return len(phrase) > 2 or article.text.count(phrase) > 2
    return " " in phrase or phrase[0].isupper() or article.text.casefold().count(phrase.casefold()) > 3


def _reasons(one: Headline, audience: Audience, central: float, liked: float, language: Language) -> list[str]:
    zh = language == "zh"
    told = []
    if one.kind == "title":
        told.append("作者自拟" if zh else "the author's own")
    elif central >= 0.7:
        told.append("出自全文最核心的句子" if zh else "out of a sentence that says much of the text")
    words = [word for word in dict.fromkeys(grams(one.text)) if audience.words.get(word, 0.0) > 0]
    if liked > 0.1 and words:
        some = ("、" if zh else ", ").join(words[:3])
        told.append(f"含有这些读者常读的词：{some}" if zh else f"words of what these readers take: {some}")
    for effect in audience.learned.effects:
        has, english, chinese = TRAITS[effect.trait]
        if effect.sure and has(one.text):
            if zh:
                told.append(f"{chinese}：这些读者点开的比例是其他标题的 {effect.ratio:.2f} 倍")
            else:
                told.append(f"{english}: opened {effect.ratio:.2f} times as often")
    return told


def _room(article: Article) -> float:
    whole = float(article.widths.sum())
    return min(SUMMARY_TOKENS[article.language], max(LEAST_SUMMARY, 0.4 * whole))


def _draft(article: Article, parts: Sequence[Section], fit: np.ndarray | None) -> str:
    """The sentence that says most, then section by section what else matters, under its heading; in Markdown."""
    whole = float(article.widths.sum())
    lead = article.chosen(1, max(whole, 1.0), fit)
    room = DRAFT_SHARE * whole - float(article.widths[lead].sum())
    blocks = [article.sentences[place].text for place in lead]
    for part in parts:
        own = [place for place in part.sentences if place not in lead]
        share = len(own) / max(1, len(article.sentences))
        taken = article.chosen(len(own), max(room * share, LEAST_SUMMARY / 2), fit, own)
        if taken:
            body = joined([article.sentences[place].text for place in taken])
            blocks.append(f"## {part.heading}\n\n{body}")
    return "\n\n".join(blocks)
