"""Sentences of which one thing was changed must go; sentences that say what the source says must stay."""

from __future__ import annotations

import pytest

from zhiyin.scenarios.grounding import Source, check
from zhiyin.scripts import Language

EN = Source.of(
    {
        "title": "Suave Professionals Lavender Conditioner for Dry Hair, 12.6 Fluid Ounce (Pack of 3)",
        "description": "A conditioner with shea butter and vitamin B5. Free of parabens. Not tested on animals. "
        "It comes with 5 clips and 2 combs. Use it within 24 months. First sold on 5 March 2019.",
        "category": ["Beauty", "Hair Care", "Conditioners"],
        "brand": "Suave",
        "color": "purple",
        "material": "plastic",
        "price": "$1,299.50",
        "weight_g": "400",
        "alcohol": "12%",
        "waterproof": False,
        "country": "Canada",
    }
)
ZH = Source.of(
    {
        "title": "兰朵薰衣草护发素 400毫升 三瓶装 女士",
        "description": "含有乳木果油和维生素B5。不含硅油，未添加色素。附赠5个发夹和2把梳子。2019年3月5日首次上市。"
        "开封后24个月内使用。适合干性发质。",
        "category": ["美妆", "护发", "护发素"],
        "品牌": "兰朵",
        "颜色": "紫色",
        "材质": "塑料",
        "价格": "1,299元",
        "酒精含量": "百分之五",
        "防水": "否",
        "产地": "加拿大",
    }
)

TRUE_EN = """
This item is listed under Beauty and Hair Care.
The brand is Suave.
It is a conditioner for dry hair.
It holds 12.6 fl oz.
The colour is purple.
The pack has 3 pieces.
Pack of three.
It costs $1299.50.
The price is $1,299.50.
It weighs 400 g.
It weighs 400g.
It weighs 0.4 kg.
It is free of parabens.
It is not tested on animals.
It is not waterproof.
It comes with 5 clips and 2 combs.
It comes with five clips.
It contains shea butter and vitamin B5.
Use it within 24 months.
It was first sold on 5 March 2019.
It was first sold on March 5, 2019.
First sold in 2019.
Which brand is it? Suave.
Its title is "Suave Professionals Lavender Conditioner for Dry Hair, 12.6 Fluid Ounce (Pack of 3)".
The material is plastic.
It has 12 % alcohol.
Made in Canada is what the listing says about the country: Canada.
Look for "Suave" if you like Lavender.
If you are interested in Hair Care, this is one of the items to consider.
ＳＵＡＶＥ is the brand, and the price is ＄１２９９.５０.
""".strip().splitlines()
FALSE_EN = """
It holds 12.8 fl oz.
It holds 12.6 ml.
It holds 12.6 g.
It holds twelve fl oz.
It holds 126 fl oz.
The pack has 4 pieces.
Pack of two.
It comes with 2 clips and 5 combs.
It comes with 5 combs.
It comes with three clips.
It comes with a dozen clips.
It costs $1299.
It costs €1299.50.
It costs $12.99.
It costs ￡1299.50.
It weighs 400 kg.
It weighs 400 oz.
It weighs four grams.
It has 21 % alcohol.
It has twelve grams of alcohol.
Use it within 24 days.
Use it within 42 months.
Use it within two years.
It was first sold on 6 March 2019.
It was first sold in March 2020.
First sold in 2018.
It contains vitamin B6.
It contains vitamin C.
The brand is Dove.
The brand is Purple.
The brand is Lavender.
It is made by Pantene.
It comes from L'Oreal.
Suave Naturals is the brand.
Always is the brand.
It is made of Lavender.
It is made of glass.
It is made of purple.
The material is steel.
It contains argan oil.
It contains coconut oil and shea butter.
It contains parabens.
It has parabens.
It is tested on animals.
It is waterproof.
It is not for dry hair.
It does not contain shea butter.
It is without vitamin B5.
It is alcohol-free.
It is free of alcohol.
It is free of sulfates.
No clips are included.
It is not purple.
It is for oily hair.
It is for men.
It is for children with dry hair.
The colour is pink.
The colour is dark purple.
It is organic.
It is a best-selling conditioner.
It is hypoallergenic.
A premium conditioner.
The best conditioner.
It is well made.
It will make you look better.
People like it.
It is a must have.
It is second to none.
One of a kind.
Dermatologist recommended.
It repairs dry hair.
It moisturizes.
It is safe for you.
It was made in France.
It is handmade in Canada.
It is new.
It is on sale.
Free shipping.
Half the price.
It is natural.
It is cruelty-free.
It smells fresh.
Clinically proven.
"Suave Gold" is its name.
Its title is 《Suave Professionals》 Lavender.
It lasts all day.
Thousands of people read about it.
It is wаterproof.
It is water​proof.
It is W-a-t-e-r-p-r-o-o-f.
Customers rate it 5 stars.
It is number one.
It is #1.
It is No. 1.
It is the first choice.
Perfect for travel.
It is like nothing else.
It softens hair in minutes.
It comes in 3 colours.
Yes.
No.
""".strip().splitlines()
TRUE_ZH = """
这款商品归类在美妆、护发。
品牌是兰朵。
它的品牌为兰朵，产地是加拿大。
容量为400毫升。
容量为400 ml。
容量为４００毫升。
容量是四百毫升。
容量为0.4升。
一共三瓶装。
颜色是紫色。
材质是塑料。
价格是1299元。
价格为1,299元。
价格：¥1299。
酒精含量5%。
酒精含量为百分之五。
不含硅油。
没有硅油。
未添加色素。
这款商品不防水。
附赠5个发夹和2把梳子。
附赠五个发夹。
含有乳木果油和维生素B5。
开封后24个月内使用。
2019年3月5日首次上市。
首次上市是在2019年3月。
适合干性发质。
名为《兰朵薰衣草护发素 400毫升 三瓶装 女士》。
如果您对护发感兴趣，可以看看这款商品。
它是什么品牌？兰朵。
""".strip().splitlines()
FALSE_ZH = """
容量为500毫升。
容量为400克。
容量为四百五十毫升。
容量为40毫升。
容量为400升。
一共五瓶装。
一共两瓶装。
附赠2个发夹和5把梳子。
附赠3个发夹。
附赠十个发夹。
附赠六把梳子。
价格是1288元。
价格是1299美元。
价格为12.99元。
价格是一千元。
酒精含量15%。
酒精含量为百分之五十。
酒精含量为千分之五。
开封后12个月内使用。
开封后24天内使用。
2019年3月6日首次上市。
2020年首次上市。
首次上市是在2019年4月。
含有维生素B6。
含有维生素C。
品牌是多芬。
品牌是紫色。
品牌是薰衣草。
品牌是塑料。
材质是兰朵。
由潘婷生产。
欧莱雅的护发素。
材质是玻璃。
材质是紫色。
材质是纯棉。
含有椰子油。
含有玻尿酸和乳木果油。
含有硅油。
添加色素。
这款商品防水。
可以防水。
不含乳木果油。
不含酒精。
无维生素B5。
不适合干性发质。
没有发夹。
适合油性发质。
适合敏感肌。
适合男士。
适合儿童。
颜色是粉色。
颜色是深紫色。
天然护发素。
有机护发素。
畅销护发素。
最佳护发素。
国家级品牌。
第一品牌。
正品。
进口护发素。
法国制造。
产地是法国。
有名的品牌。
大家都喜欢它。
深受女士喜欢。
可以修复干性发质。
滋润头发。
温和不刺激。
安全无害。
专家推荐。
临床验证有效。
包邮。
限时优惠。
新品上市。
高端品牌。
手工制作。
纯植物成分。
柔顺头发。
见效快。
持久留香。
味道好闻。
性价比高。
名为《兰朵玫瑰护发素》。
名为《兰朵》的第二款。
数千人购买。
几十款可以选择。
最受女士关注。
好评如潮。
独家。
防​水。
能防脱发。
不易断发。
专业人士的选择。
是的。
不是。
""".strip().splitlines()


@pytest.mark.parametrize(
    ("source", "language", "true", "false"),
    [(EN, "en", TRUE_EN, FALSE_EN), (ZH, "zh", TRUE_ZH, FALSE_ZH)],
    ids=["en", "zh"],
)
def test_what_was_changed_goes_and_what_is_true_stays(
    source: Source, language: Language, true: list[str], false: list[str]
) -> None:
    missed = [text for text in false if not check(text, source, language).removed]
    lost = [(text, check(text, source, language).removed) for text in true if check(text, source, language).removed]
    assert len(false) >= 90
    assert missed == []
    assert lost == []
