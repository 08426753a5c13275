"""The queue as a state of Neuroglancer: a point a question, in a local layer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eyewire_validator.review.decisions import VERDICTS
from eyewire_validator.review.saved_state import LAYER, UNDECIDED, VERDICT, encode
from eyewire_validator.volumes.neuroglancer import dimensions, middle_xyz

# Sources that Neuroglancer reads from elsewhere, without what names a scale.
_READABLE = re.compile(r"(?:precomputed|zarr|n5)://(?:https?|gs|s3)://(?:(?!::).)+")


def make_state(
    items: Sequence[Mapping[str, Any]],
    queue: str,
    voxel_nm: Sequence[float] | None,
    image: str | None = None,
    segments: str | None = None,
) -> dict[str, Any]:
    """Return a state in which people decide, for a client that binds keys to verdicts.

    N and P, with shift, lead to the next and the previous question, V to the verdicts:
    the keys 1 to 6 then, as the client counts labels, and N and P lead on as they are.

    Args:
        items: from `page.describe_items`.
        queue: hash of the queue.
        voxel_nm: (z, y, x) of a full-resolution voxel; none where nobody knows.
        image: source of the image, shown where it is a URL that Neuroglancer reads.
        segments: the same, of the segments.
    """
    sources = {"image": readable(image), "segmentation": readable(segments)}
    counted = dimensions(voxel_nm) if voxel_nm else {axis: [1, ""] for axis in "xyz"}
    first = items[0]["point"] if items else [0, 0, 0]
    layers: list[dict[str, Any]] = [
        {"type": kind, "name": kind, "source": source}
        for kind, source in sources.items()
        if source
    ]
    for layer in layers:
        if layer["type"] == "segmentation":
            layer["segments"] = _selected(items)
    layers.append(_review_layer(items, queue, counted, bool(sources["segmentation"])))
    return {
        "dimensions": counted,
        "position": middle_xyz(first),
        "layers": layers,
        "selectedLayer": {"layer": LAYER, "visible": True},
        "layout": "4panel",
    }


def readable(source: str | None) -> str | None:
    """Return the URL of a source that Neuroglancer can read, none if it cannot."""
    found = _READABLE.match(source or "")
    return found[0] if found else None


def _review_layer(
    items: Sequence[Mapping[str, Any]],
    queue: str,
    counted: Mapping[str, Any],
    linked: bool,
) -> dict[str, Any]:
    layer: dict[str, Any] = {
        "type": "annotation",
        "name": LAYER,
        "source": {
            "url": "local://annotations",
            "transform": {"outputDimensions": counted},
        },
        "tab": "annotations",
        "annotationProperties": [
            {
                "id": VERDICT,
                "type": "uint8",
                "description": "does the candidate belong to the seed?",
                # In the order of the keys; 0 is what an annotation begins with.
                "enum_values": [*range(1, len(VERDICTS) + 1), 0],
                "enum_labels": [*VERDICTS, UNDECIDED],
            },
            {
                "id": "probability",
                "type": "float32",
                "description": "calibrated, that it belongs; -1: hidden",
            },
            {
                "id": "proposal",
                "type": "uint8",
                "description": "what the model would choose",
                "enum_values": [0, 1, 2],
                "enum_labels": ["hidden", "no", "yes"],
            },
        ],
        "annotations": [_annotation(item, queue, linked) for item in items],
        "toolBindings": {
            "N": {"type": "selectNextAnnotation"},
            "P": {"type": "selectPreviousAnnotation"},
            "V": {"type": "annotateEnumProperty", "property": VERDICT},
        },
    }
    if linked:
        names = ["seed", "candidate"]
        layer["annotationRelationships"] = names
        layer["linkedSegmentationLayer"] = dict.fromkeys(names, "segmentation")
    return layer


def _annotation(item: Mapping[str, Any], queue: str, linked: bool) -> dict[str, Any]:
    blind = item["blind"]
    words = "A blind check." if blind else item["why"]
    record = {**{k: v for k, v in item.items() if k != "why"}, "queue": queue}
    related = {"segments": [_seeds(item), [item["supervoxel"]]]} if linked else {}
    return {
        "type": "point",
        "id": item["item"],
        "point": middle_xyz(item["point"]),
        "description": f"{words}\nSeed {item['seeds']}, candidate {item['supervoxel']}."
        f"\n{encode(record)}",
        "props": [
            0,
            -1 if blind else item["probability"],
            0 if blind else 1 + item["proposal"],
        ],
        **related,
    }


def _selected(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the segments of all questions, hidden but for those of the first."""
    ids = [[*_seeds(item), item["supervoxel"]] for item in items]
    shown = dict.fromkeys(ids[0]) if ids else {}
    others = dict.fromkeys(one for own in ids for one in own if one not in shown)
    return [*shown, *(f"!{one}" for one in others)]


def _seeds(item: Mapping[str, Any]) -> list[str]:
    return re.findall(r"\d+", item["seeds"])
