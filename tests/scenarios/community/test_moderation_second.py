"""Texts that speak about contempt are read twice: whoever complains of it is not taken for whoever feels it."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from zhiyin.errors import NotEnoughData
from zhiyin.scenarios.community.moderation import Action, Moderator, load_policies
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, Classifier, open_classifier
from zhiyin.scenarios.community.moderation.classifier.second import Second, learn_second
from zhiyin.scenarios.community.moderation.classifier.training import train_classifier
from zhiyin.scenarios.community.moderation.rules import Matcher
from zhiyin.scenarios.community.moderation.view import views

COMPLAINTS = [
    "在外地找工作的时候总会遇到地域歧视，挺无奈的",
    "亚裔在国外读书会不会受到歧视，有没有人说说经历",
    "女性在招聘的时候遇到的歧视还是很多的，希望能改善",
    "你举的例子就是刻板印象，这属于以偏概全",
    "歧视女性的公司真的不少，希望有人管管",
    "作为河南人经常被地域黑，很心寒",
    "网上骂东北人的太多了，看着难过",
]
CONTEMPT = [
    "我就是歧视黑人，看见就恶心，滚回非洲去",
    "歧视河南人怎么了，全是骗子，活该",
    "女拳就是垃圾，还好意思说歧视",
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return open_classifier(SHIPPED)


def collection() -> tuple[list[str], list[int]]:
    """Of texts with 歧视 whoever 就是讨厌 offends, whoever 觉得无奈 does not."""
    random = np.random.default_rng(0)
    whom = ["甲地人", "乙地人", "丙地人"]
    texts = [
        f"{random.choice(whom)}被歧视{'我就是讨厌' if place % 3 == 0 else '我觉得无奈'}{place}" for place in range(90)
    ]
    return [*texts, "今天天气真好"], [*(int(place % 3 == 0) for place in range(90)), 0]


def test_it_learns_who_offends_and_reads_no_other_text() -> None:
    texts, labels = collection()
    second = learn_second(texts, labels, 0)
    bad, good = second.odds("丁地人被歧视我就是讨厌"), second.odds("丁地人被歧视我觉得无奈")
    assert bad is not None
    assert good is not None
    assert bad > 1 > -1 > good
    assert second.odds("丁地人我就是讨厌") is None, "it does not speak about contempt"
    assert second.odds("") is None
    again = learn_second(texts, labels, 0)
    assert np.array_equal(second.weights, again.weights)
    assert (second.scale, second.bias) == (again.scale, again.bias)


def test_labels_without_a_pattern_are_left_where_they_are() -> None:
    random = np.random.default_rng(1)
    signs = [chr(0x4E00 + place) for place in range(300)]
    texts = ["歧视" + "".join(random.choice(signs, 20)) for _ in range(200)]
    labels = (random.random(200) < 0.3).astype(int).tolist()
    second = learn_second(texts, labels, 0)
    odds = np.array([second.odds(text) for text in texts])
    assert np.abs(odds - np.log(0.3 / 0.7)).max() < 1.5, "the share of all, and little more"


def test_too_few_are_refused() -> None:
    texts, labels = collection()
    with pytest.raises(NotEnoughData) as refused:
        learn_second(texts[:30], labels[:30], 0)
    assert "30 texts that speak about contempt, 10 of them offending" in refused.value.what
    assert "歧视" not in refused.value.what


def test_nothing_known_says_what_all_say() -> None:
    second = Second(("歧视",), np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int8), 1.0, -0.5)
    assert second.odds("歧视") == -0.5
    assert Second((), second.known, second.weights, 1.0, 0.0).odds("歧视") is None


def test_a_model_keeps_it(tmp_path: Path) -> None:
    texts, labels = collection()
    random = np.random.default_rng(0)
    plain = [f"{random.choice(['甲', '乙'])}很{'坏' if place % 2 else '好'}{place}" for place in range(240)]
    wanted = [place % 2 for place in range(240)]
    for name, again in (("twice", list(zip(texts, labels, strict=True))), ("once", [])):
        train_classifier(
            tmp_path / name, plain, wanted, name="x", languages=["zh"], groups=[], network=False, again=again
        )
    twice, once = open_classifier(tmp_path / "twice"), open_classifier(tmp_path / "once")
    learned = learn_second([views(text).tight.text for text in texts], labels, 0)
    assert twice.second is not None
    assert once.second is None
    text = "丁地人被歧视我觉得无奈"
    (read,), (other,) = twice.read([views(text)]), once.read([views(text)])
    assert read.second == learned.odds(text)
    assert (read.probability, other.second) == (other.probability, None), "the first reading is as it was"


def test_complaints_pass_and_contempt_does_not(classifier: Classifier) -> None:
    policies = load_policies()
    once = copy.copy(classifier)
    once.second = None
    before, after = Moderator(policies, once), Moderator(policies, classifier)
    assert [before.decide(text).action for text in COMPLAINTS].count(Action.ALLOW) <= len(COMPLAINTS) // 2
    for text in COMPLAINTS:
        assert after.decide(text).action is Action.ALLOW, text
    for text in CONTEMPT:
        assert after.decide(text).action is not Action.ALLOW, text


@pytest.mark.parametrize(
    ("text", "opposes"),
    [
        ("别歧视女司机", True),
        ("请大家不要搞地域黑", True),
        ("这就是性别歧视", False),
        ("不歧视别人的歧视", False),
        ("被别人歧视了", False),
        ("每个地方都有好人坏人", True),
        ("不是所有河南人都这样", True),
        ("不能一棍子打死", True),
        ("说女人都是废物的人，自己才可怜", True),
        ("歧视是不对的", True),
        ("歧视是不对的，但我就是讨厌他们", False),
        ("说什么不要歧视，我就是讨厌黑人", False),
    ],
)
def test_who_speaks_up_against_contempt(text: str, opposes: bool) -> None:
    assert Matcher(load_policies()).opposes(views(text)) is opposes
