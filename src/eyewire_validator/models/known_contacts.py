"""Look the scored contacts of volumes up in the labels of their block."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_shapes import describe_shapes
from eyewire_validator.agglomeration.scoring import ScoredContacts
from eyewire_validator.agglomeration.second_look_training import KnownContacts
from eyewire_validator.volumes.geometry import Corner, Edges, VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore


def known_contacts(
    volumes: Iterable[int],
    scored: Callable[[int], ScoredContacts],
    store: VolumeStore,
    labels: NDArray[np.integer],
    corners: Mapping[int, Corner],
) -> list[KnownContacts]:
    """Look the contacts of volumes up in the labels of their block.

    Args:
        volumes: their ids.
        scored: returns the contacts of a volume by the first look.
        store: the volumes.
        labels: (z, y, x) objects at full resolution, 0 where nobody said.
        corners: lowest voxel (z, y, x) of each volume.
    """
    found = []
    for volume in volumes:
        coarse = store.get(volume)
        here = labels_at(labels, corners[volume], store.geometry)
        evidence = scored(volume).evidence
        found.append(
            KnownContacts.of(
                describe_shapes(coarse), evidence, coarse.segmentation, here
            )
        )
    return found


def labels_at(
    labels: NDArray[np.integer], corner: Edges, geometry: VolumeGeometry
) -> NDArray[np.integer]:
    """Return the label in the middle of each coarse voxel; 0 beyond the block.

    Args:
        labels: (z, y, x) objects of the block, at full resolution.
        corner: lowest voxel (z, y, x) of the volume.
        geometry: of the volume.
    """
    part = labels[
        tuple(
            slice(start + step // 2, start + size, step)
            for start, size, step in zip(
                corner, geometry.size, geometry.factor, strict=True
            )
        )
    ]
    found = np.zeros(geometry.coarse_shape, labels.dtype)
    found[tuple(map(slice, part.shape))] = part
    return found
