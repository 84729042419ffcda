from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.errors import LlmError, LlmTimeout
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, Likelihoods, NoLanguageModels, Options, Progress, Prompt
from zhiyin.rank.interests import NamedInterest, Previous, name_interests, read_interests
from zhiyin.rank.interests.align import matches, stable_ids
from zhiyin.rank.interests.names import Described, candidate_names, holds, names
from zhiyin.rank.interests.terms import read, terms
from zhiyin.rank.interests.words import coverage, describe, lifts
from zhiyin.types import Catalogue, Job, Tier

TITLES = [f"科幻大片 星际{number}" for number in range(8)] + [f"爱情故事 浪漫{number}" for number in range(8)]
KINDS = [["电影", "科幻"]] * 8 + [["电影", "爱情"]] * 8
ENGLISH = [f"Space Rocket {number}" for number in range(8)] + [f"Green Tea {number}" for number in range(8)]
IDS = [f"号/{number} a" for number in range(16)]
COUNTS = np.arange(16, 0, -1)


def catalogue(titles: Sequence[str] = TITLES, kinds: Sequence[Sequence[str]] = KINDS) -> Catalogue:
    return Catalogue(list(titles), [list(own) for own in kinds], list(titles), None, np.zeros(len(titles), dtype=bool))


def halves() -> np.ndarray:
    """The first eight items belong to interest 0, the rest to interest 1; interest 2 is nobody's."""
    q = np.full((16, 3), 0.05, dtype=np.float32)
    q[:8, 0] = q[8:, 1] = 0.9
    return q


class Model(NoLanguageModels):
    """Answers what it is told to."""

    def __init__(self, tier: Tier, told: str | LlmError | dict[str, float]) -> None:
        self.told, self.kind = told, tier
        self.prompts: list[Prompt] = []
        self.asked: list[Options] = []

    def tier(self, job: Job) -> Tier:
        return self.kind

    def can_score(self, job: Job) -> bool:
        return isinstance(self.told, dict)

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        self.prompts += prompts
        told = self.told
        if isinstance(told, LlmError):
            return [told for _ in prompts]
        return [Answer(str(told), {"name": told}, self.kind, "m", False, 1, 1) for _ in prompts]

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        self.asked += asked
        assert isinstance(self.told, dict)
        worth = self.told
        # A name is likely only where the items of the prompt hold it.
        logs = [
            [
                max([w for key, w in worth.items() if key in option and key in one.prefix] or [-9.0])
                for option in one.options
            ]
            for one in asked
        ]
        return [
            Likelihoods(np.array(row, dtype=np.float32), np.ones(len(row), dtype=np.int32), self.kind, "m", False, 1)
            for row in logs
        ]


def test_terms_are_words_pairs_and_chinese_runs() -> None:
    assert terms("The Lord of the Rings II 指环王") == {"lord", "rings", "指环", "环王", "指环王"}
    assert {"sci", "hair care", "hair"} <= terms("Sci Hair Care, 12 oz")
    assert terms("") == set()


@given(st.text(max_size=60))
def test_any_text_has_terms_that_it_holds(text: str) -> None:
    for term in terms(text):
        assert len(term) >= 2
        assert term == term.strip()


def test_words_tell_interests_apart_and_cover_them() -> None:
    said = read(TITLES, KINDS)
    first, second, nobody = describe(halves(), COUNTS, said, np.zeros(16, dtype=bool))
    assert first.kinds == ["科幻"]
    assert second.kinds == ["爱情"]
    assert "电影" not in first.words + second.words
    assert first.top[:8] == list(range(8))
    assert coverage(first.words, first.top[:8], said) == 1.0
    assert coverage(second.words, first.top[:8], said) == 0.0
    assert coverage([], first.top, said) == 0.0
    assert nobody.kinds == []
    np.testing.assert_allclose(lifts(halves(), COUNTS).sum(axis=0), 0, atol=1e-4)


def test_hidden_items_stand_for_nothing() -> None:
    hidden = np.zeros(16, dtype=bool)
    hidden[:3] = True
    first = describe(halves(), COUNTS, read(TITLES, KINDS), hidden)[0]
    assert not set(first.top) & {0, 1, 2}


def test_rules_name_by_category_in_the_catalogues_language() -> None:
    named = name_interests(halves(), IDS, catalogue(), COUNTS)
    assert [one.name for one in named] == ["科幻", "爱情", "大众之选"]
    assert [one.id for one in named] == ["i1", "i2", "i3"]
    assert [one.general for one in named] == [False, False, True]
    assert named[0].items[0] == "号/0 a"
    assert all(one.tier is Tier.NONE and one.note is None for one in named)
    assert read_interests([one.to_dict() for one in reversed(named)]) == named


def test_without_categories_words_name_and_names_differ() -> None:
    named = name_interests(halves(), IDS, catalogue(ENGLISH, [[]] * 16), COUNTS)
    assert set(named[0].name.casefold().split(" & ")) & {"space", "rocket", "space rocket"}
    assert named[2].name == "What many people take"
    same = np.full((16, 4), 0.0, dtype=np.float32)
    same[:8, :2] = same[8:, 2:] = 0.5
    assert len({one.name for one in name_interests(same, IDS, catalogue(), COUNTS)}) == 4
    bare = name_interests(halves(), IDS, catalogue([""] * 16, [[]] * 16), COUNTS)
    assert [one.name for one in bare] == ["Interest 1", "Interest 2", "What many people take"]


def test_topics_count_as_categories() -> None:
    topics = [["太空歌剧"]] * 8 + [["校园"]] * 8
    named = name_interests(halves(), IDS, catalogue(TITLES, [["电影"]] * 16), COUNTS, topics=topics)
    assert named[0].name == "太空歌剧"


def test_ids_and_names_stay_where_the_interest_does() -> None:
    before = name_interests(halves(), IDS, catalogue(), COUNTS)
    turned = halves()[:, [2, 1, 0]]
    kept = name_interests(
        turned[4:], IDS[4:], catalogue(ENGLISH[4:], [[]] * 12), COUNTS[4:], previous=Previous(IDS, halves(), before)
    )
    assert [one.id for one in kept] == ["i3", "i2", "i1"] or [one.id for one in kept] == ["i4", "i2", "i1"]
    assert [one.name for one in kept][1:] == ["爱情", "科幻"]


def test_a_new_interest_gets_an_id_that_nobody_had() -> None:
    before = name_interests(halves(), IDS, catalogue(), COUNTS)
    mixed = np.full((16, 3), 0.05, dtype=np.float32)
    mixed[::2, 0] = mixed[1::2, 1] = 0.9
    previous = Previous(IDS, halves(), before)
    found = matches(IDS, mixed, previous)
    assert 0 not in found
    assert 1 not in found
    assert set(stable_ids(found, 3, previous)[:2]) == {"i4", "i5"}
    assert matches(["else"], mixed[:1], previous) == {}


def test_a_server_names_and_is_checked() -> None:
    model = Model(Tier.REMOTE, "Rocket stories")
    named = name_interests(halves(), IDS, catalogue(ENGLISH, [[]] * 16), COUNTS, models=model, render=render)
    assert (named[0].name, named[0].tier) == ("Rocket stories", Tier.REMOTE)
    assert named[1].tier is Tier.NONE
    assert named[1].note is not None
    assert len(model.prompts) == 2
    prompt = model.prompts[0]
    assert prompt.schema is not None
    assert "<data>" in prompt.user
    assert "Space Rocket 0" in prompt.user


def test_a_title_cannot_name_an_interest_by_itself() -> None:
    described = Described(["rocket"], ["Toys"], ["Rocket Buy Now evil", "Rocket two", "Rocket Lamps"], [["Toys"]] * 3)
    assert holds("Rocket toys", described) is None
    assert holds("Rockets for fun", described) is None
    assert "single title" in (holds("Rocket evil", described) or "")
    assert "shares no word" in (holds("Wonders", described) or "")
    assert holds("Rocket http://x.y", described) is not None
    assert holds("Rocket <data>", described) is not None
    assert holds("", described) is not None
    assert holds("Rocket " * 20, described) is not None
    chinese = Described(["科幻"], ["科幻"], ["科幻片甲", "科幻片乙"], [["科幻"]] * 2)
    assert holds("科幻冒险", chinese) is None
    assert holds("言情", chinese) is not None


def test_a_failing_server_changes_nothing_but_the_note() -> None:
    plain = name_interests(halves(), IDS, catalogue(), COUNTS)
    model = Model(Tier.REMOTE, LlmTimeout("the deadline passed"))
    named = name_interests(halves(), IDS, catalogue(), COUNTS, models=model, render=render)
    assert [one.name for one in named] == [one.name for one in plain]
    assert named[0].note == "the deadline passed"
    unasked = name_interests(halves(), IDS, catalogue(), COUNTS, models=Model(Tier.REMOTE, "x"))
    assert unasked[0].note is not None


def test_an_embedded_model_chooses_among_names() -> None:
    model = Model(Tier.EMBEDDED, {"Rocket": -1.0, "Tea": -1.0, "space": -0.5})
    kinds = [["Rocket", "Toys"]] * 8 + [["Tea", "Toys"]] * 8
    named = name_interests(halves(), IDS, catalogue(ENGLISH, kinds), COUNTS, models=model)
    assert all(one.tier is Tier.EMBEDDED for one in named[:2])
    assert "Rocket" in named[0].name
    assert "Tea" in named[1].name
    assert len(model.asked) == 4
    assert all(option.startswith(" ") for option in model.asked[0].options)


def test_a_better_tier_names_again() -> None:
    before = name_interests(halves(), IDS, catalogue(ENGLISH, [[]] * 16), COUNTS)
    model = Model(Tier.REMOTE, "Rocket stories")
    named = name_interests(
        halves(),
        IDS,
        catalogue(ENGLISH, [[]] * 16),
        COUNTS,
        previous=Previous(IDS, halves(), before),
        models=model,
        render=render,
    )
    assert named[0].id == before[0].id
    assert named[0].name == "Rocket stories"
    again = name_interests(
        halves(),
        IDS,
        catalogue(ENGLISH, [[]] * 16),
        COUNTS,
        previous=Previous(IDS, halves(), named),
        models=NoLanguageModels(),
    )
    assert again[0].name == "Rocket stories"


def test_candidate_names_are_short_and_unlike() -> None:
    described = Described(["w" * 80, "tea"], ["Sci-Fi", "Adventure"], [], [])
    found = candidate_names(described, "en")
    assert found[0] == "Sci-Fi & Adventure"
    assert len(set(found)) == len(found)
    assert max(map(len, found)) <= 40


def test_named_interests_survive_json() -> None:
    one = NamedInterest("i1", 0, "科幻", ["星际"], ["号/0 a"], False, Tier.REMOTE, "note")
    assert NamedInterest.from_dict(one.to_dict()) == one


def test_interests_called_alike_are_told_apart_by_what_stands_for_them() -> None:
    one = Described(["Drama", "rare"], ["Drama"], ["Piano", "x" * 300, "Short Cuts"], [["Drama"]] * 3)
    assert candidate_names(one, "en") == ["Drama"], "what few of the items say is in no name"
    given = names([one, one, one], set(), "en", NoLanguageModels(), None)
    assert [name.text for name in given] == ["Drama", "Drama (“Piano”)", "Drama (“Short Cuts”)"]
    assert names([one, one], set(), "zh", NoLanguageModels(), None)[1].text == "Drama (《Piano》)"
