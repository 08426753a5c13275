"""Compiled functions, where numba can keep a cache and where it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

FUNCTION = """
def twice(number):
    return 2 * number
"""
# As in a home and an installation that are read-only; also root may not write there.
NO_LOCATOR = """
import numba.core.caching
numba.core.caching.CacheImpl._locator_classes.clear()
"""
ANSWER = """
import numpy as np
from eyewire_validator import load_segment_validator
segmentation = np.kron(np.arange(1, 9, dtype=np.uint16).reshape(2, 2, 2),
                       np.ones((4, 4, 4), np.uint16))
image = np.full((8, 8, 8), 140, np.uint8)
image[:, 3:5] = image[:, :, 3:5] = 60  # membranes
validator = load_segment_validator("models/agglomeration.pt")
print(len(validator.answer(image, segmentation, [1])))
"""
TWICE = """
from eyewire_validator.volumes.compiled import compiled
twice = compiled()(twice)
print(twice(21), twice.stats.cache_hits)
"""


@pytest.fixture
def python(tmp_path):
    """Return a function that runs a program in a process of its own."""

    def run(program: str, **environment: str) -> str:
        file = tmp_path / "program.py"
        file.write_text(program)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(file)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def test_numba_alone_needs_a_place_for_its_cache(python):
    plain = f"{NO_LOCATOR}\nfrom numba import njit\n{FUNCTION}\nnjit(cache=True)(twice)"
    assert "no locator available" in python(plain)


def test_a_model_answers_where_no_cache_can_be_kept(python):
    assert python(NO_LOCATOR + ANSWER) == "7\n"


def test_what_was_compiled_is_found_again(python, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python(FUNCTION + TWICE, **cache) == "42 Counter()\n"
    assert python(FUNCTION + TWICE, **cache) == "42 Counter({(int64,): 1})\n"


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_cache_that_is_cut_short_is_left_alone(python, tmp_path, ending):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    python(FUNCTION + TWICE, **cache)
    (damaged,) = (tmp_path / "cache").rglob(f"*.{ending}")
    damaged.write_bytes(b"")
    assert python(FUNCTION + TWICE, **cache) == "42 Counter()\n"


def test_a_cache_folder_that_can_no_longer_be_written_stops_nothing(python, tmp_path):
    gone = """
import numba.core.caching, shutil
from eyewire_validator.volumes.compiled import compiled
twice = compiled()(twice)
folder = twice.stats.cache_path
shutil.rmtree(folder)
open(folder, "w").close()
print(twice(21))
"""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python(FUNCTION + gone, **cache) == "42\n"
