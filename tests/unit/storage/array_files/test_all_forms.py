"""Opening arrays of every form, and refusing what cannot be read in one line."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import files_of, open_array

ARRAY = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


def write(folder: Path, suffix: str, array: np.ndarray) -> str:
    """Write an array in the form of the suffix; return its source."""
    path = folder / f"array{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".npz":
        np.savez(path, inside=array)
    elif suffix == ".tif":
        order = ">" if array.dtype.byteorder == ">" else "<"
        tifffile.imwrite(path, array, imagej=True, byteorder=order)
    else:
        with h5py.File(path, "w") as file:
            file["inside"] = array
    return str(path) if suffix in (".npy", ".tif") else f"{path}::inside"


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".h5", ".hdf5", ".hdf"])
def test_all_forms_are_read_in_the_byte_order_of_the_machine(suffix, dtype, tmp_path):
    opened = open_array(write(tmp_path, suffix, ARRAY.astype(dtype)))
    np.testing.assert_array_equal(opened.read(), ARRAY)
    assert opened.read().dtype.isnative
    assert opened.dtype == np.uint16
    assert opened.read((slice(1),)).shape == (1, 3, 4)


def test_a_fortran_ordered_array_is_read(tmp_path):
    np.save(tmp_path / "array.npy", np.asfortranarray(ARRAY))
    opened = open_array(f"{tmp_path}/array.npy")
    np.testing.assert_array_equal(opened.read(), ARRAY)


def test_a_name_that_is_missing_or_wrong_lists_what_there_is(tmp_path):
    np.savez(tmp_path / "block.npz", image=ARRAY, gt=ARRAY.astype(np.int64))
    with h5py.File(tmp_path / "block.h5", "w") as file:
        file["volumes/raw"] = ARRAY
        file["deep/soft"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("gone.h5", "raw")
    listed = {
        "block.npz": r"holds image \(2, 3, 4\) uint16, gt \(2, 3, 4\) int64",
        "block.h5": r"holds volumes/raw \(2, 3, 4\) uint16",
    }
    for name, found in listed.items():
        for inside in ("", "::labels", "::volumes"):
            with pytest.raises(FileError, match=found):
                open_array(f"{tmp_path / name}{inside}")
    with pytest.raises(FileError, match=r"link to /nowhere, which is not there"):
        open_array(f"{tmp_path}/block.h5::deep/soft")
    with pytest.raises(FileError, match=r"link to gone\.h5::raw, which is not there"):
        open_array(f"{tmp_path}/block.h5::outside")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".h5"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.97])
def test_a_file_that_is_cut_short_is_refused(suffix, kept, tmp_path):
    source = write(
        tmp_path, suffix, np.arange(4000, dtype=np.uint16).reshape(4, 25, 40)
    )
    path = Path(source.partition("::")[0])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FileError, match=f"array{suffix}.*(cannot be read|cut short)"):
        open_array(source)


def test_a_wrong_checksum_is_refused(tmp_path):
    path = tmp_path / "array.npz"
    np.savez(path, inside=ARRAY)
    content = bytearray(path.read_bytes())
    content[content.index(ARRAY.tobytes()) + 9] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"cannot be read \(Bad CRC-32"):
        open_array(f"{path}::inside")


@pytest.mark.filterwarnings("ignore:Stored array in format")
def test_what_is_no_array_of_numbers_is_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}, 1], object))
    np.save(tmp_path / "texts.npy", np.array(["a", "b"]))
    np.savez(tmp_path / "objects.npz", inside=np.array([{}, 1], object))
    with h5py.File(tmp_path / "texts.h5", "w") as file:
        file["inside"] = ["a", "b"]
        file["empty"] = h5py.Empty("f")
    for source in (
        "objects.npy",
        "texts.npy",
        "objects.npz::inside",
        "texts.h5::inside",
        "texts.h5::empty",
    ):
        with pytest.raises(FileError, match=r"cannot be read|expected numbers"):
            open_array(f"{tmp_path}/{source}")


def test_unknown_forms_and_missing_files_are_refused(tmp_path):
    (tmp_path / "raw.zarr.zip").write_bytes(b"")
    np.save(tmp_path / "array.npy", ARRAY)
    with pytest.raises(FileError, match=r"not one of \.npy"):
        open_array(f"{tmp_path}/raw.zarr.zip")
    with pytest.raises(FileError, match=r"missing\.npy: no such file"):
        open_array(f"{tmp_path}/missing.npy")
    with pytest.raises(FileError, match="leave out ::raw"):
        open_array(f"{tmp_path}/array.npy::raw")


def test_the_files_of_a_source_are_real_files(tmp_path):
    for name in ("z2.png", "z1.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    slices = [f"{tmp_path}/z1.png", f"{tmp_path}/z2.png"]
    assert files_of(str(tmp_path)) == slices
    assert files_of(f"{tmp_path}/z*.png") == slices
    assert files_of("block.h5::raw") == ["block.h5"]
    assert files_of("missing/*.png") == ["missing/*.png"]
