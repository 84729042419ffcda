"""Personal data taken out of texts before they leave the machine: e-mail, phone and card numbers, Chinese ids.

Numbers with a checksum are taken out only where it holds, so that identifiers of items stay. Full-width letters and
digits count as their narrow twins (１３８ is 138), and are left as those in a text that something is taken out of.
"""

from __future__ import annotations

import datetime
import re
import string
from collections.abc import Callable

NARROW = {ord(sign) + 0xFEE0: sign for sign in string.ascii_letters + string.digits + "@+-."}
"""Full-width forms of letters, digits and what stands between them."""

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
CHINESE_ID = re.compile(r"(?<![A-Za-z\d])\d{17}[\dXx](?![A-Za-z\d])")
CARD = re.compile(r"(?<![A-Za-z\d])\d(?:[ -]?\d){12,18}(?![A-Za-z\d])")
PHONE = re.compile(
    r"""(?<![A-Za-z\d.+-])(?:
        (?:\+|00)\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}      # +44 20 7946 0958, 0086 138...
      | 1[3-9]\d[ -]?\d{4}[ -]?\d{4}                         # a Chinese mobile
      | 0\d{2,3}-\d{7,8}                                     # a Chinese landline
      | \(\d{3}\)\ ?\d{3}-\d{4} | \d{3}[-.]\d{3}[-.]\d{4}    # North America
    )(?![A-Za-z\d])""",
    re.VERBOSE,
)


def redact(text: str) -> str:
    """``text`` with [e-mail], [id], [card] and [phone] in the place of what was found; unchanged where nothing was."""
    plain = text.translate(NARROW)
    left = EMAIL.sub("[e-mail]", plain)
    left = CHINESE_ID.sub(_where(is_chinese_id, "[id]"), left)
    left = CARD.sub(_where(is_card, "[card]"), left)
    left = PHONE.sub(_where(_is_phone, "[phone]"), left)
    return text if left == plain else left


def is_card(text: str) -> bool:
    """13 to 19 digits that begin like a bank card and pass Luhn's checksum."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_chinese_id(text: str) -> bool:
    """18 signs with a real date of birth and the checksum of GB 11643."""
    digits = [int(sign) for sign in text[:17]]
    try:
        datetime.date(*(int(text[low:high]) for low, high in ((6, 10), (10, 12), (12, 14))))
    except ValueError:
        return False
    rest = sum(digit * pow(2, 17 - place, 11) for place, digit in enumerate(digits)) % 11
    last = text[17]
    return (int(last) if last.isdecimal() else 10) == (1 - rest) % 11


def _is_phone(text: str) -> bool:
    return 7 <= sum(sign.isdecimal() for sign in text) <= 16


def _where(holds: Callable[[str], bool], mark: str) -> Callable[[re.Match[str]], str]:
    return lambda match: mark if holds(match.group()) else match.group()
