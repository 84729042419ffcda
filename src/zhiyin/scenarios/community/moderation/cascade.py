"""The cascade: rules, then the classifier, then a language model for what the two leave in doubt.

Rules that are sure end it. The classifier is asked about the rest, in its languages. A text whose best finding lies in
the grey zone goes to a language model, where one does the job; without one the answer is the same, and says so.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, NoLanguageModels, Render
from zhiyin.scenarios.community.moderation.classifier.model import Classifier, Read
from zhiyin.scenarios.community.moderation.decision import CLASSIFIER, LLM, Decision, Evidence, Finding
from zhiyin.scenarios.community.moderation.folding import is_han
from zhiyin.scenarios.community.moderation.judging import Asked, judge
from zhiyin.scenarios.community.moderation.policy import Action, Policies, Policy, Reached
from zhiyin.scenarios.community.moderation.rules import Hit, Matcher
from zhiyin.scenarios.community.moderation.view import Views, views
from zhiyin.threads import single_threaded
from zhiyin.types import Tier

RULES = "rules"
SURE = 0.9
"""A hit this sure, and in no doubt, ends the cascade for its text."""
OPPOSED = 3.0
"""Log-odds that the classifier loses where somebody speaks up against contempt, or reports words that a rule knows, and
no rule is sure of the contrary."""
NOBODY = 3.0
"""Log-odds that it loses where the text speaks of no people."""
NOTED = 0.5
"""Findings from this confidence on are told even where they ask for nothing."""
SHOWN = 5
"""Places of evidence of one finding."""


@dataclass(frozen=True)
class Grey:
    """Between these confidences a language model is asked."""

    low: float = 0.3
    high: float = 0.7


@dataclass
class _Open:
    """A text on its way through the cascade."""

    text: str
    views: Views
    language: str
    hits: list[Hit]
    read: Read | None = None
    stage: str = RULES
    tier: Tier = Tier.NONE
    sways: dict[str, float] | None = None


class Moderator:
    """``policies`` held against texts. ``classifier`` may be None; ``missing`` then says why, or which of its readers
    is not there. Keeps nothing between texts, so every thread can use it."""

    def __init__(
        self,
        policies: Policies,
        classifier: Classifier | None = None,
        models: LanguageModels | None = None,
        render: Render | None = None,
        grey: Grey = Grey(),
        missing: str | None = None,
    ) -> None:
        self.policies = policies
        self.classifier = classifier
        self._models = models or NoLanguageModels()
        self._render = render
        self._grey = grey
        self._missing = missing
        self._matcher = Matcher(policies)

    def asking(self, models: LanguageModels) -> Moderator:
        """The same with these language models."""
        made = copy.copy(self)
        made._models = models
        return made

    def decide(self, text: str, seconds: float | None = None) -> Decision:
        return self.decide_many([text], seconds)[0]

    def decide_many(self, texts: Sequence[str], seconds: float | None = None) -> list[Decision]:
        """One decision for each text, in order. ``seconds`` is the deadline of all that a language model does."""
        opened = [self._opened(text) for text in texts]
        self._classify(opened)
        found = [self._findings(one) for one in opened]
        failed = self._judge(opened, found, seconds)
        return [self._decision(one, findings, why) for one, findings, why in zip(opened, found, failed, strict=True)]

    def _opened(self, text: str) -> _Open:
        seen = views(text)
        language = language_of(seen.plain.text)
        hits = [one for one in self._matcher.find(seen) if language in one.policy.languages]
        return _Open(text, seen, language, hits)

    @single_threaded
    def _classify(self, opened: Sequence[_Open]) -> None:
        if self.classifier is None:
            return
        languages = self.classifier.languages
        open_ = [
            one
            for one in opened
            if one.language in languages
            and one.views.tight.text.strip()
            and not any(hit.confidence >= SURE and not hit.doubtful for hit in one.hits)
        ]
        for one, read in zip(open_, self.classifier.read([one.views for one in open_]), strict=True):
            one.read, one.stage = read, CLASSIFIER

    def _findings(self, one: _Open) -> list[Finding]:
        """Best first."""
        theirs, kinds = self._whose(one)
        found = []
        for policy in self.policies.policies:
            hits = [hit for hit in one.hits if hit.policy is policy]
            read = one.read if policy is theirs else None
            if hits or read is not None:
                found.append(self._finding(one, policy, hits, read, kinds))
        return sorted(found, key=lambda each: (-each.action.rank, -each.severity, -each.confidence))

    def _whose(self, one: _Open) -> tuple[Policy | None, list[str]]:
        """The policy that the classifier's opinion of this text is of, and the kinds of groups that it names."""
        if one.read is None:
            return None, []
        kinds = self._matcher.kinds(one.views)
        able = [policy for policy in self.policies.policies if one.language in policy.languages]
        hit = {id(hit.policy) for hit in one.hits}
        grouped = [policy for policy in able if policy.classifier == "groups" and (kinds or id(policy) in hit)]
        plain = [policy for policy in able if policy.classifier == "any"]
        return next(iter([*grouped, *plain]), None), kinds

    def _finding(self, one: _Open, policy: Policy, hits: list[Hit], read: Read | None, kinds: Sequence[str]) -> Finding:
        best = hits[0] if hits else None
        sway = (one.sways or {}).get(policy.category, 0.0)
        ruled = None if best is None else best.confidence
        learned = None if read is None else read.probability
        if read is not None and (best is None or best.doubtful):
            odds = _odds(read.probability)
            # Of what speaks about contempt the labels it learned from go by words: neither reading has the whole say.
            odds = odds if read.second is None else (odds + read.second) / 2
            learned = _chance(odds - self._discount(one, best))
        if best is not None and best.doubtful and ruled is not None and learned is not None:
            # Who quotes or opposes: neither has the whole say.
            ruled = learned = _chance((_odds(ruled) + _odds(learned)) / 2)
        ruled = None if ruled is None else _chance(_odds(ruled) + sway)
        learned = None if learned is None else _chance(_odds(learned) + sway)
        by_rule = best is not None and (ruled or 0) >= (learned or 0)
        evidence = [Evidence(hit.start, hit.end, one.text[hit.start : hit.end]) for hit in hits[:SHOWN]]
        if not by_rule and self.classifier is not None and (span := self.classifier.evidence(one.views)):
            evidence.insert(0, Evidence(*span, one.text[span[0] : span[1]]))
        return Finding(
            policy.category,
            policy.severity,
            self._action(policy, ruled, learned, read),
            max(ruled or 0.0, learned or 0.0),
            best.name if best is not None and by_rule else CLASSIFIER,
            (best.rule.kind if best is not None else None) or _kind(policy, kinds),
            tuple(dict.fromkeys(evidence)),
        )

    def _discount(self, one: _Open, best: Hit | None) -> float:
        """What the classifier's say is taken back by, in log-odds."""
        if best is not None or self._matcher.opposes(one.views):
            return OPPOSED
        if not self._matcher.of_people(one.views):
            return NOBODY
        assert self.classifier is not None
        return self.classifier.distant if self._matcher.distant(one.views) else 0.0

    def _action(self, policy: Policy, ruled: float | None, learned: float | None, read: Read | None) -> Action:
        """The severest action whose bar is reached. A rule's confidence is a precision; a probability of the classifier
        is held against the threshold at which that precision was reached."""
        taken = Action.ALLOW
        for action, bar in (
            (Action.LIMIT, policy.actions.limit),
            (Action.HIDE, policy.actions.hide),
            (Action.REMOVE, policy.actions.remove),
        ):
            if bar is None:
                continue
            wanted = bar.precision if isinstance(bar, Reached) else bar
            least = read.weighing.threshold(wanted) if isinstance(bar, Reached) and read is not None else wanted
            if (ruled is not None and ruled >= wanted) or (learned is not None and learned >= least):
                taken = action
        return taken

    def _judge(
        self, opened: Sequence[_Open], found: list[list[Finding]], seconds: float | None
    ) -> list[LlmError | None]:
        """Ask of what is in doubt, and put what comes of it into ``found``. Why there was no answer, for each."""
        failed: list[LlmError | None] = [None] * len(opened)
        asked: list[tuple[int, Asked]] = []
        for place, (one, findings) in enumerate(zip(opened, found, strict=True)):
            best = findings[0] if findings else None
            if best is None or not self._grey.low <= best.confidence <= self._grey.high:
                continue
            policy = self.policies.get(best.category)
            if policy is not None and policy.llm:
                asked.append((place, Asked(one.text, one.language, policy)))
        if not asked or self._render is None:
            return failed
        for (place, question), opinion in zip(
            asked, judge(self._models, self._render, [question for _, question in asked], seconds), strict=True
        ):
            if isinstance(opinion, LlmError):
                failed[place] = opinion
                continue
            one = opened[place]
            one.sways = {question.policy.category: opinion.sway}
            one.stage, one.tier = LLM, opinion.tier
            found[place] = self._findings(one)
        return failed

    def _decision(self, one: _Open, findings: list[Finding], failed: LlmError | None) -> Decision:
        told = tuple(each for each in findings if each.action is not Action.ALLOW or each.confidence >= NOTED)
        best = findings[0] if findings and findings[0].action is not Action.ALLOW else None
        worst = max((each.confidence for each in findings), default=0.0)
        policy = None if best is None else self.policies.get(best.category)
        fallback = None
        if failed is not None:
            fallback = {"reason": failed.what}
        elif self._missing is not None and (self.classifier is None or one.read is not None):
            fallback = {"reason": self._missing}
        by_rule = best is not None and best.rule != CLASSIFIER and one.stage == CLASSIFIER
        return Decision(
            action=Action.ALLOW if best is None else best.action,
            category=None if best is None else best.category,
            severity=None if best is None else best.severity,
            confidence=round(1 - worst if best is None else best.confidence, 4),
            rule=None if best is None else best.rule,
            kind=None if best is None else best.kind,
            evidence=() if best is None else best.evidence,
            findings=tuple(replace(each, confidence=round(each.confidence, 4)) for each in told),
            stage=RULES if by_rule else one.stage,
            tier=one.tier,
            fallback=fallback,
            language=one.language,
            model=None if one.read is None or self.classifier is None else self.classifier.name,
            policies=self.policies.fingerprint,
            expires_days=None
            if policy is None or best is None or best.action is Action.REMOVE
            else policy.expires_days,
        )


def language_of(text: str) -> str:
    """ "zh" for a text with Chinese characters that are no mere guests in it, else "en"."""
    han = sum(map(is_han, text))
    return "zh" if han and han * 4 >= sum(sign.isalpha() for sign in text) - han else "en"


def _kind(policy: Policy, kinds: Sequence[str]) -> str | None:
    return kinds[0] if policy.classifier == "groups" and kinds else None


def _odds(chance: float) -> float:
    chance = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(chance / (1 - chance))


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
