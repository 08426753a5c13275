"""A network that is trained on, on a few labelled tasks of another tissue."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import affinity_tuning
from eyewire_validator.agglomeration.affinity_tuning import tune_affinities
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.volumes.store import CoarseVolume

SETTINGS = AgglomerationTraining(
    device="cpu", random_seed=0, epochs=1, batch_size=2, patch_size=32,
    learning_rate=0.001, weight_decay=0.0005, lr_step=21, lr_gamma=1.0, patience=36,
    validation_tasks=1,
)  # fmt: skip
CPU = {"device": torch.device("cpu"), "threads": 1}


class Store:
    """Two cells, side by side, of flat voxels."""

    coarse_voxel_nm = (30.0, 10.0, 10.0)

    def read(self, volume):
        segmentation = np.ones((8, 16, 16), np.uint16)
        segmentation[:, :, 8:] = 2
        image = np.full((8, 16, 16), 200, np.uint8)
        image[:, :, 8] = 20 * volume
        return CoarseVolume(image, segmentation, self.coarse_voxel_nm)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return AffinityUNet()


def test_weights_move_from_where_they_were_and_the_given_ones_stay(
    network, tmp_path, monkeypatch
):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    monkeypatch.setattr(affinity_tuning, "PATCHES", 8)
    answers = {1: [np.array([1])], 2: [np.array([2])]}
    tuned = [
        tune_affinities(
            network, None, answers, Store(), SETTINGS, tmp_path / "resume.pt", **CPU
        )
        for _ in range(2)
    ]
    moved = tuned[0].state_dict()["affinities.weight"] - before["affinities.weight"]
    # A thousandth or so a step; drawn anew they would differ by a tenth and more.
    assert 0 < moved.abs().max() < 0.1
    assert all(torch.equal(network.state_dict()[n], before[n]) for n in before)
    again = tuned[1].state_dict()
    assert all(torch.equal(v, again[n]) for n, v in tuned[0].state_dict().items())


def test_without_answers_it_stays_as_it_is(network, tmp_path):
    file = tmp_path / "resume.pt"
    assert tune_affinities(network, None, {}, Store(), SETTINGS, file, **CPU) is network
