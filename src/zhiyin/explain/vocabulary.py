"""The words that a sentence may use beside what it quotes: those that claim nothing, those that a cited fact allows.

Everything else asserts something that no evidence carries. English is held word by word; Chinese, which has no spaces,
by whether the text can be put together out of these phrases.
"""

from __future__ import annotations

from zhiyin.explain.evidence import Evidence, Kind
from zhiyin.explain.sentences import ACTIONS, ANY_ACTION, TOP_RANK, mainly
from zhiyin.scripts import Language

_ALWAYS = {
    "en": (
        "a an the this that it its it's is are was has have and or because since as also too so which who you your "
        "you're we for to of in on with by from at like both here suggested recommended suggest recommend related "
        "goes may well"
    ).split(),
    # Few single characters: what can be put together must not be a word of its own, as 有 and 名 make 有名 (famous).
    "zh": (
        "推荐 推荐给 向您 它 这 这个 这件 这部 这本 与 和 及 以及 跟 同 也 都 还 的 是 因为 由于 所以 您 你 为您 给您 "
        "了 在 里 里面 中 有 相关 有关 关联 一样 一起 同样 两者 出现在 这里 可能 可能会 也会 并且 而且 与之 与它 我们"
    ).split(),
}
_ALLOWED: dict[tuple[Kind, str], dict[str, list[str]]] = {
    (Kind.ATTRIBUTE, "category"): {
        "en": "listed under category categories share belong belongs".split(),
        "zh": "属于 同属 类别 分类 类目 列在".split(),
    },
    (Kind.ATTRIBUTE, "title"): {
        "en": "title titles mention mentions word words".split(),
        "zh": "标题 名字 名称 提到 含有 包含".split(),
    },
    (Kind.WISH, "category"): {"en": "listed under category categories belongs".split(), "zh": "属于 类别 分类".split()},
    (Kind.WISH, "title"): {"en": "title mentions says so".split(), "zh": "标题 里就有 提到".split()},
    (Kind.WISH, "text"): {"en": "description mentions says so".split(), "zh": "介绍 里就有 提到".split()},
    (Kind.WISH, "near"): {"en": "comes close".split(), "zh": "相近 接近 与此".split()},
    (Kind.TOGETHER, ""): {
        "en": "other others people them chose chosen picked".split(),
        "zh": "另外 其他 其中 人 选过 选了 选择过 选择了".split(),
    },
    (Kind.TREND, ""): {
        "en": "people chose chosen picked last past day days far record recently puts number rank ranks ranked".split(),
        "zh": "最近 近期 天 天里 天内 有记录 人 选过 选了 选择过 选择了 排在 排名 到目前为止 目前 为止".split(),
    },
    (Kind.INTEREST, ""): {
        "en": "fits matches interest interests profile makes up".split(),
        "zh": "符合 您对 对 兴趣 感兴趣 占 画像".split(),
    },
}
_SAID = {
    "request": {"en": "asked wanted want".split(), "zh": "想要 要求".split()},
    "profile": {"en": "profile says said want".split(), "zh": "想要 画像 写着 说过".split()},
}
_POPULAR = {"en": ["popular"], "zh": ["热门"]}
_MAINLY = {"en": ["mainly", "mostly"], "zh": ["主要"]}
_GENERIC = {"en": "chose chosen picked took".split(), "zh": "选过 选了 选择过 选择了".split()}


def allowed_words(cited: list[Evidence], language: Language) -> set[str]:
    """Words (en, lower case) or phrases (zh) that a sentence on ``cited`` may be made of."""
    words = set(_ALWAYS[language])
    events = [one for one in cited if one.kind is Kind.EVENT]
    for one in cited:
        if one.kind is Kind.EVENT:
            words |= {word for phrase in verb_phrases(one, language) for word in _parts(phrase, language)}
        else:
            where = one.where if one.kind in (Kind.ATTRIBUTE, Kind.WISH) else ""
            words |= set(_ALLOWED[one.kind, where][language])
        if one.kind is Kind.WISH:
            words |= set(_SAID.get(one.said, _SAID["request"])[language])
        if one.kind is Kind.TREND and 0 < (one.rank or 0) <= TOP_RANK:
            words |= set(_POPULAR[language])
    return words | set(_MAINLY[language]) if events and mainly(events) else words


def verb_phrases(event: Evidence, language: Language) -> list[str]:
    """How the sentence may say what the person did: always that they chose it, and the action itself."""
    own = ACTIONS.get(event.action, ANY_ACTION)[language == "zh"]
    forms = [own]
    if language == "zh":
        stem = own.removesuffix("过")
        forms += [stem + "了"] + ([f"购{stem}过", f"购{stem}了"] if stem == "买" else [])
    elif own == "bought":
        forms.append("purchased")
    return forms + _GENERIC[language]


def generic_verbs(language: Language) -> set[str]:
    """Phrases that say that somebody took something, in whichever way."""
    return set(_GENERIC[language])


def specific_verbs(language: Language) -> set[str]:
    """Phrases that name one kind of action, and so must be true of the title they stand by."""
    kinds = [Evidence("", Kind.EVENT, action=action) for action in ACTIONS]
    return {phrase for one in kinds for phrase in verb_phrases(one, language)} - set(_GENERIC[language])


def _parts(phrase: str, language: Language) -> list[str]:
    return phrase.split() if language == "en" else [phrase]
