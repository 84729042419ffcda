"""A second list, written after the checker was built on the first: another item, a film, other slips."""

from __future__ import annotations

import pytest

from zhiyin.scenarios.grounding import Source, check
from zhiyin.scripts import Language

EN = Source.of(
    {
        "title": "OPI Nail Lacquer, Big Apple Red, 0.5 oz",
        "category": ["Beauty", "Makeup", "Nails", "Nail Polish"],
        "brand": "OPI",
        "description": "Nail lacquer in a red shade. Apply two coats over a base coat. Dries in 10 minutes. Does not "
        "contain toluene. Bottle with a wide brush. Ships from the United States. Do not use near fire. Rated 4.5 by "
        "120 reviewers.",
        "shade": "red",
        "year": "2012",
        "size": "3.5 x 1.2 inches",
    }
)
ZH = Source.of(
    {
        "title": "玩具总动员（1995）",
        "类别": ["动画", "喜剧", "儿童"],
        "导演": "约翰·拉塞特",
        "主演": "汤姆·汉克斯",
        "description": "牛仔玩偶胡迪与太空骑警巴斯光年成为朋友。片长81分钟，共获3项提名。没有真人演员出镜。",
        "语言": "英语",
    }
)
TE = """OPI makes it.
The shade is red.
It dries in ten minutes.
It dries in 10 min.
Apply 2 coats over a base coat.
It does not contain toluene.
It contains no toluene.
The bottle has a wide brush.
The size is 3.5 x 1.2 inches.
It is 0.5 ounce.
You will find this item under Nail Polish.
Rated 4.5 by 120 reviewers.
It ships from the United States.
The listing does not say what it costs.
Look at this Nail Polish by OPI.
Year: 2012.
Do not use near fire.
Its full title is "OPI Nail Lacquer, Big Apple Red, 0.5 oz".
From the category Makeup.
Makeup, Nails and Nail Polish are the categories.""".splitlines()
FE = """It dries in 5 minutes.
It dries in 10 seconds.
It dries in ten hours.
Apply three coats.
Apply 10 coats.
Dries with 2 coats in 120 minutes.
It contains toluene.
Toluene is in the bottle.
It does not dry in 10 minutes.
Use near fire.
It is a 1.5 oz bottle.
It is half an ounce.
A 5 oz bottle.
The size is 1.2 x 5.3 inches.
The size is 3.5 x 1.2 cm.
Essie makes it.
By Essie.
The brand is Nail Lacquer.
The brand is Beauty.
The shade is pink.
The shade is Big Blue Red.
The shade is deep red.
Red velvet shade.
Rated 4.8 by 120 reviewers.
Rated 4.5 by 1,200 reviewers.
Rated 120 by 4.5 reviewers.
Reviewers love it.
Ships from Canada.
Ships free from the United States.
Ships from the United States in 2 days.
Made in the United States.
It is chip-resistant.
Chip proof color for a week.
A glossy finish.
Vegan nail polish.
A salon favourite.
Fast drying.
It dries fast.
It dries quickly.
High shine.
Contains biotin.
Enriched with keratin.
Year: 2013.
Since 1981.
It is for women.
For all skin types.
Winner of an award in 2012.
It is safe near fire.
It never chips.
It will not chip.
No brush is needed.
With no base coat.
Now 20% off.
Only $9.
Buy one, get one.
Everyone should own it.
The only nail polish you need.
You will like it.
You need it.
It is all you need.
Nothing is better.
More than a nail polish.
It is like the Essie one.
Limited stock.
An unforgettable look.
It looks good.
Look your best.
Dermatologists use it.
Kids may use it.
2-in-1 base and polish.
Use it daily.""".splitlines()
TZ = """导演是约翰·拉塞特。
主演：汤姆·汉克斯。
片长81分钟。
片长八十一分钟。
这部作品于1995年发布。
共获三项提名。
它属于动画和喜剧。
没有真人演员出镜。
胡迪与巴斯光年成为朋友。
片名是《玩具总动员（1995）》。
语言是英语。
如果您喜欢动画，可以看看。
类别：动画、喜剧、儿童。""".splitlines()
FZ = """导演是汤姆·汉克斯。
导演是李安。
主演是约翰·拉塞特。
主演：汤姆·克鲁斯。
片长91分钟。
片长81小时。
片长一百八十分钟。
这部作品于1996年发布。
共获五项提名。
共获3项大奖。
获得奥斯卡提名。
它属于动作片。
它属于恐怖。
有真人演员出镜。
真人演员出镜。
胡迪没有朋友。
胡迪与巴斯光年成为敌人。
胡迪与小猪成为朋友。
片名是《玩具总动员2》。
片名是《玩具》。
语言是中文。
语言是喜剧。
续集即将上映。
感人的故事。
温馨的动画。
老少皆宜。
全家都可以看。
适合成人。
票房冠军。
票房超过3亿。
经典之作。
口碑很好。
必看。
不适合儿童。
皮克斯出品。
迪士尼出品。
美国动画。
豆瓣评分9分。
评分81。
第三部。
第一部。
三位导演。
81位演员。
讲述友谊。
令人难忘。
精彩的故事。
好看的动画。
很有意思。
值得一看。
上海首映。
1995年11月上映。
使用三维技术。
儿童最喜欢的动画。""".splitlines()


@pytest.mark.parametrize(
    ("source", "language", "true", "false"), [(EN, "en", TE, FE), (ZH, "zh", TZ, FZ)], ids=["en", "zh"]
)
def test_slips_go_and_most_true_sentences_stay(
    source: Source, language: Language, true: list[str], false: list[str]
) -> None:
    assert [text for text in false if not check(text, source, language).removed] == []
    # What it does not know to be harmless goes, too: a template takes its place.
    assert len([text for text in true if check(text, source, language).removed]) <= 1


def test_evidence_names_the_attribute_of_each_stretch() -> None:
    (kept,) = check("It dries in 10 minutes, by ＯＰＩ.", EN, "en").kept
    said = {kept.sentence[one.start : one.end]: one.key for one in kept.evidence}
    assert said == {"dries": "description", "10 minutes": "description", "ＯＰＩ": "brand"}
    (kept,) = check("导演是约翰·拉塞特。", ZH, "zh").kept
    assert [(kept.sentence[one.start : one.end], one.key) for one in kept.evidence] == [("约翰·拉塞特", "导演")]


def test_what_goes_says_what_and_why() -> None:
    (gone,) = check("It is organic.", EN, "en").removed
    assert (gone.kind, gone.what) == ("claim", "organic")
    assert "organic" in gone.why
    (gone,) = check("它含有酒精。", ZH, "zh").removed
    assert (gone.kind, gone.what) == ("material", "酒精")
    (gone,) = check("It is by Essie.", EN, "en").removed
    assert (gone.kind, gone.what) == ("name", "Essie")
    assert [one.kind for one in check("81天。50 ml.", ZH, "zh").removed] == ["number", "number"]


def test_sentences_keep_their_places() -> None:
    text = "The brand is OPI.  It is 12 oz. Dr. No is no brand.\nThe shade is red!"
    found = check(text, EN, "en")
    places = [(one.start, one.end, one.sentence) for one in found.kept]
    places += [(one.start, one.end, one.sentence) for one in found.removed]
    assert all(text[start:end] == sentence for start, end, sentence in places)
    assert [one.sentence for one in found.kept] == ["The brand is OPI.", "The shade is red!"]
    assert found.text == "The brand is OPI. The shade is red!"


THIRD = {
    "en": """It comes from Makeup.
The year is 120.
The size is 2012.
It contains OPI.
It contains Makeup.
Customers choose it.
People like it again and again.
Buyers keep coming back.
It has it all.
It is made for you.
It suits everyone.
It is all in one.
An interesting shade.
Nothing is like it.
It can be used for anything.""".splitlines(),
    "zh": """来自喜剧。
年份是81。
含有喜剧。
大家都选择它。
用户喜欢它。
您想要的都有。
它很有用。
人们推荐它。""".splitlines(),
}


@pytest.mark.parametrize(("source", "language"), [(EN, "en"), (ZH, "zh")], ids=["en", "zh"])
def test_claims_out_of_harmless_words_go(source: Source, language: Language) -> None:
    assert [text for text in THIRD[language] if not check(text, source, language).removed] == []
