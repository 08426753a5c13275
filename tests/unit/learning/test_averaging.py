"""The average of a training's weights."""

import pytest
import torch
from torch import nn

from eyewire_validator.learning.averaging import LEAST_SHARE, average_of


def averaged(values):
    """Return the average of a weight that takes these values, after each of them."""
    model = nn.Linear(1, 1, bias=False)
    average = average_of(model)
    found = []
    for value in values:
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        found.append(average.module.weight.item())
    return found


def test_it_starts_with_the_first_step_and_forgets_it():
    after = averaged([1.0] + [0.0] * 20)
    assert after[0] == 1
    assert after[1] == pytest.approx(1 - 9 / 11)
    assert after[20] < 1e-3


def test_later_a_step_counts_little():
    after = averaged([0.0] * 6000 + [1.0])
    assert after[-1] == pytest.approx(LEAST_SHARE)


def test_normalisation_is_averaged_too():
    model = nn.BatchNorm1d(1)
    average = average_of(model)
    for mean in (0.0, 1.0):
        model.running_mean.fill_(mean)
        average.update_parameters(model)
    torch.testing.assert_close(average.module.running_mean, torch.tensor([9 / 11]))
