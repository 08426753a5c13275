"""Read the decisions in a state that was saved in Neuroglancer.

Neuroglancer keeps an annotation's texts as they are, so the record of a question is in
its description, encoded: whoever answers blind does not read there what the model
proposes.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LAYER, VERDICT, UNDECIDED = "review", "verdict", "undecided"
_RECORD = re.compile(r"^record: ([\w-]+=*)$", re.MULTILINE)
# A state does not say when: of a reviewer, what the page exported comes after it.
_NO_TIME = "1970-01-01T00:00:00.000Z"


def encode(record: Mapping[str, Any]) -> str:
    """Return the line of a description that keeps what is known of a question."""
    text = base64.urlsafe_b64encode(json.dumps(record).encode()).decode()
    return f"record: {text}"


def read_state(text: str, reviewer: str) -> Iterator[dict[str, Any]]:
    """Yield the decisions in a saved state, as the page exports them.

    Args:
        text: of the state, JSON.
        reviewer: who decided: a state does not say.

    Raises:
        ValueError: it is no state with a layer of the review.
    """
    try:
        layer = {layer["name"]: layer for layer in json.loads(text)["layers"]}[LAYER]
        for annotation in layer["annotations"]:
            said = _verdict(annotation, layer["annotationProperties"])
            if said != UNDECIDED:
                made = {"verdict": said, "time": _NO_TIME, "note": "", "active_ms": 0}
                made["reviewer"] = reviewer
                yield {**_record(annotation), **made, "history": [made]}
    except (LookupError, TypeError) as error:
        raise ValueError(
            f"no state of Neuroglancer with a layer {LAYER!r} "
            f"({type(error).__name__}: {error})"
        ) from None


def _verdict(annotation: Mapping[str, Any], properties: list[dict[str, Any]]) -> str:
    """Return the label of what was chosen; what is the default may be left out."""
    place = [known["id"] for known in properties].index(VERDICT)
    known = properties[place]
    labels = dict(zip(known["enum_values"], known["enum_labels"], strict=False))
    return str(labels[annotation["props"][place] if "props" in annotation else 0])


def _record(annotation: Mapping[str, Any]) -> dict[str, Any]:
    found = _RECORD.search(annotation["description"])
    if not found:
        raise ValueError(f"annotation {annotation['id']} has lost its record")
    record: dict[str, Any] = json.loads(base64.urlsafe_b64decode(found[1]))
    return record
