"""Cells as labels, and the image that they lie in."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.growth.labels import (
    CellLabels,
    segments_of_grown,
    segments_of_truth,
)
from eyewire_validator.growth.mosaic import Mosaic
from eyewire_validator.storage.array_files import Access, open_array
from eyewire_validator.storage.array_files.ome_zarr_writer import create_zarr_labels
from eyewire_validator.storage.array_files.precomputed_writer import (
    PRECOMPUTED_IMAGE,
    PRECOMPUTED_LABELS,
)
from eyewire_validator.volumes.geometry import VolumeGeometry

# Two volumes of 4 x 4 x 4 that share two slices; each has segment 1 in its lower half
# of x and segment 2 in the upper one, and is as light as its id says.
HALVES = np.ones((4, 4, 4), np.uint16)
HALVES[:, :, 2:] = 2
WHERE = {7: (6, 0, 4), 8: (8, 0, 4)}
EVERYTHING = (slice(6, 12), slice(0, 4), slice(4, 8))


@pytest.fixture
def block():
    def get(volume):
        image = np.full(HALVES.shape, 10 * volume, np.uint8)
        return SimpleNamespace(segmentation=HALVES, image=image)

    store = SimpleNamespace(
        geometry=VolumeGeometry(size=(4, 4, 4), factor=(1, 1, 1), overlap=(2, 2, 2)),
        get=get,
        coarse_voxel_nm=(10.0, 10.0, 5.0),
    )
    return SimpleNamespace(store=store, corners=WHERE)


def grown_in(block, rows):
    columns = ["cell", "volume", "seed", "accepted"]
    return CellLabels(segments_of_grown(pd.DataFrame(rows, columns=columns)), block)


def test_a_cell_has_what_it_took_in_any_volume_and_the_lower_id_goes_first(block):
    labels = grown_in(block, [(2**40, 7, [1], [2]), (5, 8, [2], [])])
    assert labels.mosaic.corner.tolist() == [6, 0, 4]
    assert labels.mosaic.shape.tolist() == [6, 4, 4]
    found = labels.read(EVERYTHING)
    assert found.dtype == np.uint64
    row = [2**40, 2**40, 5, 5]
    assert found[:, 0].tolist() == [[2**40] * 4] * 2 + [row] * 2 + [[0, 0, 5, 5]] * 2


def test_known_cells_are_painted_as_grown_ones_are(block):
    truth = {5: {7: np.array([1]), 8: np.array([1, 2])}}
    known = CellLabels(segments_of_truth(truth), block).read(EVERYTHING)
    grown = grown_in(block, [(5, 7, [1], []), (5, 8, [2], [1])]).read(EVERYTHING)
    assert known.any()
    np.testing.assert_array_equal(known, grown)


@pytest.mark.parametrize(
    ("form", "create"),
    [
        ("precomputed://file://", PRECOMPUTED_LABELS),
        ("zarr://", create_zarr_labels),
    ],
)
def test_labels_are_read_as_they_were_written(form, create, block, tmp_path):
    labels = grown_in(block, [(2**40, 7, [1], []), (5, 8, [2], [])])
    for _ in "again":
        labels.mosaic.write(tmp_path / "labels", create, labels.read)
    opened = open_array(f"{form}{tmp_path}/labels", None, Access())
    assert opened.shape == (6, 4, 4)
    assert opened.resolution_nm == (10.0, 10.0, 5.0)
    assert opened.offset_nm == (60.0, 0.0, 20.0)
    box = tuple(map(slice, opened.shape))
    np.testing.assert_array_equal(opened.read(box), labels.read(EVERYTHING))
    assert [path.name for path in tmp_path.iterdir()] == ["labels"]


def test_the_image_of_all_volumes_is_written_nearly_as_it_is(block, tmp_path):
    mosaic = Mosaic(block, WHERE)
    mosaic.write(tmp_path / "image", PRECOMPUTED_IMAGE, mosaic.image)
    opened = open_array(f"precomputed://file://{tmp_path}/image", None, Access())
    found = opened.read(tuple(map(slice, opened.shape))).astype(int)
    expected = np.repeat([70, 80], [2, 4])[:, None, None]
    assert np.abs(found - expected).max() <= 2


def test_where_no_volume_is_the_image_is_black(block):
    image = Mosaic(block, [7]).image(EVERYTHING)
    assert (image[:4] == 70).all()
    assert not image[4:].any()
