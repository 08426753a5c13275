import numpy as np
import pytest
import torch

from eyewire_validator.errors import ModelError
from eyewire_validator.models.loss import published_loss, scaled_logit_loss
from eyewire_validator.models.lwunet import LWUNet
from eyewire_validator.models.settings import ModelSettings
from eyewire_validator.prediction import answer_task, count_voxels, evaluate
from eyewire_validator.samples import SampleLoader, inputs_and_truth
from eyewire_validator.tables import TASK_METRICS, read_table, write_table

SEED_ONLY = ModelSettings("seed only", "seed_only")
NETWORK = ModelSettings("network", "lwunet", "ancestors_registered", 2, 2)

TASKS = [
    {"task": 1, "volume": 11, "seed": [1], "aggregate": [1, 2], "split": "test"},
    {"task": 2, "volume": 12, "seed": [5], "aggregate": [6], "parent": 1},
    {"task": 3, "volume": 11, "seed": [3], "aggregate": [3], "cell": 9},
]


@pytest.fixture
def index(make_index):
    return make_index(*TASKS)


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LWUNet(2, 2)


class Certain(torch.nn.Module):
    """Gives logits 2 where the seed is, -2 elsewhere, and sigma 4."""

    def __init__(self):
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image, context, seed, confidence, loops):
        return 4 * seed - 2, torch.full_like(seed, 4.0)


def test_voxels_are_counted_as_drawn():
    guess = np.array([1, 1, 1, 0, 0], bool)
    truth = np.array([0, 1, 1, 1, 0], bool)
    assert count_voxels(guess, truth, "_s") == {
        "guess_s": 3, "truth_s": 3, "intersection_s": 2, "union_s": 4,
    }  # fmt: skip


def test_seed_only_answers_its_seed(index, store):
    found = evaluate([1, 3], index, store, SEED_ONLY, None, loops=4)
    assert found["task"].tolist() == [1, 3]
    assert found["cell"].tolist() == [7, 9]
    assert found["volume"].tolist() == [11, 11]
    assert found["guess"].tolist() == [64, 64]
    assert found["truth"].tolist() == [128, 64]
    assert found["intersection"].tolist() == [64, 64]
    assert found["union"].tolist() == [128, 64]
    assert found["guess_seedless"].tolist() == [0, 0]
    assert found["truth_seedless"].tolist() == [64, 0]
    assert found["union_seedless"].tolist() == [64, 0]
    assert found["loss"].isna().all()
    assert found["image_mean"].tolist() == [store.get(11).image.mean()] * 2


def test_a_seed_outside_the_aggregate_counts_as_wrong(index, store):
    (row,) = evaluate([2], index, store, SEED_ONLY, None, loops=1).to_dict("records")
    assert (row["guess"], row["intersection"], row["union"]) == (64, 0, 128)
    assert (row["guess_seedless"], row["truth_seedless"]) == (0, 64)


@pytest.mark.parametrize(
    ("threshold", "guess"), [(0.3, 512), (0.5, 64), (0.63, 0), (0.62, 64)]
)
def test_a_voxel_is_answered_above_the_threshold(index, store, threshold, guess):
    """sigmoid(2 / 4) = 0.622 on the seed, sigmoid(-2 / 4) = 0.378 elsewhere."""
    found = evaluate(
        [1], index, store, NETWORK, Certain(), loops=1, threshold=threshold
    )
    assert found["guess"].tolist() == [guess]
    assert found["sigma_mean"].tolist() == found["sigma_max"].tolist() == [4]


def test_a_voxel_at_the_threshold_is_not_answered(index, store):
    found = evaluate([1], index, store, SEED_ONLY, None, loops=1, threshold=1)
    assert found["guess"].tolist() == [0]


@pytest.mark.parametrize(
    ("column", "loss_of"),
    [("loss", scaled_logit_loss), ("published_loss", published_loss)],
)
def test_loss_is_the_tasks_own(index, store, network, column, loss_of):
    found = evaluate([1, 2], index, store, NETWORK, network, loops=2)
    for task, loss in zip(found["task"], found[column], strict=True):
        sample = SampleLoader(index, store, NETWORK).load(task)
        inputs, truth = inputs_and_truth(torch.from_numpy(sample[None]), "unit")
        expected = loss_of(*network(*inputs, loops=2), truth).item()
        assert loss == pytest.approx(expected, rel=1e-5)


def test_batches_do_not_change_the_outcome(index, store, network):
    one, three = (
        evaluate([1, 2, 3], index, store, NETWORK, network, loops=2, batch_size=size)
        for size in (1, 3)
    )
    np.testing.assert_allclose(
        one.to_numpy(float), three.to_numpy(float), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("tasks", [[], [1, 2, 3]])
@pytest.mark.parametrize("settings", [SEED_ONLY, NETWORK])
def test_the_table_keeps_to_its_schema(
    index, store, network, settings, tasks, tmp_path
):
    found = evaluate(tasks, index, store, settings, network, loops=1)
    write_table(tmp_path / "tasks.parquet", found, TASK_METRICS)
    assert len(read_table(tmp_path / "tasks.parquet", TASK_METRICS)) == len(tasks)


def test_an_answer_that_is_not_finite_is_refused(index, store):
    broken = LWUNet(2, 2)
    torch.nn.init.constant_(broken.logits.bias, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        evaluate([1], index, store, NETWORK, broken, loops=1)


def test_a_network_is_needed_for_its_kind(index, store):
    with pytest.raises(ModelError, match="network: its checkpoint is needed"):
        evaluate([1], index, store, NETWORK, None, loops=1)


def test_a_picture_shows_one_task(index, store, octants, network):
    picture = answer_task(2, index, store, NETWORK, network, loops=2)
    np.testing.assert_array_equal(picture.image, store.get(12).image)
    np.testing.assert_array_equal(picture.seed, octants == 5)
    np.testing.assert_array_equal(picture.truth, octants == 6)
    np.testing.assert_array_equal(picture.context[1], np.isin(octants, [1, 2]))
    assert picture.probability.shape == picture.sigma.shape == (8, 8, 8)
    assert answer_task(2, index, store, SEED_ONLY, None, loops=1).sigma is None
