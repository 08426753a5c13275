"""Blocks that were read are kept, checked, and asked for slowly."""

import numpy as np
import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.blocks import Blocks

ARRAY = np.arange(5 * 6 * 7, dtype=np.uint64).reshape(5, 6, 7) + 2**60
EVERYTHING = np.s_[0:5, 0:6, 0:7]


@pytest.fixture
def asked():
    return []


@pytest.fixture
def make(tmp_path, asked):
    """Return a function that opens the array, kept in a folder."""

    def make(access=None, ask=None):
        def ask_array(box):
            asked.append(box)
            return lambda: ARRAY[box]

        access = access or Access(rate=1e9)
        return Blocks(
            ARRAY.shape, ARRAY.dtype, (2, 4, 4), ask or ask_array, access, tmp_path
        )

    return make


def test_a_box_is_put_together_from_blocks(make):
    for box in (
        EVERYTHING,
        np.s_[1:4, 3:5, 0:7],
        np.s_[4:5, 5:6, 6:7],
        np.s_[2:2, 0:1, 0:1],
    ):
        np.testing.assert_array_equal(make()[box], ARRAY[box])


def test_no_block_is_asked_for_twice(make, asked):
    make()[np.s_[0:1, 0:1, 0:1]]
    assert asked == [np.s_[0:2, 0:4, 0:4]]
    make()[EVERYTHING]
    assert len(asked) == 3 * 2 * 2
    np.testing.assert_array_equal(make()[EVERYTHING], ARRAY)
    assert len(asked) == 3 * 2 * 2


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(make, asked, tmp_path):
    make()[EVERYTHING]
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for path in list(tmp_path.iterdir())[::2]:
        path.unlink()
    (tmp_path / ".0-0-0.half.xz").write_bytes(b"half")

    def killed(box):
        if len(asked) == 3 * 2 * 2 + 2:
            raise KeyboardInterrupt
        asked.append(box)
        return lambda: ARRAY[box]

    with pytest.raises(KeyboardInterrupt):
        make(Access(rate=1e9, concurrent=1), killed)[EVERYTHING]
    np.testing.assert_array_equal(make()[EVERYTHING], ARRAY)
    assert len(asked) == 3 * 2 * 2 + 6
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.name[0] != "."}
    assert after == whole


@pytest.mark.parametrize("byte", [20, -20])
def test_a_block_that_was_damaged_is_asked_for_again(make, asked, tmp_path, byte):
    make()[EVERYTHING]
    content = bytearray((tmp_path / "2-4-0.xz").read_bytes())
    content[byte] ^= 1
    (tmp_path / "2-4-0.xz").write_bytes(content)
    asked.clear()
    np.testing.assert_array_equal(make()[EVERYTHING], ARRAY)
    assert asked == [np.s_[2:4, 4:6, 0:4]]


def test_requests_are_spaced_and_few_are_under_way(make):
    now, under_way, most = [0.0], [0], [0]

    def sleep(seconds):
        now[0] += seconds

    def ask(box):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])

        def wait():
            under_way[0] -= 1
            return ARRAY[box]

        return wait

    access = Access(rate=4, concurrent=3, clock=lambda: now[0], sleep=sleep)
    make(access, ask)[EVERYTHING]
    assert now[0] == pytest.approx(11 / 4)
    assert most[0] == 3


def test_a_block_that_fails_leaves_no_file(make, tmp_path):
    def ask(box):
        def wait():
            raise FileError("gone")

        return wait

    with pytest.raises(FileError, match="gone"):
        make(ask=ask)[EVERYTHING]
    assert list(tmp_path.iterdir()) == []
