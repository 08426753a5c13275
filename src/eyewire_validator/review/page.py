"""The page on which people decide: one file that needs no network and no server."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from eyewire_validator.storage.hashes import settings_hash

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


def render_page(
    items: list[dict[str, Any]], crops: Iterable[Mapping[str, Any]], unit: str
) -> Iterator[str]:
    """Yield the page piece by piece, so that one crop is in memory at a time.

    Text from outside is JSON without ``<``, and the page shows it as text: it is inert.
    No script runs but the page's own, which its policy names by hash.

    Args:
        items: from `describe_items`.
        crops: from `crops.pack_crop`, one an item, in their order.
        unit: of the crops' edges: ``nm``, or ``voxels``.
    """
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0], "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    script = files(__package__).joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").generate(
        script=script,
        script_hash=f"sha256-{digest}",
        queue=_embedded({"items": items, "queue": hash_of_queue(items), "unit": unit}),
        crops=map(_embedded, crops),
    )


def _embedded(value: Any) -> str:
    """Return JSON that ends no script element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
