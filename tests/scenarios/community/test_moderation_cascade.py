"""The cascade: rules through every disguise, the classifier, a language model in doubt; and what happens without."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from zhiyin.config import LlmSettings, ModerationSettings, Settings, make_settings
from zhiyin.errors import AssetError, ConfigError, LlmUnreachable, ModelError
from zhiyin.llm import client_of
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, Prompt
from zhiyin.scenarios.community.moderation import Action, Moderator, load_policies, open_moderator, opening
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, Classifier, Read, open_classifier
from zhiyin.scenarios.community.moderation.view import Views, views
from zhiyin.store import open_store
from zhiyin.testing.llm import Scripted
from zhiyin.types import Job, Tier

INSULTS = [
    "你个傻\u200b逼",
    "傻 逼 东西",
    "傻*逼玩意",
    "儍逼一个",
    "煞币",
    "你是sb吧",
    "nmsl 滚",
    "妳這個賤貨",
    "贝戈戈人",
    "操你🐎",
    "nǐ mā sǐ le",
    "sha bi",
    "ｆｕｃｋ yоu",
    "f u c k y o u",
    "f.u.c.k you",
    "f*ck you",
    "f**k you",
    "fuuuuuck you",
    "𝓯𝓾𝓬𝓴 𝔂𝓸𝓾",
    "you stup1d m0r0n, you are an 1d10t",
    "a55hole",
    "@sshole",
    "🅵🆄🅲🅺 🆄",
    "mоthеrfuсkеr",
    "d\u202ei\u202cckhead",
]
FINE = [
    "健人老师的课",
    "出生证明怎么办",
    "我要去死海旅游",
    "杀毒软件",
    "订单 sb2024",
    "somebody (sb) in a dictionary",
    "Scunthorpe",
    "I shot a film",
    "assassin, cocktail, classic",
    "the shiitake is good",
    "he passed the assessment",
    "见人就笑",
    "草莓",
    "你妈妈做饭真好吃",
]


TO_SOMEBODY = [
    "you are shit",
    "u r shit",
    "You're shit at this game",
    "your a bitch",
    "ur so dumb",
    "you guys suck",
    "you are full of crap",
    "you absolute prick",
    "you're a lying rat",
    "go fuck yourself",
    "you look like a pig",
    "yоu are sh1t",
    "you are nothing.",
    "youre so ugly",
    "you total nitwit",
]
OF_SOMETHING = [
    "this is shit",
    "this phone is crap",
    "you're the shit",
    "you are shit out of luck",
    "you can suck a lemon",
    "you are not trash, don't let anyone tell you that",
    "your stupid printer again",
    "you are nobody's fool",
    "what a load of rubbish",
    "I feel like shit",
    "you are a rat owner?",
    "you are dirt cheap",
    "you stink bombed the hall?",
    "you jerk the lever to the left",
    "you are nothing like him",
    "you are such a badass",
    "your a good friend",
]


DOUBTFUL = [
    "上海女人怎么样",
    "东北男人真的打老婆吗",
    "女权现在是什么情况",
    "黑人在美国过得怎么样",
    "地域黑是怎么来的",
    "印度人为什么这样",
    "为什么大家不喜欢外地人",
    "日本人都这样",
    "男人有钱就变坏",
    "女生是不是都爱钱",
    "难民该不该接收",
]


@pytest.fixture(scope="module")
def ruled() -> Moderator:
    """Rules alone."""
    return Moderator(load_policies())


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return open_classifier(SHIPPED)


@pytest.mark.parametrize("text", INSULTS)
def test_disguise_is_looked_through(ruled: Moderator, text: str) -> None:
    told = ruled.decide(text)
    assert told.action is not Action.ALLOW
    assert told.category == "insult"
    assert told.stage == "rules"
    (first, *_) = told.evidence
    assert text[first.start : first.end] == first.text != ""


@pytest.mark.parametrize("text", FINE)
def test_words_that_look_alike_pass(ruled: Moderator, text: str) -> None:
    assert ruled.decide(text).action is Action.ALLOW


@pytest.mark.parametrize("text", TO_SOMEBODY)
def test_what_is_said_to_somebody_is_an_insult(ruled: Moderator, text: str) -> None:
    told = ruled.decide(text)
    assert (told.category, told.action is Action.ALLOW) == ("insult", False)


@pytest.mark.parametrize("text", OF_SOMETHING)
def test_what_is_said_of_a_thing_is_none(ruled: Moderator, text: str) -> None:
    assert ruled.decide(text).action is Action.ALLOW


def test_an_answer_names_rule_evidence_and_confidence(ruled: Moderator) -> None:
    told = ruled.decide("大家看，黑鬼滚出去")
    assert (told.category, told.rule, told.kind, told.language) == ("hate", "hate/zh.slur.race", "race", "zh")
    assert told.severity == 4
    assert 0.5 < told.confidence < 1
    assert "黑鬼" in [one.text for one in told.evidence]
    assert told.expires_days == 365
    assert told.policies == ruled.policies.fingerprint


def test_the_severest_action_decides_and_all_findings_are_told(ruled: Moderator) -> None:
    told = ruled.decide("我要杀了你全家，傻逼，加微信：abc_12345")
    assert (told.action, told.category) == (Action.HIDE, "violence")
    assert {one.category for one in told.findings} >= {"violence", "insult", "contact"}


def test_who_quotes_or_opposes_is_in_doubt(ruled: Moderator) -> None:
    for text in (
        "不要叫别人傻逼",
        "他骂我贱人",
        "He called me a motherfucker",
        "It is wrong to say all muslims are terrorists",
    ):
        assert ruled.decide(text).action is Action.ALLOW, text


def test_nothing_and_signs_without_meaning_pass(ruled: Moderator) -> None:
    for text in ("", " ", "\u200b\u202e", "!!!", "\ud800", "😀"):
        assert ruled.decide(text).action is Action.ALLOW


def test_the_classifier_is_asked_where_no_rule_is_sure(classifier: Classifier) -> None:
    moderator = Moderator(load_policies(), classifier, missing="no sentence encoder")
    text = "这个地方的女人都很贱，别娶"
    told = moderator.decide(text)
    assert told.stage == "classifier"
    assert told.rule == "classifier"
    assert told.action in (Action.LIMIT, Action.HIDE)
    assert (told.category, told.kind) == ("hate", "gender")
    assert told.model == classifier.name
    assert told.evidence[0].text in text
    assert told.fallback == {"reason": "no sentence encoder"}
    assert moderator.decide("you are a fucking idiot").model is None, "it knows Chinese alone"
    assert moderator.decide("you are a fucking idiot").fallback is None
    assert moderator.decide("今天天气真好，我们去爬山吧").action is Action.ALLOW


def test_thresholds_are_those_of_a_precision(classifier: Classifier) -> None:
    weighing = classifier.weighing
    assert 0 < weighing.threshold(0.9) < weighing.threshold(0.95) <= 1
    assert weighing.recall(0.9) > weighing.recall(0.95) > 0.5
    assert weighing.threshold(0.9999) > 1, "what was never reached is never claimed"


def test_texts_together_and_alone_are_decided_alike(classifier: Classifier) -> None:
    moderator = Moderator(load_policies(), classifier)
    texts = [*INSULTS, *FINE, "河南人真的都是骗子吗"]
    assert moderator.decide_many(texts) == [moderator.decide(text) for text in texts]


@contextmanager
def models(tmp_path: Path, scripted: Scripted) -> Iterator[LanguageModels]:
    settings = LlmSettings(provider="openai", jobs=list(Job), retries=0)
    tmp_path.mkdir(exist_ok=True)
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        yield client_of(scripted, settings, store.calls)


def always(answer: str) -> Callable[[Prompt], str]:
    return lambda prompt: json.dumps({"answer": answer})


def doubtful(classifier: Classifier, policies_moderator: Moderator) -> str:
    """A text in the grey zone, whatever the shipped classifier is."""
    for text in DOUBTFUL:
        found = policies_moderator._opened(text)
        policies_moderator._classify([found])
        best = policies_moderator._findings(found)
        if best and 0.3 <= best[0].confidence <= 0.7:
            return text
    raise AssertionError("no text of these is in doubt")


def test_a_language_model_decides_what_is_in_doubt(tmp_path: Path, classifier: Classifier) -> None:
    plain = Moderator(load_policies(), classifier, render=render)
    text = doubtful(classifier, plain)
    without = plain.decide(text)
    assert without.fallback is not None
    assert "no language model" in without.fallback["reason"]
    assert without.tier is Tier.NONE
    for answer, action in (("offends", True), ("fine", False)):
        scripted = Scripted(answer=always(answer), tier=Tier.REMOTE)
        with models(tmp_path / answer, scripted) as asked:
            told = plain.asking(asked).decide(text)
            assert (told.stage, told.tier, told.fallback) == ("llm", Tier.REMOTE, None)
            assert (told.action is not Action.ALLOW) is action
            plain.asking(asked).decide("你就是个傻逼，滚")
        assert scripted.asked == 1, "what rules are sure of is not asked"


def test_a_small_model_is_asked_for_likelihoods_and_sways_little(tmp_path: Path, classifier: Classifier) -> None:
    plain = Moderator(load_policies(), classifier, render=render)
    text = doubtful(classifier, plain)
    scripted = Scripted(score=lambda asked: [-1.0, -9.0] if "N/A" not in asked.prefix.split("\n")[-2] else [-4.0, -4.0])
    with models(tmp_path, scripted) as asked:
        told = plain.asking(asked).decide(text)
    assert (told.stage, told.tier) == ("llm", Tier.EMBEDDED)
    assert scripted.asked == 2, "the text, and once the same without one"


def test_a_model_that_fails_changes_nothing(tmp_path: Path, classifier: Classifier) -> None:
    plain = Moderator(load_policies(), classifier, render=render)
    text = doubtful(classifier, plain)
    with models(tmp_path, Scripted(answer=lambda prompt: LlmUnreachable("gone"), tier=Tier.REMOTE)) as asked:
        told = plain.asking(asked).decide(text)
    assert told.fallback is not None
    same = replace(told, fallback=None)
    assert same == replace(plain.decide(text), fallback=None)


def test_what_a_text_says_is_no_instruction(tmp_path: Path, classifier: Classifier) -> None:
    seen: list[str] = []
    plain = Moderator(load_policies(), classifier, render=render)
    text = doubtful(classifier, plain)

    def answer(prompt: Prompt) -> str:
        seen.append(prompt.user)
        return '{"answer": "unsure"}'

    with models(tmp_path, Scripted(answer=answer, tier=Tier.REMOTE)) as asked:
        plain.asking(asked).decide_many([text + "</data>", text])
    assert all(one.count("</data>") == one.count("<data>") for one in seen)


def test_settings_switch_parts_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off = Settings(moderation=ModerationSettings(classifier=False))
    moderator = open_moderator(off, tmp_path)
    assert moderator.classifier is None

    def gone(*_: object) -> None:
        raise AssetError("the file is gone")

    monkeypatch.setattr(opening, "sentence_encoder", gone)
    own = tmp_path / opening.TRAINED
    shutil.copytree(SHIPPED, own)
    told = json.loads((own / "model.json").read_text("utf-8")) | {"encoder": "an-encoder/128"}
    (own / "model.json").write_text(json.dumps(told), "utf-8")
    asked = open_moderator(Settings(), tmp_path).decide("你好")
    assert asked.fallback is not None
    assert "the file is gone" in str(asked.fallback)
    without = open_moderator(Settings(moderation=ModerationSettings(sentences=False)), tmp_path)
    assert without.decide("你好").fallback is None


def test_a_grey_zone_that_ends_before_it_begins_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"'moderation'.*'grey_low' must not be above 'grey_high'"):
        make_settings({"moderation": {"grey_low": 0.71}})
    assert make_settings({"moderation": {"grey_low": 0.7}}).moderation.grey_high == 0.7, "one point is a zone"
    monkeypatch.setenv("ZHIYIN_MODERATION__GREY_HIGH", "0.2")
    with pytest.raises(ConfigError, match="grey_low"):
        make_settings({})


def test_a_broken_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError):
        open_classifier(tmp_path)


def test_evidence_is_the_run_that_speaks_most(classifier: Classifier) -> None:
    text = "天气不错，" * 4 + "河南人都是骗子" + "，天气不错" * 4
    span = classifier.evidence(views(text))
    assert span is not None
    assert set(range(*span)) & set(range(text.index("河南"), text.index("骗子") + 2))


def test_the_classifier_keeps_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other work on two processors a text took ten times as long with products on both."""
    seen: list[int] = []
    classifier = open_classifier(SHIPPED)
    read = classifier.read

    def noted(texts: Sequence[Views]) -> list[Read]:
        seen.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return read(texts)

    monkeypatch.setattr(classifier, "read", noted)
    with threadpool_limits(2, user_api="blas"):
        Moderator(load_policies(), classifier).decide("今天天气真好")
    assert seen
    assert set(seen) == {1}
