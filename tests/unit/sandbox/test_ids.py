import numpy as np
import pytest

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.ids import as_ids, count_ids


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u4", "i8", "u8"])
def test_ids_of_all_integer_types_are_taken(dtype):
    assert as_ids("labels.npy", np.array([0, 7], dtype)).tolist() == [0, 7]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i8"])
def test_minus_one_is_nothing_and_other_negative_ids_are_refused(dtype):
    assert as_ids("labels.npy", np.array([-1, 7], dtype)).tolist() == [0, 7]
    with pytest.raises(SandboxError, match=r"labels\.npy: holds the id -5"):
        as_ids("labels.npy", np.array([-1, -5], dtype))


def test_the_highest_id_is_nothing_and_the_one_below_is_one():
    ids = np.array([2**64 - 1, 2**64 - 2], np.uint64)
    assert as_ids("labels.npy", ids).tolist() == [0, 2**64 - 2]
    assert ids[0] == 2**64 - 1


def test_ids_are_counted_over_all_parts():
    parts = [np.array([0, 4, 2**63 + 4], np.uint64), np.array([4, 0], np.uint64)]
    assert count_ids(parts) == {4: 2, 2**63 + 4: 1}
