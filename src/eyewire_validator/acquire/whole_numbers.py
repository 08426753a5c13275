"""Whole numbers as people and spreadsheets write them, in every country's way."""

import re
from collections.abc import Iterable
from typing import NamedTuple

HIGHEST = 2**63 - 1
# Floating-point numbers hold every whole number up to here.
EXACT = 2**53

GROUPED = re.compile(
    r"[1-9]\d{0,2}(?:([ ',.])\d{3})(?:\1\d{3})*"  # 1,234,567 with any one mark
    r"|[1-9]\d?(?:,\d{2})+,\d{3}"  # 12,34,567
)
DECIMAL = re.compile(r"(\d+|[1-9][\d ',.]*\d)([.,])(\d+)")
POWER = re.compile(r"(\d+)(?:([.,])(\d+))?[eE]([+-]?\d{1,3})")
# Longer than any number of 64 bits, however it is written.
LONGEST = 60

# What other scripts and typesetters write for marks.
MARKS = {"\u2019": "'", "\u066c": "'", "\u066b": ".", "\u2212": "-"}


class Whole(NamedTuple):
    """A number that was read.

    Attributes:
        value: from -(2^63 - 1) to 2^63 - 1.
        exact: whether it surely was not rounded on its way.
    """

    value: int
    exact: bool


def decimal_marks(column: Iterable[str]) -> frozenset[str]:
    """Return which of ``.`` and ``,`` some value of a column has as its decimal mark.

    Such are 12.5, 1234.000, 0.123, 1.2E+3 and 1.234,0; neither 1.234.567 nor 1.234 is.
    """
    found = set()
    for text in map(_plain, column):
        unsigned = text.lstrip("+-")
        if power := POWER.fullmatch(unsigned):
            found.add(power[2] or "")
        elif not GROUPED.fullmatch(unsigned) and (parts := _decimal(unsigned)):
            found.add(parts[1])
    return frozenset(found)


def whole_number(text: str, decimals: frozenset[str] = frozenset()) -> Whole | None:
    """Read a whole number.

    Read are a sign; digits of any script; thousands (or 12,34,567) apart by comma,
    point, apostrophe or any space; a decimal mark with zeros after it; 1.2345E+06 where
    that is whole; ``'123`` and ``"123"``. A value that can be read both ways, 1.234 or
    1,234, has thousands, unless another value of its column has that mark as a decimal
    mark: then it is no whole number, and 1.000 is 1.

    Args:
        text: the value.
        decimals: those of its column, see `decimal_marks`.

    Returns:
        None for anything else, and for what 64 bits do not hold.
    """
    plain = _plain(text)
    unsigned = plain.lstrip("+-")
    if len(plain) > LONGEST or len(plain) - len(unsigned) > 1:
        return None
    found = _unsigned(unsigned, decimals)
    if found is None or found.value > HIGHEST:
        return None
    return Whole(-found.value, found.exact) if plain[0] == "-" else found


def _unsigned(text: str, decimals: frozenset[str]) -> Whole | None:
    if found := POWER.fullmatch(text):
        whole, _, part, exponent = found.groups(default="")
        return _power(whole, part, int(exponent))
    parts = _decimal(text)
    may_be_decimal = parts and text.count(parts[1]) == 1 and parts[1] in decimals
    if GROUPED.fullmatch(text) and not may_be_decimal:
        return Whole(_digits(text), exact=True)
    if parts:
        whole, _, zeros = parts
        value = _digits(whole)
        return None if zeros.strip("0") else Whole(value, exact=value <= EXACT)
    return Whole(int(text), exact=True) if text.isdecimal() else None


def _decimal(text: str) -> tuple[str, str, str] | None:
    """Return what is before a decimal mark, the mark, and the digits after it."""
    found = DECIMAL.fullmatch(text)
    if found and (found[1].isdecimal() or GROUPED.fullmatch(found[1])):
        return (found[1], found[2], found[3]) if found[2] not in found[1] else None
    return None


def _power(whole: str, part: str, exponent: int) -> Whole | None:
    """Return whole.part times 10 to the exponent, if that is whole."""
    digits, places = int(whole + part), exponent - len(part)
    value, rest = divmod(digits * 10 ** max(places, 0), 10 ** max(-places, 0))
    return None if rest else Whole(value, exact=False)


def _digits(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _plain(text: str) -> str:
    """Return a value in ASCII: digits, marks, and one sort of space and apostrophe."""
    inner = text.strip().removeprefix("'").strip('"').strip()
    return "".join(map(_ascii, inner))


def _ascii(character: str) -> str:
    if character.isdecimal():
        return str(int(character))
    return " " if character.isspace() else MARKS.get(character, character)
