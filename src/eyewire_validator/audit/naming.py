"""Name the findings of an audit: all are counted, the first few named."""

from collections.abc import Sequence

NAMED = 5


def listed(ids: Sequence[int]) -> str:
    """Return ids as they stand in a sentence, ``1, 2, 3``."""
    return ", ".join(map(str, ids))
