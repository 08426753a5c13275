"""TIFF: one stack and all of it, or a refusal."""

import numpy as np
import pytest
import tifffile

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import open_array

ARRAY = np.arange(1, 3 * 32 * 48 + 1, dtype=np.uint16).reshape(3, 32, 48)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"bigtiff": True, "byteorder": ">"},
        {"metadata": None},
        {"ome": True},
    ],
    ids=str,
)
def test_all_ways_to_write_a_stack_are_read(how, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ARRAY, photometric="minisblack", **how)
    np.testing.assert_array_equal(open_array(f"{tmp_path}/a.tif").read(), ARRAY)


def test_two_images_in_a_file_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(ARRAY, photometric="minisblack")
        file.write(ARRAY[:, :8], photometric="minisblack")
    with pytest.raises(
        FileError, match=r"2 images, \(3, 32, 48\) uint16, \(3, 8, 48\)"
    ):
        open_array(f"{tmp_path}/a.tif")


def test_colours_are_refused(tmp_path):
    colours = np.zeros((32, 48, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    with pytest.raises(FileError, match="in colour"):
        open_array(f"{tmp_path}/a.tif")


def test_pages_in_files_that_are_gone_are_refused_by_name(tmp_path):
    planes = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
        f'<UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(2)
    )
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        'DimensionOrder="XYZCT" Type="uint16" SizeX="48" SizeY="32" SizeZ="2" '
        f'SizeC="1" SizeT="1">{planes}</Pixels></Image></OME>'
    )
    path = tmp_path / "z0.ome.tif"
    tifffile.imwrite(path, ARRAY[0], description=xml, metadata=None)
    with pytest.raises(FileError, match=r"pages lie in z1\.ome\.tif, which are not"):
        open_array(str(path))


def zero_a_count(path):
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[1].tags["StripByteCounts"]
        tag.overwrite([0, *tag.value[1:]])


def test_strips_without_data_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    how = {"compression": "zlib", "rowsperstrip": 8, "photometric": "minisblack"}
    tifffile.imwrite(path, ARRAY, metadata=None, **how)
    zero_a_count(path)
    with pytest.raises(FileError, match="page 1 lacks 1 of 4 strips"):
        open_array(str(path))


@pytest.mark.parametrize("how", [{"imagej": True}, {"metadata": None}, {"ome": True}])
@pytest.mark.parametrize("kept", [0.4, 0.8, 0.9])
def test_a_stack_that_is_cut_short_is_refused(how, kept, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ARRAY, photometric="minisblack", **how)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FileError):
        open_array(str(path))


def virtual_stack(path, keep=None):
    """Write a stack as ImageJ does above 4 GB: one page, all sections behind it."""
    text = f"ImageJ=1.53t\nimages={len(ARRAY)}\nslices={len(ARRAY)}\n"
    tifffile.imwrite(path, ARRAY[0], description=text, metadata=None)
    with path.open("ab") as file:
        file.write(ARRAY[1:].tobytes()[:keep])


def test_a_large_stack_of_imagej_has_one_page_and_is_read(tmp_path):
    path = tmp_path / "a.tif"
    virtual_stack(path)
    np.testing.assert_array_equal(open_array(str(path)).read(), ARRAY)
    virtual_stack(path, keep=-1)
    with pytest.raises(FileError, match="cut short"):
        open_array(str(path))
