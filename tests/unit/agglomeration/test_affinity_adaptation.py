"""A network that is adapted to supervoxels, which nobody labelled."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import affinity_adaptation
from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.affinity_adaptation import adapt_affinities
from eyewire_validator.agglomeration.affinity_training import affinity_loss, pair_keys
from eyewire_validator.agglomeration.affinity_unet import OFFSETS, AffinityUNet
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.epochs import Epochs
from eyewire_validator.volumes.store import CoarseVolume

SETTINGS = AgglomerationTraining(
    device="cpu", random_seed=0, epochs=2, batch_size=2, patch_size=16,
    learning_rate=0.01, weight_decay=0.0, lr_step=21, lr_gamma=1.0, patience=36,
    validation_tasks=1,
)  # fmt: skip
CPU = {"device": torch.device("cpu"), "threads": 1}


def tissue(random_seed):
    """Draw bars with dark membranes, each cut in two where there is none."""
    draw = np.random.default_rng(random_seed)
    bars = np.kron(np.arange(1, 17).reshape(4, 4, 1), np.ones((8, 8, 32), int))
    image = draw.integers(150, 190, bars.shape).astype(np.uint8)
    image[::8] = image[:, ::8] = 50
    bars[:, :, 16:] += 16
    return CoarseVolume(image, bars.astype(np.uint16), (10.0, 10.0, 10.0))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return AffinityUNet().eval()


def margin(network, volume):
    """Return by how much evidence on bars that were cut exceeds that on neighbours."""
    pairs, _, evidence = contact_affinities(network, volume, members=1)
    one_bar = pairs[:, 1] - pairs[:, 0] == 16
    return evidence[0, one_bar].min() - evidence[0, ~one_bar].max()


def test_a_volume_without_room_for_a_patch_is_refused(network):
    image, segments, nm = tissue(0)
    thin = CoarseVolume(image[:3], segments[:3], nm)
    with pytest.raises(ModelError, match="of 3 voxels along an axis is too thin"):
        adapt_affinities(network, None, [thin], SETTINGS, **CPU)


def test_membranes_are_learned_although_no_cell_is_known(network, monkeypatch):
    monkeypatch.setattr(affinity_adaptation, "PATCHES", 40)
    given = {name: value.clone() for name, value in network.state_dict().items()}
    volumes = [tissue(0), tissue(1)]
    first, again = (
        adapt_affinities(network, None, volumes, SETTINGS, **CPU) for _ in range(2)
    )
    assert margin(first, tissue(2)) > margin(network, tissue(2)) + 0.5
    assert all(
        torch.equal(value, given[n]) for n, value in network.state_dict().items()
    )
    weights = again.state_dict()
    assert all(torch.equal(v, weights[n]) for n, v in first.state_dict().items())


def test_it_goes_on_where_it_was_interrupted(network, tmp_path, monkeypatch):
    monkeypatch.setattr(affinity_adaptation, "PATCHES", 4)
    file, volumes = tmp_path / "resume.pt", [tissue(0)]
    whole = adapt_affinities(network, None, volumes, SETTINGS, **CPU)
    save = Epochs.save

    def save_and_die(self, *where):
        save(self, *where)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Epochs, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            adapt_affinities(network, None, volumes, SETTINGS, file, **CPU)
    assert file.exists()
    resumed = adapt_affinities(network, None, volumes, SETTINGS, file, **CPU)
    weights = resumed.state_dict()
    assert all(torch.equal(v, weights[n]) for n, v in whole.state_dict().items())


@pytest.mark.parametrize("segments", [0, 1])
def test_volumes_without_any_contact_do_no_harm(network, segments, monkeypatch):
    monkeypatch.setattr(affinity_adaptation, "PATCHES", 2)
    volume = tissue(0)
    segmentation = np.full_like(volume.segmentation, segments)
    alone = CoarseVolume(volume.image, segmentation, volume.voxel_nm)
    adapted = adapt_affinities(network, None, [alone], SETTINGS, **CPU)
    assert all(value.isfinite().all() for value in adapted.state_dict().values())


def test_without_volumes_it_stays_as_it_is(network):
    assert adapt_affinities(network, None, [], SETTINGS, **CPU) is network


def test_doubtful_pairs_say_nothing():
    objects = torch.ones((1, 8, 8, 8), dtype=torch.int32)
    objects[..., 4:] = 2
    logits = torch.full((1, len(OFFSETS), 8, 8, 8), 3.0, requires_grad=True)
    doubtful = pair_keys(torch.tensor([2]), torch.tensor([1])).sort().values
    for pairs, expected in ((None, True), (doubtful, False)):
        (slope,) = torch.autograd.grad(affinity_loss(logits, objects, pairs), logits)
        # Too sure that the two are one: only where they are told apart it pulls down.
        assert bool((slope > 0).any()) is expected


def test_pairs_have_the_same_key_both_ways():
    one, other = torch.tensor([1, 7, 2**31 - 2]), torch.tensor([2, 3, 2**31 - 1])
    keys = pair_keys(one, other)
    assert torch.equal(keys, pair_keys(other, one))
    assert len(keys.unique()) == 3
