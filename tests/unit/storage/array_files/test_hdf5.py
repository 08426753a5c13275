"""HDF5: frames, and datasets of which a part is not there."""

import h5py
import numpy as np
import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import open_array

ARRAY = np.arange(1, 25, dtype=np.uint16).reshape(2, 3, 4)


def view(folder, sources, name="view.h5", shape=(2, 3, 4)):
    """Write a virtual dataset of whole sources, one below the other along z."""
    with h5py.File(folder / name, "w") as file:
        layout = h5py.VirtualLayout(shape, np.uint16, maxshape=shape)
        for z, (path, inside) in enumerate(sources):
            layout[z : z + 1] = h5py.VirtualSource(path, inside, (1, 3, 4))
        file.create_virtual_dataset("raw", layout)
    return f"{folder / name}::raw"


def sections(folder):
    """Write each section of the array to a file of its own."""
    for z in range(2):
        with h5py.File(folder / f"z{z}.h5", "w") as file:
            file["raw"] = ARRAY[z : z + 1]
    return [("z0.h5", "raw"), ("z1.h5", "raw")]


def test_the_frame_is_read_from_the_attributes(tmp_path):
    with h5py.File(tmp_path / "sample.hdf", "w") as file:
        file["bare"] = ARRAY
        labels = file.create_dataset("labels", data=ARRAY)
        labels.attrs["resolution"], labels.attrs["offset"] = (40, 4, 4), (160.0, 40, 8)
    opened = open_array(f"{tmp_path}/sample.hdf::labels")
    assert opened.resolution_nm == (40, 4, 4)
    assert opened.offset_nm == (160, 40, 8)
    bare = open_array(f"{tmp_path}/sample.hdf::bare")
    assert (bare.resolution_nm, bare.offset_nm) == (None, None)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"resolution": 4.0}, "resolution is 4.0, expected three numbers"),
        ({"resolution": "40,4,4"}, "expected three numbers"),
        ({"resolution": (0, 4, 4)}, "three numbers above 0"),
        ({"offset": (160, 40, 40)}, "an offset .* but no resolution"),
    ],
)
def test_attributes_that_are_no_frame_are_refused(attributes, error, tmp_path):
    with h5py.File(tmp_path / "sample.h5", "w") as file:
        file["raw"] = ARRAY
        file["raw"].attrs.update(attributes)
    with pytest.raises(FileError, match=error):
        open_array(f"{tmp_path}/sample.h5::raw")


def test_a_whole_virtual_dataset_is_read(tmp_path):
    source = view(tmp_path, sections(tmp_path))
    np.testing.assert_array_equal(open_array(source).read(), ARRAY)


def test_a_virtual_dataset_without_its_source_is_refused(tmp_path):
    source = view(tmp_path, sections(tmp_path))
    with h5py.File(tmp_path / "z1.h5", "w") as file:
        file["other"] = ARRAY
    with pytest.raises(FileError, match=r"z1\.h5::raw, but that file holds no such"):
        open_array(source)
    (tmp_path / "z1.h5").unlink()
    with pytest.raises(FileError, match=r"z1\.h5::raw, but there is no such file"):
        open_array(source)


def test_a_view_of_a_view_is_followed_to_its_source(tmp_path):
    view(tmp_path, sections(tmp_path)[:1], "inner.h5", (1, 3, 4))
    source = view(tmp_path, [("inner.h5", "raw"), ("z1.h5", "raw")])
    np.testing.assert_array_equal(open_array(source).read(), ARRAY)
    (tmp_path / "z0.h5").unlink()
    with pytest.raises(FileError, match=r"z0\.h5::raw, but there is no such file"):
        open_array(source)


def test_a_virtual_dataset_with_holes_is_refused(tmp_path):
    source = view(tmp_path, sections(tmp_path)[:1])
    with pytest.raises(FileError, match="cover 12 of 24 voxels"):
        open_array(source)


def test_a_view_beyond_its_source_is_refused(tmp_path):
    source = view(tmp_path, sections(tmp_path))
    with h5py.File(tmp_path / "z1.h5", "w") as file:
        file["raw"] = ARRAY[:1, :2]
    with pytest.raises(FileError, match=r"beyond its shape \(1, 2, 4\)"):
        open_array(source)


def test_a_view_without_limit_is_refused(tmp_path):
    sections(tmp_path)
    with h5py.File(tmp_path / "view.h5", "w") as file:
        layout = h5py.VirtualLayout((2, 3, 4), np.uint16, maxshape=(None, 3, 4))
        source = h5py.VirtualSource("z0.h5", "raw", (1, 3, 4), maxshape=(None, 3, 4))
        unlimited = h5py.h5s.UNLIMITED
        layout[:unlimited] = source[:unlimited]
        file.create_virtual_dataset("raw", layout)
    with pytest.raises(FileError, match="without limit"):
        open_array(f"{tmp_path}/view.h5::raw")


@pytest.mark.parametrize("fillvalue", [0, 7])
def test_chunks_that_were_never_written_are_refused(fillvalue, tmp_path):
    with h5py.File(tmp_path / "killed.h5", "w") as file:
        raw = file.create_dataset(
            "raw", (4, 4, 5), np.uint8, chunks=(2, 4, 4), fillvalue=fillvalue
        )
        raw[:2] = 1
    error = rf"2 of 4 chunks .* read as {fillvalue}, the first at \(2, 0, 0\)"
    with pytest.raises(FileError, match=error):
        open_array(f"{tmp_path}/killed.h5::raw")


def test_what_was_never_written_at_all_is_refused(tmp_path):
    with h5py.File(tmp_path / "killed.h5", "w") as file:
        file.create_dataset("raw", (4, 4, 4), np.uint8)
    with pytest.raises(FileError, match="made but never written"):
        open_array(f"{tmp_path}/killed.h5::raw")


def test_external_files_that_are_gone_or_short_are_refused(tmp_path):
    raw = tmp_path / "raw.bin"
    raw.write_bytes(ARRAY.tobytes())
    with h5py.File(tmp_path / "header.h5", "w") as file:
        outside = [(str(raw), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("raw", ARRAY.shape, ARRAY.dtype, external=outside)
    source = f"{tmp_path}/header.h5::raw"
    np.testing.assert_array_equal(open_array(source).read(), ARRAY)
    raw.write_bytes(ARRAY.tobytes()[:40])
    with pytest.raises(FileError, match=r"raw\.bin hold 40 of its 48 bytes"):
        open_array(source)
    raw.unlink()
    with pytest.raises(FileError, match=r"raw\.bin, which is not there"):
        open_array(source)


def test_a_missing_filter_names_the_way_out(tmp_path):
    with h5py.File(tmp_path / "blosc.h5", "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2, 3, 4))
        made.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((2, 3, 4))
        h5py.h5d.create(file.id, b"raw", h5py.h5t.NATIVE_UINT16, space, made)
        file["raw"].id.write_direct_chunk((0, 0, 0), b"packed")
    with pytest.raises(FileError, match=r"cannot be read .*32001.*install hdf5plugin"):
        open_array(f"{tmp_path}/blosc.h5::raw")
