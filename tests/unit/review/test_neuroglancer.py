"""Tests for the queue as a state of Neuroglancer, there and back."""

import json

import pandas as pd
import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.review.decisions import VERDICTS, read_decisions
from eyewire_validator.review.neuroglancer import make_state, readable
from eyewire_validator.review.page import describe_items

SEED, CANDIDATE = 2**63 + 1, 2**64 - 1
ROW = {
    "reason": "ask", "why": "The model is not sure.", "split": "open", "task": 1,
    "cell": 7, "seeds": f"{SEED} 5", "supervoxel": CANDIDATE, "data": "d",
    "checkpoint": "c", "voxels": 10, "probability": 0.4, "expected_edits": 0.4,
    "validated": None, "proposal": False, "current": False, "blind": False,
    "z": 3, "y": 4, "x": 5, "z_nm": 30.0, "y_nm": 40.0, "x_nm": 50.0,
}  # fmt: skip


@pytest.fixture
def items():
    """Questions, as many as there are verdicts; the second is blind."""
    rows = [
        {**ROW, "item": f"1-{n}", "segment": n, "blind": n == 1}
        for n in range(len(VERDICTS))
    ]
    return describe_items(pd.DataFrame(rows))


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a state as Neuroglancer saves it."""

    def read(state):
        file = tmp_path / "ada.json"
        file.write_text(json.dumps(state))
        return read_decisions([file], {1: "d"}.get)

    return read


def review_of(state):
    return state["layers"][-1]


def test_each_verdict_comes_back_with_what_it_is_about(items, read):
    state = make_state(items, "q", (30, 8, 8))
    for value, annotation in enumerate(review_of(state)["annotations"], start=1):
        annotation["props"][0] = value
    rows, refused = read(state)
    assert refused == []
    assert dict(zip(rows["item"], rows["verdict"], strict=True)) == {
        f"1-{n}": verdict for n, verdict in enumerate(VERDICTS)
    }
    of_all = ["seeds", "supervoxel", "reviewer", "queue", "z", "x_nm"]
    assert rows[of_all].drop_duplicates().values.tolist() == [
        [f"{SEED} 5", CANDIDATE, "ada", "q", 3, 50.0]
    ]


def test_the_keys_of_verdicts_are_counted_from_one(items, read):
    """The client gives the nth label the key n, whatever its value."""
    state = make_state(items, "q", None)
    review = review_of(state)
    values = review["annotationProperties"][0]["enum_values"]
    for key, annotation in enumerate(review["annotations"], start=1):
        annotation["props"][0] = values[key - 1]
    rows, _ = read(state)
    assert tuple(rows["verdict"]) == VERDICTS


def test_what_the_page_exported_and_what_is_in_a_state_are_the_same(
    items, read, tmp_path
):
    made = {"verdict": "no", "time": "2026-11-28T10:00:00.000Z", "note": ""}
    made |= {"active_ms": 0, "reviewer": "ada"}
    lines = [{**item, "queue": "q", **made, "history": [made]} for item in items]
    page = tmp_path / "page.jsonl"
    page.write_text("\n".join(map(json.dumps, lines)))
    exported, _ = read_decisions([page], {1: "d"}.get)
    state = make_state(items, "q", None)
    for annotation in review_of(state)["annotations"]:
        annotation["props"][0] = 1 + VERDICTS.index("no")
    saved, _ = read(state)
    pd.testing.assert_frame_equal(
        exported.drop(columns="time"), saved.drop(columns="time")
    )


def test_what_is_undecided_is_no_decision(items, read):
    state = make_state(items, "q", None)
    del review_of(state)["annotations"][0]["props"]
    rows, refused = read(state)
    assert (len(rows), refused) == (0, [])


def test_a_blind_question_does_not_show_the_proposal(items):
    sighted, blind, *_ = review_of(make_state(items, "q", None))["annotations"]
    assert sighted["props"] == [0, 0.4, 1]
    assert blind["props"] == [0, -1, 0]
    assert "0.4" not in blind["description"]
    assert ROW["why"] not in blind["description"]


def test_segments_are_texts_and_hidden_but_for_those_of_the_first(items):
    items[1]["supervoxel"] = "8"
    source = "precomputed://gs://bucket/seg::8_8_40"
    state = make_state(items, "q", (40, 8, 8), source, source)
    image, segments, review = state["layers"]
    assert image["source"] == segments["source"] == "precomputed://gs://bucket/seg"
    assert segments["segments"] == [str(SEED), "5", str(CANDIDATE), "!8"]
    assert review["annotations"][0]["segments"] == [[str(SEED), "5"], [str(CANDIDATE)]]
    assert state["dimensions"] == {"x": [8e-9, "m"], "y": [8e-9, "m"], "z": [4e-8, "m"]}


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("zarr://https://host:80/em.zarr::s1", "zarr://https://host:80/em.zarr"),
        ("zarr:///data/em.zarr", None),
        ("/data/em.h5::raw", None),
        (None, None),
    ],
)
def test_what_a_browser_cannot_reach_is_left_out(source, url):
    assert readable(source) == url


def test_what_is_no_state_is_refused_by_name(read):
    with pytest.raises(FileError, match=r"ada\.json: no state of Neuroglancer"):
        read({"layers": []})


def test_a_record_that_was_lost_is_named(items, read):
    state = make_state(items, "q", None)
    review_of(state)["annotations"][2].update(props=[1, 0, 0], description="mine")
    with pytest.raises(FileError, match="annotation 1-2 has lost its record"):
        read(state)
