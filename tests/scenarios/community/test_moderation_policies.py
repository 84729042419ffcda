"""Policies are files that say what they mean, and are refused where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.errors import ConfigError
from zhiyin.scenarios.community.moderation import Action, Moderator, load_policies, try_examples
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, open_classifier
from zhiyin.scenarios.community.moderation.policy import FOLDER

HOUSE = """
category = "house"
name = { zh = "本店规则", en = "House rules" }
about = { zh = "本店不谈", en = "what is not talked of here" }
severity = 3
[actions]
limit = 0.4
hide = 0.8
[examples]
offending = ["谈论竞品乌龙王", "the oolong king again"]
allowed = ["乌龙茶很好喝"]
[[rules]]
id = "rival"
terms = ["乌龙王", "oolong king"]
confidence = 0.9
"""


def write(project: Path, name: str, text: str) -> Path:
    (project / FOLDER).mkdir(parents=True, exist_ok=True)
    path = project / FOLDER / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_policies_say_what_they_find_and_let_pass() -> None:
    found = load_policies()
    assert {one.category for one in found.policies} == {
        "insult", "hate", "harassment", "sexual", "violence", "self-harm", "spam", "contact",
    }  # fmt: skip
    for one in found.policies:
        assert len(one.examples.offending) >= 5, one.category
        assert len(one.examples.allowed) >= 5, one.category
    assert try_examples(Moderator(found)) == []
    assert try_examples(Moderator(found, open_classifier(SHIPPED))) == []


def test_a_projects_policy_joins_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, "house", HOUSE)
    found = load_policies(tmp_path)
    assert found.fingerprint != load_policies().fingerprint
    moderator = Moderator(found)
    assert try_examples(moderator) == []
    told = moderator.decide("又是烏\u200b龍王")
    assert (told.action, told.rule, told.severity) == (Action.HIDE, "house/rival", 3)


def test_a_file_of_the_same_name_takes_the_place_and_may_switch_off(tmp_path: Path) -> None:
    text = HOUSE.replace('"house"', '"contact"')
    write(tmp_path, "contact", text.replace('category = "contact"', 'category = "contact"\nactive = false'))
    found = load_policies(tmp_path)
    assert found.get("contact") is None
    assert Moderator(found).decide("我的手机号13812345678").action is Action.ALLOW


def test_names_of_groups_are_added_to(tmp_path: Path) -> None:
    write(tmp_path, "groups", '[region]\nzh = ["茶山人"]\n')
    told = Moderator(load_policies(tmp_path)).decide("茶山人都是骗子")
    assert (told.category, told.action) == ("hate", Action.LIMIT)
    assert Moderator(load_policies()).decide("茶山人都是骗子").action is Action.ALLOW


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("severity = 3", "severity = 9", "'severity'"),
        ("severity = 3", "severity = 3\nsevere = 1", "unknown key 'severe'"),
        ('id = "rival"', 'id = "rival"\nword = "x"', "unknown key 'rules.0.word'"),
        ("limit = 0.4", "limit = 4", "'actions.limit"),
        ("confidence = 0.9", 'confidence = 0.9\npatterns = ["("]', "is no regular expression"),
        ("confidence = 0.9", 'confidence = 0.9\npatterns = ["{nobody}"]', "names the group 'nobody'"),
        ('terms = ["乌龙王", "oolong king"]', "", "a rule needs terms, initials or patterns"),
        ('category = "house"', 'category = "other"', "must be called like its file"),
        ("[actions]", "[actions", "not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_by_name(tmp_path: Path, old: str, new: str, what: str) -> None:
    path = write(tmp_path, "house", HOUSE.replace(old, new))
    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert what in refused.value.what
    assert str(path) in (refused.value.where or "")
    assert refused.value.fix


def test_the_line_of_a_slip_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "house", HOUSE.replace("confidence = 0.9", "confidence = 9"))
    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "confidence" in text)
    assert (refused.value.where or "").endswith(f"line {line}")
