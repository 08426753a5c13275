"""The page on which people decide: it needs no network and no server.

It is one file. Where that would be large, it is a small one, and the crops are in files
beside it, so many in each, which it loads when they are due.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import chain, islice
from typing import Any

import pandas as pd

from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.storage.pages import page_templates

INDEX, PARTS = "index.html", "index_parts"
# A page of more bytes than this has its crops beside it.
LIMIT = 20_000_000
# In each file of a part: half a megabyte, so that the first is there at once.
PART_ITEMS = 20
# Texts in JSON, also numbers of 64 bits, which JSON's own readers round.
_TEXTS = (
    *("item", "reason", "why", "split", "task", "cell", "segment", "seeds"),
    *("supervoxel", "data", "checkpoint"),
)


def describe_items(queue: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page says of each row of a table of the schema `QUEUE`."""
    return [
        {
            **{name: str(getattr(row, name)) for name in _TEXTS},
            "voxels": int(row.voxels),
            "probability": round(float(row.probability), 6),
            "validated": None
            if pd.isna(row.validated)
            else round(float(row.validated), 6),
            "expected_edits": round(float(row.expected_edits), 6),
            **{
                name: bool(getattr(row, name))
                for name in ("proposal", "current", "blind")
            },
            "point": [int(row.z), int(row.y), int(row.x)],
            "point_nm": None
            if pd.isna(row.z_nm)
            else [float(row.z_nm), float(row.y_nm), float(row.x_nm)],
        }
        for row in queue.itertuples()
    ]


def hash_of_queue(items: list[dict[str, Any]]) -> str:
    """Return the hash of all questions, in their order."""
    return settings_hash(items)


def page_files(
    items: list[dict[str, Any]],
    crops: Iterable[Mapping[str, Any]],
    unit: str,
    limit: int = LIMIT,
) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the name and the text of each file of the page, the one to open last.

    Args:
        items: from `describe_items`.
        crops: from `crops.pack_crop`, one an item, in their order.
        unit: of the crops' edges: ``nm``, or ``voxels``.
        limit: bytes of crops that the page itself may hold.
    """
    rest = iter(crops)
    held = list(_first(rest, limit))
    if (following := next(rest, None)) is None:
        yield INDEX, render_page(items, held, unit)
        return
    queue, number = hash_of_queue(items), 0
    rest = chain(held, [following], rest)
    while part := list(islice(rest, PART_ITEMS)):
        yield f"{PARTS}/{number}.js", [f"part({_embedded([queue, number, part])});\n"]
        number += 1
    yield INDEX, render_page(items, None, unit)


def _first(
    crops: Iterator[Mapping[str, Any]], limit: int
) -> Iterator[Mapping[str, Any]]:
    """Yield crops until they take more than so many bytes."""
    size = 0
    while size <= limit and (crop := next(crops, None)) is not None:
        size += len(_embedded(crop))
        yield crop


def render_page(
    items: list[dict[str, Any]], crops: Iterable[Mapping[str, Any]] | None, unit: str
) -> Iterator[str]:
    """Yield the page piece by piece, so that one crop is in memory at a time.

    Text from outside is JSON without ``<``, and the page shows it as text: it is inert.
    No script runs but the page's own, which its policy names by hash.

    Args:
        items: from `describe_items`.
        crops: from `crops.pack_crop`, one an item, in their order; none: they are
            beside the page.
        unit: of the crops' edges: ``nm``, or ``voxels``.
    """
    script = files(__package__).joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        page_templates(__package__)
        .get_template("page.html")
        .generate(
            script=script,
            script_hash=f"sha256-{digest}",
            beside=crops is None,
            queue=_embedded(
                {
                    "items": items,
                    "queue": hash_of_queue(items),
                    "unit": unit,
                    "parts": None if crops is not None else [PARTS, PART_ITEMS],
                }
            ),
            crops=map(_embedded, crops or ()),
        )
    )


def _embedded(value: Any) -> str:
    """Return JSON that ends no script element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
