"""Whole numbers in every country's way."""

import pytest

from eyewire_validator.acquire.whole_numbers import decimal_marks, whole_number

MILLION = 1234567


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234567", MILLION),
        ("1,234,567", MILLION),
        ("1.234.567", MILLION),
        ("1 234 567", MILLION),
        ("1\u00a0234\u00a0567", MILLION),
        ("1\u202f234\u202f567", MILLION),
        ("1\u2009234\u2009567", MILLION),
        ("1'234'567", MILLION),
        ("1\u2019234\u2019567", MILLION),
        ("12,34,567", MILLION),
        ("1234567.0", MILLION),
        ("1234567,0", MILLION),
        ("1,234,567.00", MILLION),
        ("1.234.567,00", MILLION),
        ("1 234 567,00", MILLION),
        ("1.234567E+06", MILLION),
        ("1,234567e6", MILLION),
        ("12345670E-1", MILLION),
        ("\u0661\u0662\u0663", 123),
        ("\uff11\uff12\uff13", 123),
        ("+5", 5),
        ("-5", -5),
        ("\u22125", -5),
        ("'123", 123),
        ('"123"', 123),
        ("007", 7),
        ("0,0", 0),
        ("1.234", 1234),
        ("1,234", 1234),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_what_is_plain_is_read(text, value):
    assert whole_number(text).value == value


@pytest.mark.parametrize(
    "text",
    [
        "", "big", "12.5", "0,123", "1,23", "1,2345", "1.234,567", "12,34", "1,234 567",
        "1.2345E+02", "1E-3", "5\u00b2", "--5", "5-", "- 5", "9223372036854775808",
        "1E400", "9" * 5000, "1,234,", ",234", "0x1F", "1_000", "01.02.2026", "nan",
    ],
)  # fmt: skip
def test_what_is_not_is_left_alone(text):
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["1.234", "1.234.567"], [1234, MILLION]),
        (["1.000", "12.5"], [1, None]),
        (["1.234", "0.500"], [None, None]),
        (["1.234", "7.65E+04"], [None, 76500]),
        (["1.234", "1.234,0"], [1234, 1234]),
        (["1,234", "1.234,0"], [None, 1234]),
        (["1.234", "1,234"], [1234, 1234]),
        (["1.234", "12.5", "1.234.567"], [None, None, MILLION]),
        (["1.234", "01.02.2026", "x1.5"], [1234, None, None]),
    ],
)
def test_what_can_be_read_both_ways_follows_its_column(column, values):
    marks = decimal_marks(column)
    found = [whole_number(text, marks) for text in column]
    assert [number and number.value for number in found] == values


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("76543.0", True),
        ("7.6543E+04", False),
        ("9007199254740992.0", True),
        ("9007199254740994.0", False),
        ("9007199254740993", True),
    ],
)
def test_what_may_have_been_rounded_says_so(text, exact):
    assert whole_number(text).exact is exact
