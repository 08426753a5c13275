"""Tests for the hash of the data behind a question."""

import numpy as np
import pytest

from eyewire_validator.review.question import data_hash
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.store import CoarseVolume

IMAGE = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
SEGMENTS = IMAGE.astype(np.uint16)


def hashed(image=IMAGE, segmentation=SEGMENTS, seed=(1, 2), task=3):
    some = np.array([], np.int64)
    asked = Task(task, 7, None, 5, None, np.array(seed), some, some, excluded=False)
    return data_hash(CoarseVolume(image, segmentation), asked)


def test_the_same_data_have_the_same_hash():
    assert hashed() == hashed(seed=(2, 1), task=4)


@pytest.mark.parametrize(
    "other",
    [
        {"image": IMAGE[::-1]},
        {"segmentation": SEGMENTS[::-1]},
        {"seed": (1, 3)},
        {"image": IMAGE.reshape(4, 2, 1)},
    ],
)
def test_other_data_have_another_hash(other):
    assert hashed(**other) != hashed()
