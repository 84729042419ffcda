"""A page from request to result: facts, wording, gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from zhiyin.ports import LanguageModels, NoLanguageModels, Render
from zhiyin.scenarios.shop.pages.asked import DESCRIPTION_WIDTH, TITLE_WIDTH, PageRequest
from zhiyin.scenarios.shop.pages.draft import ENDING, Draft, cut, fitted
from zhiyin.scenarios.shop.pages.facts import PageFacts
from zhiyin.scenarios.shop.pages.gate import Gate, Passed
from zhiyin.scenarios.shop.pages.page import Claim, Counted, Flag, Gone, Meta, Page, Question
from zhiyin.scenarios.shop.pages.policy import Policy
from zhiyin.scenarios.shop.pages.template import Template
from zhiyin.scenarios.shop.pages.wording import Written, ask, choose
from zhiyin.types import Job, Tier
from zhiyin.understand.items.source import ItemSource

FREE = False
"""Whether an embedded model writes freely. Off: see docs/pages.md for how much of it was replaced."""


def make_page(
    item: ItemSource,
    request: PageRequest,
    policy: Policy,
    *,
    wanted: Mapping[str, float] | None = None,
    brands: frozenset[str] = frozenset(),
    models: LanguageModels | None = None,
    render: Render | None = None,
    seconds: float | None = None,
    free: bool = FREE,
) -> Page:
    """A page of ``item``. ``wanted`` are the reader's interests, words to weight; None takes the request's segment.
    ``seconds`` is what a model may take. No text gets onto the page that the item does not bear out."""
    wanted = _by_rank(request.segment) if wanted is None else wanted
    models = models or NoLanguageModels()
    facts = PageFacts(item, request.language, brands)
    gate = Gate(facts.source, policy, request.language)
    title, gone = gate.without_breaches(facts.title)
    template = Template(facts, request, wanted, title or item.item_id)
    ways, tier, written = template.ways(), models.tier(Job.PAGES), Written()
    draft = template.draft()
    if tier is Tier.REMOTE or (tier is Tier.EMBEDDED and free):
        assert render is not None, "a model that writes needs its prompt"
        written = ask(facts, draft, request, models, render, seconds, [one.shown for one in template.met])
    elif tier is Tier.EMBEDDED:
        said, took, reason = choose(ways, models, request.language, seconds)
        draft, written = template.draft(said), Written(tier=took, reason=reason)
    joined = _Joined(gate, gone)
    made = joined.page(draft, written, request)
    off = models.unavailable(Job.PAGES)
    reason = written.reason or (None if off is None else off.line)
    return Page(
        item.item_id,
        request.language,
        request.tone,
        request.length,
        list(request.segment),
        request.user_id,
        made.title,
        made.bullets,
        made.description,
        [Question(*one) for one in made.faq],
        Meta(made.meta_title, made.meta_description),
        written.tier,
        None if reason is None else {"reason": reason},
        joined.claims,
        joined.gone,
        joined.flags,
        joined.counted,
        facts.missing,
        item.content,
        [one.shown for one in template.met],
    )


def recheck(page: Page, item: ItemSource, policy: Policy, brands: frozenset[str] = frozenset()) -> list[Gone]:
    """What of ``page`` the item as it is now, or the policies as they are now, do not allow any more."""
    gate = Gate(PageFacts(item, page.language, brands).source, policy, page.language)
    wrong = []
    for name, text in page.texts():
        look = gate.title(name, text) if name == "title" else gate.look(name, text, "page")
        wrong += look.wrong
    return wrong


def edited(
    page: Page,
    item: ItemSource,
    policy: Policy,
    changes: Mapping[str, object],
    brands: frozenset[str] = frozenset(),
) -> Page:
    """``page`` with what a person wrote in place of some of its fields (title, bullets, description, faq, meta),
    checked as everything is: what does not hold is left out and listed."""
    gate = Gate(PageFacts(item, page.language, brands).source, policy, page.language)
    joined = _Joined(gate, [])
    told = {**page.to_dict(), **changes}
    faq = [(one["question"], one["answer"]) for one in told["faq"]]
    draft = Draft(
        told["title"], told["bullets"], told["description"], faq, told["meta"]["title"], told["meta"]["description"]
    )
    made = joined.page(draft, Written(), None, by="person")
    return Page.from_dict(
        {
            **page.to_dict(),
            "title": made.title or page.title,
            "bullets": made.bullets,
            "description": made.description,
            "faq": [{"question": question, "answer": answer} for question, answer in made.faq],
            "meta": {"title": made.meta_title or page.meta.title, "description": made.meta_description},
            "claims": [vars(one) for one in joined.claims],
            "removed": [vars(one) for one in joined.gone],
            "flags": [vars(one) for one in joined.flags],
            "content": item.content,
        }
    )


def _by_rank(segment: Sequence[str]) -> dict[str, float]:
    """The first word weighs 1, the second 1/2, the third 1/3, ..."""
    return {words: 1.0 / place for place, words in enumerate(segment, 1)}


class _Joined:
    """What passes of a model's page and of the template's, and what is noted on the way."""

    def __init__(self, gate: Gate, gone: list[Gone]) -> None:
        self._gate = gate
        self.claims: list[Claim] = []
        self.gone = gone
        self.flags: list[Flag] = []
        self.counted = Counted()
        self._said: set[tuple[str, str]] = set()

    def page(self, draft: Draft, written: Written, request: PageRequest | None, by: str = "template") -> Draft:
        between = "" if self._gate._language == "zh" else " "
        title = self._take("title", draft.title, self._gate.title("title", draft.title))
        bullets = self._list("bullets", written.bullets, draft.bullets, by)
        description = self._list("description", written.description, draft.description, by)
        faq = self._faq(written.faq, draft.faq, by)
        own = draft.meta_description if by == "person" else written.meta_description
        meta = None
        if own:
            look = self._gate.look("meta.description", own, by if by == "person" else "model")
            meta = self._take("meta.description", own, look)
        if meta is None:
            whole = fitted(description, DESCRIPTION_WIDTH, between)
            meta = self._within("meta.description", whole or title or "", DESCRIPTION_WIDTH)
        top = self._within("meta.title", draft.meta_title or title or "", TITLE_WIDTH)
        return Draft(title or "", bullets, description, faq, top, meta)

    def _within(self, field: str, text: str, columns: int) -> str:
        """``text`` cut to ``columns``, or to fewer where a cut would change what is said ("12 …" of "12.6 oz")."""
        for most in range(columns, columns // 4, -4):
            short = cut(text, most)
            for way in dict.fromkeys((short, short.removesuffix(ENDING).rstrip())):
                look = self._gate.look(field, way, "template")
                if way and look.fine:
                    return self._take(field, way, look) or ""
        return ""

    def _take(self, field: str, text: str, look: Passed) -> str | None:
        """``text`` where it passes, noted; None where not, listed."""
        if not look.fine:
            self.gone += look.wrong
            return None
        self.claims += look.claims
        self.flags += look.flags
        self._said |= {(one.key, one.text.casefold()) for one in look.claims}
        return text

    def _list(self, name: str, written: Sequence[str], template: Sequence[str], by: str) -> list[str]:
        kept: list[str] = []
        spare = list(template)
        model, replaced, dropped = len(written), 0, 0
        for text in written:
            field = f"{name}.{len(kept)}"
            look = self._gate.look(field, text, "model")
            if text in kept:
                again = Gone(field, text, text[:40], "it says the same again", "form", "model")
                look = Passed([*look.wrong, again], [], [])
            if self._take(field, text, look) is not None:
                kept.append(text)
                continue
            instead = self._instead(field, spare, by)
            replaced, dropped = replaced + (instead is not None), dropped + (instead is None)
            kept += [] if instead is None else [instead]
        if not written:
            for text in template:
                field = f"{name}.{len(kept)}"
                if self._take(field, text, self._gate.look(field, text, by)) is not None:
                    kept.append(text)
        self._count(model, replaced, dropped, 0 if written else len(kept))
        return kept

    def _instead(self, field: str, spare: list[str], by: str) -> str | None:
        """The next sentence of the template that passes and says something that was not said yet."""
        while spare:
            text = spare.pop(0)
            look = self._gate.look(field, text, by)
            if look.fine and not {(one.key, one.text.casefold()) for one in look.claims} <= self._said:
                return self._take(field, text, look)
        return None

    def _faq(
        self, written: Sequence[tuple[str, str]], template: Sequence[tuple[str, str]], by: str
    ) -> list[tuple[str, str]]:
        kept: list[tuple[str, str]] = []
        spare = list(template)
        replaced = dropped = 0

        def take(pair: tuple[str, str], who: str) -> bool:
            fields = [f"faq.{len(kept)}.{part}" for part in ("question", "answer")]
            looks = [self._gate.look(field, text, who) for field, text in zip(fields, pair, strict=True)]
            if not all(look.fine for look in looks):
                self.gone += [one for look in looks for one in look.wrong]
                return False
            for field, text, look in zip(fields, pair, looks, strict=True):
                self._take(field, text, look)
            kept.append(pair)
            return True

        for pair in written:
            if take(pair, "model"):
                continue
            instead: Callable[[], bool] = lambda: bool(spare) and take(spare.pop(0), by)  # noqa: E731
            if instead():
                replaced += 1
            else:
                dropped += 1
        if not written:
            for pair in template:
                take(pair, by)
        self._count(len(written), replaced, dropped, 0 if written else len(kept))
        return kept

    def _count(self, model: int, replaced: int, dropped: int, template: int) -> None:
        have = self.counted
        self.counted = Counted(
            have.model + model, have.replaced + replaced, have.dropped + dropped, have.template + template
        )
