"""Where arrays lie, and what of them is covered by all."""

import chunked_arrays as write
import h5py
import numpy as np
import pytest

from eyewire_validator.errors import FileError, SandboxError
from eyewire_validator.sandbox.frames import (
    check_dtypes,
    common_part,
    open_on_one_grid,
)
from eyewire_validator.storage.array_files import OpenedArray


def array(shape, resolution=None, offset=None):
    return OpenedArray(np.zeros(shape, np.uint8), resolution, offset)


def test_arrays_of_one_shape_are_taken_as_they_are():
    part = common_part({"image": array((4, 5, 6)), "labels": array((4, 5, 6))})
    assert part.shape == (4, 5, 6)
    assert part.corners == {"image": (0, 0, 0), "labels": (0, 0, 0)}


def test_labels_within_a_padded_image_are_found():
    image = array((8, 9, 9), (40, 4, 4))
    labels = array((4, 5, 6), (40, 4, 4.0), (80, 8, 8))
    part = common_part({"image": image, "labels": labels})
    assert part.shape == (4, 5, 6)
    assert part.corners == {"image": (2, 2, 2), "labels": (0, 0, 0)}


def test_labels_that_reach_out_of_the_image_are_cut():
    image = array((4, 4, 4), (40, 4, 4), (80, 0, 0))
    labels = array((4, 4, 8), (40, 4, 4), (40, 0, -8))
    part = common_part({"image": image, "labels": labels})
    assert part.shape == (3, 4, 4)
    assert part.corners == {"image": (0, 0, 0), "labels": (1, 0, 2)}


def test_an_array_without_a_place_lies_where_the_others_of_its_shape_do():
    labels = array((4, 4, 4), (40, 4, 4), (80, 0, 0))
    part = common_part({"image": array((4, 4, 4)), "labels": labels})
    assert part.corners["image"] == (0, 0, 0)
    with pytest.raises(SandboxError, match=r"attributes .* \(without: image\)"):
        common_part({"image": array((8, 4, 4)), "labels": labels})


@pytest.mark.parametrize(
    ("resolution", "offset", "error"),
    [
        ((50, 4, 4), (0, 0, 0), r"voxels of labels are \(50, 4, 4\) nm, .* of image"),
        ((40, 4, 4), (0, 2, 0), r"offset of labels is \(0, 2, 0\) nm, .* of image"),
        ((40, 4, 4), (160, 0, 0), "have no part in common"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(resolution, offset, error):
    image = array((4, 4, 4), (40, 4, 4))
    with pytest.raises(SandboxError, match=error):
        common_part({"image": image, "labels": array((4, 4, 4), resolution, offset)})


def test_an_array_of_another_dimension_is_refused():
    with pytest.raises(SandboxError, match="expected one, "):
        common_part({"image": array((4, 4)), "labels": array((4, 4))})


@pytest.fixture
def pyramid(tmp_path):
    """An image of levels s0 (4 nm) and s1 (8 nm), and the first voxel at 80 nm."""
    voxels = np.zeros((8, 8, 8), np.uint8)
    write.write_zarr3_level(tmp_path / "em" / "s0", voxels)
    write.write_zarr3_level(tmp_path / "em" / "s1", voxels[::2, ::2, ::2])
    levels = [
        write.level("s0", (4, 4, 4), (80, 80, 80)),
        write.level("s1", (8, 8, 8), (80, 80, 80)),
    ]
    write.write_ome(tmp_path / "em", [write.multiscale(levels)])
    return f"zarr://{tmp_path}/em"


def hdf5(path, resolution, offset=(0, 0, 0), dtype=np.uint64):
    with h5py.File(path, "w") as file:
        file["a"] = np.ones((20, 20, 20), dtype)
        file["a"].attrs.update(resolution=resolution, offset=offset)
    return f"{path}::a"


def test_the_image_is_read_at_the_resolution_of_the_segments(pyramid, tmp_path):
    segments = hdf5(tmp_path / "s.h5", (8, 8, 8), (72, 80, 80))
    arrays = open_on_one_grid({"image": pyramid, "segments": segments})
    assert arrays["image"].resolution_nm == (8, 8, 8)
    part = common_part(arrays)
    assert part.shape == (4, 4, 4)
    assert part.corners == {"image": (0, 0, 0), "segments": (1, 0, 0)}


def test_the_size_that_is_asked_for_chooses_and_refuses(pyramid):
    sources = {"image": pyramid, "segments": pyramid}
    arrays = open_on_one_grid(sources, (8, 8, 8))
    assert [array.resolution_nm for array in arrays.values()] == [(8, 8, 8)] * 2
    with pytest.raises(FileError, match=r"no level with voxels of \(9, 8, 8\) nm"):
        open_on_one_grid(sources, (9, 8, 8))


@pytest.mark.parametrize("image", ["", "::s0"])
def test_an_image_without_that_resolution_is_refused_by_both_sizes(
    image, pyramid, tmp_path
):
    segments = hdf5(tmp_path / "s.h5", (16, 8, 8), (8, 0, 0))
    error = (
        r"image does not fit segments \(.*s\.h5::a, voxels of \(16, 8, 8\) nm at "
        r"\(8, 0, 0\) nm\): .*/em.* \(4, 4, 4\) nm"
    )
    with pytest.raises(SandboxError, match=error):
        open_on_one_grid({"image": f"{pyramid}{image}", "segments": segments})


def test_dtypes_that_cannot_be_read_as_they_are_are_refused(tmp_path):
    image = hdf5(tmp_path / "i.h5", (8, 8, 8), dtype=np.uint16)
    segments = hdf5(tmp_path / "s.h5", (8, 8, 8), dtype=np.float32)
    with pytest.raises(SandboxError, match=r"image: .* uint16, .* \?range=0,4095"):
        check_dtypes(open_on_one_grid({"image": image}))
    check_dtypes(open_on_one_grid({"image": f"{image}?range=0,1"}))
    with pytest.raises(SandboxError, match=r"segments: .* float32, expected integers"):
        check_dtypes(open_on_one_grid({"segments": segments}))
