"""What the README says, done."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MODELS = (ROOT / "models" / "README.md").read_text()


def example(page):
    """Return the one Python example of a page."""
    (found,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return found


def test_the_example_in_voxels_runs(finished, monkeypatch):
    monkeypatch.chdir(finished)
    names: dict[str, object] = {}
    exec(example(MODELS), names)
    probability = names["probability"]
    assert probability.shape == (64, 64, 64)
    assert ((probability >= 0) & (probability <= 1)).all()


# It knows real tissue, and this is a drawing: it says so.
@pytest.mark.filterwarnings("ignore:this volume is unlike")
def test_the_example_in_segments_answers_every_other_segment(monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(example(README), names)
    found = names["found"]
    assert sorted(found["segment"]) == [s for s in range(1, 65) if s != 22]
    assert list(found) == ["segment", "probability", "deviation", "decision"]


def test_files_that_it_names_exist():
    links = re.findall(r"\]\(((?!http)[^)]+)\)", README)
    assert len(links) > 10
    files = [link.partition("#")[0] for link in links]
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_results_that_it_names_are_made(finished):
    table = README.split("## What comes out, and where")[1].split("## Your own data")[0]
    for path in re.findall(r"^\| (.*?) \|", table, re.MULTILINE):
        for name in re.findall(r"`(.*?)`", path):
            pattern = re.sub(r"\{\w+\}", "*", name).rstrip("/")
            assert list((finished / "results").glob(pattern)), name
