import numpy as np
import pytest
import torch

from eyewire_validator.config.families import (
    CONTEXTS,
    LABELS,
    NetworkSettings,
)
from eyewire_validator.errors import VolumeError
from eyewire_validator.tasks.context import is_leaked
from eyewire_validator.voxel_network.samples import (
    SampleLoader,
    inputs_and_truth,
    network_inputs,
)

PARENT = {"task": 1, "volume": 11, "aggregate": [6]}
TASK = {"task": 2, "volume": 12, "parent": 1, "min_x": 24}
TASK = {**TASK, "seed": [2], "aggregate": [2, 3]}


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


def settings(context="ancestors", channels=2):
    return NetworkSettings(title="m", context=context, context_channels=channels)


def test_a_sample_is_image_context_seed_truth(make_index, store, octants):
    sample = SampleLoader(make_index(PARENT, TASK), store, settings()).load(2)
    assert sample.dtype == np.uint8
    np.testing.assert_array_equal(sample[0], store.get(12).image)
    assert not sample[1].any()
    np.testing.assert_array_equal(sample[2], octants == 6)
    np.testing.assert_array_equal(sample[3], octants == 2)
    np.testing.assert_array_equal(sample[4], 255 * np.isin(octants, [2, 3]))


def test_the_seed_is_not_added_to_the_truth(make_index, store, octants):
    loader = SampleLoader(make_index({**TASK, "aggregate": [3]}), store, settings())
    np.testing.assert_array_equal(loader.load(2)[-1], 255 * (octants == 3))


@pytest.mark.parametrize("labels", LABELS)
def test_truth_may_be_what_the_players_agreed_on(make_index, store, octants, labels):
    """Weights may pass 1; what hardly anybody chose is still in the aggregate."""
    row = {"aggregate": [2, 3, 4, 0, 70_000], "aggregate_weights": [1.2, 0.4, 0, 1, 1]}
    loader = SampleLoader(make_index({**TASK, **row}), store, settings())
    sample = loader.load(2, labels)
    np.testing.assert_array_equal(sample[-1] > 0, np.isin(octants, [2, 3, 4]))
    _, truth = inputs_and_truth(torch.from_numpy(sample[None]), "unit")
    found = [float(truth[0, 0][torch.from_numpy(octants == n)].mean()) for n in (2, 3)]
    assert found == ([1, 1] if labels == "hard" else pytest.approx([1, 0.4], abs=0.002))


def test_a_task_without_volume_is_named(make_index, store):
    loader = SampleLoader(make_index({"task": 4}), store, settings())
    with pytest.raises(VolumeError, match="task 4 has no volume"):
        loader.load(4)


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_input_changes_with_the_tasks_own_aggregate(make_index, store, context):
    """The proof that nothing but `published` leaks: inputs are equal bit for bit."""
    chosen = settings(context, 0 if context == "none" else 2)
    inputs = []
    for aggregate in ([2, 3], [1, 4, 5]):
        index = make_index(PARENT, {**TASK, "aggregate": aggregate})
        sample = SampleLoader(index, store, chosen).load(2)
        inputs.append(inputs_and_truth(torch.from_numpy(sample[None]), "unit")[0])
    same = all(torch.equal(one, other) for one, other in zip(*inputs, strict=True))
    assert same != is_leaked(context)


def test_inputs_have_the_published_values():
    stack = torch.zeros(1, 4, 1, 1, 2, dtype=torch.uint8)
    stack[0, :, 0, 0, 0] = torch.tensor([255, 1, 0, 1])
    stack[0, 0, 0, 0, 1] = 51
    inputs = network_inputs(stack, "raw")
    assert [tensor.shape[1] for tensor in inputs] == [1, 2, 1, 1]
    assert {tensor.dtype for tensor in inputs} == {torch.float32}
    assert inputs.image.flatten().tolist() == [255, 51]
    assert inputs.context[0, :, 0, 0, 0].tolist() == [1, 0]
    assert inputs.seed.flatten().tolist() == [1, 0]
    assert inputs.confidence.flatten().tolist() == [1, 10]
    unit = network_inputs(stack, "unit").image.flatten().tolist()
    assert unit == pytest.approx([1, 0.2])
    assert network_inputs(stack, "none").image.flatten().tolist() == [0, 0]
