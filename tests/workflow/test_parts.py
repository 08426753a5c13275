"""Evaluations that are split into parts, on the tiny sandbox."""

import shutil
from pathlib import Path

import pytest

PARTS = {"evaluation": {"parts": 3}}
# Of a network with dropout, of one who answers in segments, and of a baseline.
EVALUATIONS = (
    ("lwunet", ["loops-1", "loops-2"]),
    ("ready_made", ["loops-1"]),
    ("msty", ["loops-1"]),
)
TARGETS = [
    f"results/evaluation/{model}/0/test/{loops}/{table}.parquet"
    for model, all_loops in EVALUATIONS
    for loops in all_loops
    for table in ("tasks", "segments")
]


def test_a_baseline_is_planned_in_parts(run, tmp_path):
    target = "results/evaluation/msty/0/test/loops-1/segments.parquet"
    planned = run(tmp_path, target, "-n", config=PARTS).stdout
    assert planned.count("rule evaluate_baseline:") == 3
    assert planned.count("rule join_parts:") == 1
    for part in range(3):
        assert f"results/parts/msty/0/test/{part}-of-3/loops-1/segments" in planned


@pytest.fixture(scope="module")
def in_parts(run, finished, tmp_path_factory):
    """A run whose evaluations were made anew, in parts; and what it said."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("parts") / "copy"))
    for target in TARGETS:
        (folder / target).unlink()
    done = run(folder, *TARGETS, config=PARTS)
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


def test_parts_make_the_bytes_of_the_whole_and_are_gone(run, finished, in_parts):
    folder, output = in_parts
    assert output.count("rule evaluate_network:") == 3
    assert output.count("rule evaluate_agglomeration:") == 3
    assert output.count("rule evaluate_baseline:") == 3
    assert output.count("rule join_parts:") == 4
    for target in TARGETS:
        assert (folder / target).read_bytes() == (finished / target).read_bytes()
    left = [path for path in (folder / "results/parts").rglob("*") if path.is_file()]
    assert left == []
    verified = run(folder, "verify", config=PARTS)
    assert verified.returncode == 0, verified.stdout


def test_what_was_joined_is_made_anew_only_if_need_be(run, in_parts, tmp_path):
    folder = Path(shutil.copytree(in_parts[0], tmp_path / "copy"))
    assert "Nothing to be done" in run(folder, *TARGETS, "-n", config=PARTS).stdout
    other = {"evaluation": {"parts": 3, "threshold": 0.4}}
    anew = run(folder, *TARGETS, "-n", config=other).stdout
    assert anew.count("rule evaluate_agglomeration:") == 3
    models = folder / "results/models/lwunet"
    shutil.copyfile(models / "1/checkpoint.pt", models / "0/checkpoint.pt")
    anew = run(folder, *TARGETS, "-n", config=PARTS).stdout
    assert anew.count("rule evaluate_network:") == 3
    assert anew.count("rule evaluate_agglomeration:") == 0
