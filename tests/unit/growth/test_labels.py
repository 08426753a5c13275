"""Grown cells as labels."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from eyewire_validator.growth.labels import GrownLabels
from eyewire_validator.storage.array_files import Access, open_array
from eyewire_validator.volumes.geometry import VolumeGeometry

# Two volumes of 4 x 4 x 4 that share two slices; each has segment 1 in its lower half
# of x and segment 2 in the upper one.
HALVES = np.ones((4, 4, 4), np.uint16)
HALVES[:, :, 2:] = 2


def grown_in(rows):
    store = SimpleNamespace(
        geometry=VolumeGeometry(size=(4, 4, 4), factor=(1, 1, 1), overlap=(2, 2, 2)),
        get=lambda volume: SimpleNamespace(segmentation=HALVES),
        coarse_voxel_nm=(10.0, 10.0, 5.0),
    )
    block = SimpleNamespace(store=store, corners={7: (6, 0, 4), 8: (8, 0, 4)})
    columns = ["cell", "volume", "seed", "accepted"]
    return GrownLabels(pd.DataFrame(rows, columns=columns), block)


def test_a_cell_has_what_it_took_in_any_volume_and_the_lower_id_goes_first():
    labels = grown_in([(2**40, 7, [1], [2]), (5, 8, [2], [])])
    assert labels.corner.tolist() == [6, 0, 4]
    assert labels.shape.tolist() == [6, 4, 4]
    found = labels.read((slice(6, 12), slice(0, 4), slice(4, 8)))
    assert found.dtype == np.uint64
    row = [2**40, 2**40, 5, 5]
    assert found[:, 0].tolist() == [[2**40] * 4] * 2 + [row] * 2 + [[0, 0, 5, 5]] * 2


def test_labels_are_read_as_they_were_written(tmp_path):
    labels = grown_in([(2**40, 7, [1], []), (5, 8, [2], [])])
    for _ in "again":
        labels.write(tmp_path / "labels")
    opened = open_array(f"precomputed://file://{tmp_path}/labels", None, Access())
    assert opened.shape == (6, 4, 4)
    assert opened.resolution_nm == (10.0, 10.0, 5.0)
    box = tuple(map(slice, opened.shape))
    corner = tuple(map(slice, (6, 0, 4), (12, 4, 8)))
    np.testing.assert_array_equal(opened.read(box), labels.read(corner))
    assert [path.name for path in tmp_path.iterdir()] == ["labels"]
