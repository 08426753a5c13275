"""Contacts scored at full resolution, and answers that use them."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import affinities
from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import score_finely, scored_contacts
from eyewire_validator.errors import ModelError
from eyewire_validator.volumes.store import FINE_CONTACTS_TABLE, CoarseVolume


def affinity_model(random_seed=0):
    torch.manual_seed(random_seed)
    return ContactModel("affinities").eval()


@pytest.fixture
def raw(octants):
    """An image and octants at twice the resolution of the store's volumes."""
    fine = np.kron(octants, np.ones((2, 2, 2), octants.dtype))
    image = np.random.default_rng(0).integers(0, 255, fine.shape).astype(np.uint8)
    return image, fine


def test_the_network_that_found_them_answers_by_them(raw, membranes_store):
    model, volume = affinity_model(), 14
    fine = score_finely(model, *raw, (20.0, 10.0, 10.0), threads=1)
    fine.write(membranes_store.folders[volume] / FINE_CONTACTS_TABLE)
    found = scored_contacts(model, membranes_store, volume, "unit")
    np.testing.assert_array_equal(found.pairs, fine.pairs)
    np.testing.assert_array_equal(found.evidence, fine.evidence)
    assert (found.looks, found.voxel_nm) == (fine.looks, fine.voxel_nm)
    assert len(found.evidence) == 2
    other = scored_contacts(affinity_model(1), membranes_store, volume, "unit")
    assert len(other.evidence) == 8
    assert other.area.sum() < found.area.sum()


def test_a_model_that_knows_coarse_voxels_is_refused(raw):
    with pytest.raises(ModelError, match="features, which are of coarse voxels"):
        score_finely(ContactModel("both").eval(), *raw, None, threads=1)


def test_tiles_change_little_of_what_the_network_finds(monkeypatch):
    torch.manual_seed(0)
    model = AffinityUNet().eval()
    draw = np.random.default_rng(0)
    segments = np.kron(
        np.arange(1, 217, dtype=np.uint16).reshape(6, 6, 6),
        np.ones((8, 8, 8), np.uint16),
    )
    image = draw.integers(0, 255, segments.shape).astype(np.uint8)
    volume = CoarseVolume(image, segments)
    whole = contact_affinities(model, volume, members=1)[2]
    for name, value in {"LARGE": 32, "TILE": 32, "MARGIN": 8}.items():
        monkeypatch.setattr(affinities, name, value)
    tiled = contact_affinities(model, volume, members=1)[2]
    assert 0 < np.abs(tiled - whole).max() < 0.1 * whole.std()
