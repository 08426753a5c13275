"""Slices in a folder or of a pattern, as one stack."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import open_array

ARRAY = np.arange(12 * 6, dtype=np.uint8).reshape(12, 2, 3)


@pytest.fixture
def folder(tmp_path):
    """Twelve slices, z0.png to z11.png: by name, z10 comes before z2."""
    for z, section in enumerate(ARRAY):
        Image.fromarray(section).save(tmp_path / f"z{z}.png")
    (tmp_path / "notes.txt").touch()
    return tmp_path


@pytest.mark.parametrize("named", ["", "/", "/*.png", "/z*.png"])
def test_slices_are_read_in_the_order_of_their_numbers(named, folder):
    np.testing.assert_array_equal(open_array(f"{folder}{named}").read(), ARRAY)


@pytest.mark.parametrize("suffix", ["png", "tif", "TIF"])
def test_slices_of_16_bits_keep_their_ids(suffix, tmp_path):
    labels = ARRAY.astype(np.uint16) * 900
    for z, section in enumerate(labels):
        path = tmp_path / f"labels_{z:03}.{suffix}"
        if suffix == "png":
            Image.fromarray(section).save(path)
        else:
            tifffile.imwrite(path, section, byteorder=">")
    np.testing.assert_array_equal(open_array(str(tmp_path)).read(), labels)


def test_one_slice_is_a_stack(folder):
    assert open_array(f"{folder}/z3.*").shape == (1, 2, 3)


def test_a_missing_slice_is_refused_by_name(folder):
    (folder / "z7.png").unlink()
    error = r"z6\.png is followed by z8\.png, so 1 slices are missing"
    with pytest.raises(FileError, match=error):
        open_array(str(folder))


def test_a_number_that_is_there_twice_is_refused(folder):
    Image.fromarray(ARRAY[0]).save(folder / "z07.png")
    with pytest.raises(FileError, match="of the same number"):
        open_array(str(folder))


@pytest.mark.parametrize("name", ["z12.jpg", "mask12.png", "z12_2.png"])
def test_files_of_another_series_are_refused(name, folder):
    Image.fromarray(ARRAY[0]).save(folder / name)
    with pytest.raises(FileError, match="differ by more than a number"):
        open_array(str(folder))


def test_two_numbers_that_change_are_refused(folder):
    for z in range(2):
        Image.fromarray(ARRAY[0]).save(folder / f"r{z}c{z}.png")
    with pytest.raises(FileError, match="2 numbers differ"):
        open_array(f"{folder}/r*.png")


@pytest.mark.parametrize(
    ("section", "error"),
    [
        (np.zeros((2, 4), np.uint8), r"z12\.png: is \(2, 4\) uint8, but .*z0\.png"),
        (np.zeros((2, 3), np.uint16), r"z12\.png: is \(2, 3\) uint16"),
        (np.zeros((2, 3, 3), np.uint8), r"z12\.png: is of mode RGB, expected .* grey"),
    ],
)
def test_a_slice_unlike_the_others_is_refused_by_name(section, error, folder):
    Image.fromarray(section).save(folder / "z12.png")
    with pytest.raises(FileError, match=error):
        open_array(str(folder))


def test_a_damaged_slice_is_refused_by_name(folder):
    (folder / "z4.png").write_bytes((folder / "z4.png").read_bytes()[:40])
    with pytest.raises(FileError, match=r"z4\.png: cannot be read"):
        open_array(str(folder))


@pytest.mark.parametrize("named", ["", "/*.png"])
def test_no_slices_are_not_a_missing_file(named, tmp_path):
    with pytest.raises(FileError, match="no slices there") as error:
        open_array(f"{tmp_path}{named}")
    assert "no such file" not in str(error.value)


def test_a_stack_of_stacks_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "z0.tif", np.zeros((2, 4, 5), np.uint8))
    with pytest.raises(FileError, match="expected one slice"):
        open_array(str(tmp_path))
