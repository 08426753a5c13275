"""Read the name of an array: a file or an address, what is inside, and options."""

import math
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from eyewire_validator.errors import FileError

FORMS = ("zarr", "precomputed", "n5", "graphene")
OPTIONS = ("range", "missing", "timestamp")
_OPTIONS = re.compile(rf"\?((?:{'|'.join(OPTIONS)})=.*)$", re.DOTALL)

_AN_OPTION = re.compile(r"\?(\w+)=")


@dataclass(frozen=True)
class Named:
    """A source, taken apart.

    Args:
        form: one of `FORMS`; empty for files, whose form their suffix tells.
        location: path or address, without the form.
        inside: what follows ``::``: the name of an array or of a level.
        options: what follows ``?``, by name.
    """

    form: str
    location: str
    inside: str
    options: dict[str, str]

    @property
    def plain(self) -> str:
        """The source without its options."""
        form = f"{self.form}://" if self.form else ""
        return f"{form}{self.location}" + (f"::{self.inside}" if self.inside else "")


def parse(source: str) -> Named:
    """Take ``form://location::inside?option=value&...`` apart.

    Raises:
        FileError: an option is not known, or the address holds a password or a query,
            which are not repeated.
    """
    form, mark, rest = source.partition("://")
    if not mark or form not in FORMS:
        form, rest = "", source
    found = _OPTIONS.search(rest)
    named, _, inside = rest[: found.start() if found else None].partition("::")
    options = dict(
        pair.partition("=")[::2] for pair in (found[1].split("&") if found else ())
    )
    if form or "://" in named:
        _check_address(form, named)
    if not form and "://" in named:
        raise FileError(
            f"{named}: of what form? write zarr://, precomputed:// or n5:// before it, "
            f"as in precomputed://{named}"
        )
    if unknown := sorted(set(options) - set(OPTIONS)) + _AN_OPTION.findall(named):
        raise FileError(
            f"{named.partition('?')[0]}: has no option {unknown[0]}; known are "
            f"?{'=, ?'.join(OPTIONS)}="
        )
    return Named(form, named, inside, options)


def _check_address(form: str, location: str) -> None:
    """Refuse what might be secret: it would end up in logs and results."""
    parts = urlsplit(location)
    shown = f"{form}://{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if "@" in parts.netloc:
        raise FileError(
            f"{shown}: holds a user name or password, which would be written into logs "
            "and results; only anonymous sources are read"
        )
    if "?" in location:
        raise FileError(
            f"{shown}: is followed by a query, which may hold a secret; known are "
            f"?{'=, ?'.join(OPTIONS)}="
        )


def grey_range(named: Named) -> tuple[float, float] | None:
    """Return the grey values that become 0 and 255; None if none are stated.

    Raises:
        FileError: it is not two numbers that differ.
    """
    text = named.options.get("range")
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not 0 < abs(high - low) < math.inf:
        raise FileError(
            f"{named.plain}: its range is {text}, expected the grey values that become "
            "0 and 255, such as ?range=0,4095"
        )
    return low, high
