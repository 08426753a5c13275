"""A grid of cubes for the network, and the way back from it."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.affinity_unet import OFFSETS, AffinityUNet
from eyewire_validator.agglomeration.cube_grid import (
    cube_edge,
    onto_faces,
    resample_image,
)
from eyewire_validator.volumes.store import CoarseVolume

FLAT = (30.0, 10.0, 10.0)


@pytest.mark.parametrize(
    ("voxel_nm", "learned_nm", "edge"),
    [
        (None, (10, 10, 10), None),  # nobody knows: as they are
        ((20, 20, 20), (10, 10, 10), None),  # cubes, of whatever size
        ((11, 10, 10), (10, 10, 10), None),
        ((30, 10, 10), (10, 10, 10), 10),
        ((30, 18, 18), (10, 10, 10), 18),  # no finer than the voxels are anywhere
        ((30, 6, 6), (40, 40, 40), 30),
        ((30, 6, 6), None, 6),
        ((30, 6, 6), (30, 6, 6), None),  # it learned from such
    ],
)
def test_cubes_are_like_those_learned_from(voxel_nm, learned_nm, edge):
    assert cube_edge(voxel_nm, learned_nm) == edge


def test_the_image_fills_the_same_box():
    image = np.arange(4, dtype=np.uint8)[:, None, None].repeat(6, 1).repeat(6, 2) * 30
    cubes = resample_image(image, FLAT, 10.0)
    assert cubes.shape == (12, 6, 6)
    assert cubes.dtype == np.float32
    np.testing.assert_allclose(cubes[1::3, 3, 3], image[:, 0, 0], rtol=1e-5)
    assert resample_image(image, FLAT, 20.0).shape == (6, 3, 3)


def test_a_face_takes_the_lowest_affinity_between_the_centres():
    """Voxels are three cubes long along z; a membrane lies in cube 4, a face in 5."""
    logits = torch.full((3, 9, 2, 2), 5.0)
    logits[0, 4, 0, 0] = -5
    found = onto_faces(logits, (3, 2, 2))
    assert found.shape == (3, 3, 2, 2)
    assert found[0, :, 0, 0].tolist() == [5, -5, 5]
    assert (found[0, :, 1] == 5).all()
    assert (found[1:] == 5).all()


def test_affinities_across_other_axes_are_taken_at_the_centre():
    logits = torch.zeros(3, 9, 4, 4)
    logits[2] = torch.arange(9.0)[:, None, None]
    found = onto_faces(logits, (3, 4, 4))
    assert found[2, :, 1, 1].tolist() == [1, 4, 7]


def test_the_network_sees_cubes_and_contacts_stay(octants):
    seen = set()

    class Dark(AffinityUNet):
        def forward(self, image):
            seen.add(tuple(image.shape[2:]))
            return image.repeat(1, len(OFFSETS), 1, 1, 1)

    image = np.uint8(octants < 5) * 200
    volume = CoarseVolume(image[2:6], octants[2:6], FLAT)
    pairs, area, evidence = contact_affinities(Dark(), volume, learned_nm=(10, 10, 10))
    plain = contact_affinities(Dark(), volume, learned_nm=FLAT)
    np.testing.assert_array_equal(pairs, plain[0])
    np.testing.assert_array_equal(area, plain[1])
    assert {tuple(sorted(shape)) for shape in seen} == {(8, 8, 12), (4, 8, 8)}
    assert {shape.index(12) for shape in seen if 12 in shape} == {0, 1, 2}
    # Bright on one side, dark on the other, and neither where they meet.
    mean = dict(zip(map(tuple, pairs.tolist()), evidence.mean(0), strict=True))
    assert mean[5, 6] < mean[1, 5] < mean[1, 2]
