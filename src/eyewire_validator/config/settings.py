"""Settings with types and bounds: what a part of the configuration may say.

A class declares its keys as fields; `Settings.from_mapping` refuses all else by name.
"""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from eyewire_validator.errors import ConfigError


def one_of(choices: Iterable[str], **options: Any) -> Any:
    """Declare a text that is one of ``choices``; options as of `dataclasses.field`."""
    return field(metadata={"choices": tuple(choices)}, **options)


def number(
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    multiple_of: int = 0,
    **options: Any,
) -> Any:
    """Declare a number.

    Args:
        least: the lowest value that is taken.
        most: the highest.
        above: a bound that is not taken itself.
        below: likewise.
        multiple_of: what a whole number divides by; 0 for anything.
        options: as of `dataclasses.field`, such as ``default``.
    """
    rule = {"least": least, "most": most, "above": above, "below": below}
    return field(metadata={**rule, "multiple_of": multiple_of}, **options)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A part of the configuration.

    Raises:
        ConfigError: values are of another type or out of bounds, or do not fit each
            other, a line each, by their keys.
    """

    def __post_init__(self) -> None:
        """Refuse wrong values."""
        problems = [
            problem
            for own in fields(self)
            for problem in _problems(own, getattr(self, own.name))
        ]
        if problems := problems or list(self.contradictions()):
            raise ConfigError("\n".join(problems))

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong between values that are each within their bounds."""
        yield from ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str) -> Self:
        """Make settings of a part of the configuration.

        Args:
            mapping: the values by key.
            place: where they stand in the configuration, such as ``models.lwunet``.

        Raises:
            ConfigError: keys are unknown or missing, or values wrong, a line each.
        """
        if problems := list(cls._key_problems(mapping, place)):
            raise ConfigError("\n".join(problems))
        try:
            return cls(**mapping)
        except ConfigError as error:
            lines = str(error).splitlines()
            raise ConfigError("\n".join(f"{place}.{line}" for line in lines)) from None

    @classmethod
    def _key_problems(cls, mapping: Mapping[str, Any], place: str) -> Iterator[str]:
        known = {own.name: own for own in fields(cls)}
        for key in mapping:
            if key not in known:
                yield f"unknown key {place}.{key}{suggestion(str(key), known)}"
        needed = (name for name, own in known.items() if own.default is MISSING)
        if missing := [name for name in needed if name not in mapping]:
            yield f"missing under {place}: {', '.join(missing)}"


def suggestion(key: str, known: Iterable[str]) -> str:
    """Return, in brackets, the known key that an unknown one may stand for, or all."""
    known = list(known)
    close = difflib.get_close_matches(key, known, 1)
    if close:
        return f" (did you mean {close[0]}?)"
    return f" (known: {', '.join(known)})"


def _problems(own: "Field[Any]", value: Any) -> Iterator[str]:
    """Yield what is wrong with the value of a field, at most one thing."""
    if value is None and own.default is None:
        return
    name, rule = own.name, own.metadata
    if not _is_of_type(value, own.type):
        wanted = getattr(own.type, "__name__", "str")
        yield f"{name}: {value!r} is a {type(value).__name__}, expected {wanted}"
    elif "choices" in rule and value not in rule["choices"]:
        yield f"{name}: {value!r} is not one of {', '.join(rule['choices'])}"
    elif "least" in rule:
        yield from _out_of_bounds(name, value, rule)


def _is_of_type(value: Any, wanted: Any) -> bool:
    """Compare types strictly: True is no number, 2.0 no count, and NaN nothing."""
    if wanted is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    if wanted in (int, bool):
        return type(value) is wanted
    return type(value) is str


def _out_of_bounds(name: str, value: float, rule: Mapping[str, Any]) -> Iterator[str]:
    if value < rule["least"]:
        yield f"{name}: {value} is less than the minimum of {rule['least']}"
    elif value > rule["most"]:
        yield f"{name}: {value} is greater than the maximum of {rule['most']}"
    elif value <= rule["above"]:
        yield f"{name}: {value}, expected above {rule['above']}"
    elif value >= rule["below"]:
        yield f"{name}: {value}, expected below {rule['below']}"
    elif rule["multiple_of"] and value % rule["multiple_of"]:
        yield f"{name}: {value} is not a multiple of {rule['multiple_of']}"
