"""Tests for decisions that come back."""

import json

import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.review.decisions import read_decisions
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import write_table

DATA = {1: "d"}


def decision(**changes):
    """A line as the page exports it, but for what is given."""
    verdict = changes.get("verdict", "yes")
    common = {
        "item": "1-2", "reason": "ask", "split": "open", "task": "1", "cell": "7",
        "segment": "2", "seeds": "9", "supervoxel": str(2**64 - 1), "data": "d",
        "checkpoint": "c", "voxels": 10, "probability": 0.4, "expected_edits": 0.4,
        "proposal": False, "current": False, "blind": False, "point": [3, 4, 5],
        "point_nm": None, "queue": "q", "verdict": verdict, "note": "",
        "active_ms": 900, "reviewer": "Ada", "time": "2026-11-28T10:00:00.000Z",
        "history": [{"verdict": verdict, "time": "2026-11-28T10:00:00.000Z"}],
    }  # fmt: skip
    return {**common, **changes}


@pytest.fixture
def read(tmp_path):
    """Return a function that reads decisions, or lines of text, of one file."""

    def read(*lines):
        file = tmp_path / "decisions.jsonl"
        texts = [x if isinstance(x, str) else json.dumps(x) for x in lines]
        file.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return read_decisions([file], DATA.get)

    return read


def test_ids_of_64_bits_come_back_whole(read, tmp_path):
    rows, refused = read(decision())
    assert refused == []
    assert rows["supervoxel"].tolist() == [2**64 - 1]
    write_table(tmp_path / "decisions.parquet", rows, DECISIONS)


def test_no_decisions_make_an_empty_table(tmp_path):
    rows, refused = read_decisions([], DATA.get)
    assert (len(rows), refused) == (0, [])
    write_table(tmp_path / "decisions.parquet", rows, DECISIONS)


def test_the_last_verdict_of_a_reviewer_counts(read):
    later = "2026-11-28T11:00:00.000Z"
    rows, _ = read(
        decision(verdict="no", time=later),
        decision(verdict="yes"),
        decision(verdict="unsure", reviewer="Bob"),
    )
    assert rows[["reviewer", "verdict"]].values.tolist() == [
        ["Ada", "no"],
        ["Bob", "unsure"],
    ]


def test_the_first_verdict_is_kept(read):
    history = [{"verdict": "no"}, {"verdict": "undone"}, {"verdict": "yes"}]
    rows, _ = read(decision(history=history))
    assert rows[["first", "verdict"]].values.tolist() == [["no", "yes"]]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (decision(data="other"), "about other data (other, here d)"),
        (decision(item="8-2", task="8"), "there is no task 8 here"),
        (decision(verdict="maybe"), "verdict is 'maybe'"),
        (decision(item="1-3"), "item 1-3 is not of its task and segment"),
        (decision(blind="no"), "blind is neither true nor false"),
        (decision(note="\ud800"), "UnicodeEncodeError"),
        (decision(segment=str(2**70), item=f"1-{2**70}"), "segment is"),
        (decision(point=[1, 2]), "ValueError"),
        (decision(time="yesterday"), "yesterday"),
        ({"item": "1-2"}, "KeyError"),
        ("[" * 100_000, "RecursionError"),
        ("not JSON", "JSONDecodeError"),
        ("17", "TypeError"),
    ],
)
def test_what_is_not_about_these_data_is_refused_and_named(read, line, why):
    rows, refused = read(decision(), line)
    assert len(rows) == 1
    assert [(one.file, one.line) for one in refused] == [("decisions.jsonl", 2)]
    assert why in refused[0].why


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"gone\.jsonl"):
        read_decisions([tmp_path / "gone.jsonl"], DATA.get)
