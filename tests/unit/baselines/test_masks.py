"""Baselines that look at masks, on volumes of eight cubes."""

import numpy as np
import pytest

from eyewire_validator.answers import Resources
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.errors import ConfigError
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.volumes.dust import Dust


@pytest.fixture
def answer(make_index, make_store, octants):
    """Return a function that answers task 2 by a kind; its seed is segment 1.

    Its parent lies 6 coarse voxels further along x, and answered its own segment 1.
    """
    index = make_index(
        {"task": 1, "volume": 11, "min_x": 24, "max_x": 56, "aggregate": [1]},
        {"task": 2, "parent": 1, "volume": 12, "aggregate": [1, 3]},
    )
    store = make_store({11: octants, 12: octants})

    def answer(kind, **settings):
        settings = model_settings({"title": kind, "kind": kind, **settings})
        resources = Resources(store=store, dust=Dust(0))
        ((answer,),) = (
            by_loop.values()
            for by_loop in load_answerer(settings, resources)(index)([2])
        )
        assert answer.probability.dtype == np.float32
        return answer

    return answer


def test_empty_answers_not_even_the_seed(answer):
    assert not answer("empty").probability.any()
    assert not answer("empty").segments.any()


def test_seed_only_answers_no_other_segment(answer, octants):
    np.testing.assert_array_equal(answer("seed_only").probability, octants == 1)
    assert not answer("seed_only").segments.any()


def test_copy_previous_is_the_seed_and_what_the_ancestors_said(answer, octants):
    expected = octants == 1
    expected[:4, :4, 6:] = True  # the parent's segment 1, where the volumes overlap
    np.testing.assert_array_equal(answer("copy_previous").probability, expected)


def test_seeds_dilate_across_faces_only(answer, octants):
    z, y, x = np.indices(octants.shape)
    steps = np.clip(z - 3, 0, None) + np.clip(y - 3, 0, None) + np.clip(x - 3, 0, None)
    found = answer("dilated_seed", dilation=2).probability
    np.testing.assert_array_equal(found, steps <= 2)


def test_a_dilation_of_nothing_is_refused(answer):
    with pytest.raises(ConfigError, match="dilation: 0 is less than the minimum of 1"):
        answer("dilated_seed", dilation=0)


def test_a_perfect_mask_is_the_aggregate(answer, octants):
    np.testing.assert_array_equal(
        answer("perfect_mask").probability, np.isin(octants, [1, 3])
    )
