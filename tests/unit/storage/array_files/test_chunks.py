"""Arrays of chunks: the same voxels and places by all forms and from all locations."""

import json

import chunked_arrays as write
import numpy as np
import pytest
from chunked_arrays import LABELS, OFFSET, PICTURES, RESOLUTION
from file_server import served

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import (
    Access,
    NoSuchLevelError,
    files_of,
    open_array,
)
from eyewire_validator.storage.array_files.folder import Folder

FORMS = LABELS | PICTURES
IDS = write.labels()
GREY = np.random.default_rng(0).integers(0, 256, (20, 18, 16)).astype(np.uint8)
# A server that fails is not asked often.
QUICK = Access(retries=0, time_limit_s=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    for name, (_, make) in FORMS.items():
        make(folder / name.replace(" ", "_"), IDS if name in LABELS else GREY)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with served(folder) as server:
        yield server


@pytest.fixture(params=["path", "file", "http"])
def location(request, folder, server):
    return {"path": folder, "file": f"file://{folder}", "http": server.url}[
        request.param
    ]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_from_every_location(name, location):
    form = FORMS[name][0]
    opened = open_array(f"{form}://{location}/{name.replace(' ', '_')}")
    expected = IDS if name in LABELS else GREY
    assert opened.shape == expected.shape
    assert opened.dtype == expected.dtype
    assert opened.resolution_nm == pytest.approx(RESOLUTION)
    assert opened.offset_nm == pytest.approx(OFFSET)
    box = np.s_[3:17, 8:16, 5:15]
    found = opened.read(box)
    assert found.flags.c_contiguous
    if "jpeg" in name:
        difference = found.astype(int) - expected[box]
        # Noise is what JPEG keeps worst.
        assert np.abs(difference).mean() < 30
        assert np.corrcoef(found.ravel(), expected[box].ravel())[0, 1] > 0.7
    else:
        np.testing.assert_array_equal(found, expected[box])


def test_only_the_chunks_of_the_box_are_asked_for(server):
    opened = open_array(f"zarr://{server.url}/OME-Zarr_0.5", access=QUICK)
    server.asked.clear()
    opened.read(np.s_[0:8, 7:9, 0:8])
    chunks = {path.rpartition("/c/")[2] for path in server.asked}
    assert chunks == {"0/0/0", "0/1/0"}


def test_a_box_outside_is_refused(folder):
    opened = open_array(f"zarr://{folder}/OME-Zarr_0.5")
    with pytest.raises(FileError, match=r"OME-Zarr_0.5: voxels 0:21 of axis 0 .* 0:20"):
        opened.read((slice(0, 21),))
    with pytest.raises(FileError, match="voxels -1:4"):
        opened.read((slice(-1, 4),))


def test_pages_above_an_array_are_not_taken_for_its_image(tmp_path):
    write.write_zarr3_level(tmp_path / "data" / "a", IDS)
    with served(tmp_path) as server:
        server.faults = {"/data/zarr.json": "html"}
        opened = open_array(f"zarr://{server.url}/data/a", access=QUICK)
        np.testing.assert_array_equal(opened.read(), IDS)
        # Who does not answer may know better.
        server.faults = {"/data/zarr.json": "503"}
        with pytest.raises(FileError, match=r"zarr\.json: refused .* 503"):
            open_array(f"zarr://{server.url}/data/a", access=QUICK)


@pytest.fixture
def pyramid(tmp_path):
    """Levels s0 (4 nm) and s1 (8 nm), of voxels placed by their middle."""
    write.write_zarr3_level(tmp_path / "s0", IDS)
    write.write_zarr3_level(tmp_path / "s1", IDS[::2, ::2, ::2])
    levels = [
        write.level("s0", (4, 4, 4), (2, 2, 2)),
        write.level("s1", (8, 8, 8), (4, 4, 4)),
    ]
    image = write.multiscale(
        levels, coordinateTransformations=[{"type": "scale", "scale": [10, 1, 1]}]
    )
    write.write_ome(tmp_path, [image])
    return tmp_path


@pytest.mark.parametrize(
    ("named", "voxel_nm", "resolution"),
    [
        ("", None, (40, 4, 4)),
        ("", (80, 8, 8), (80, 8, 8)),
        ("::s1", None, (80, 8, 8)),
        ("::1", None, (80, 8, 8)),
        ("/s1", None, (80, 8, 8)),
        ("/s0", (40.1, 4, 4), (40, 4, 4)),
    ],
)
def test_a_level_is_chosen_by_name_number_or_size(pyramid, named, voxel_nm, resolution):
    opened = open_array(f"zarr://{pyramid}{named}", voxel_nm)
    assert opened.resolution_nm == resolution
    # Where the first voxel's corner is, of all levels.
    assert opened.offset_nm == (20, 2, 2)
    assert opened.shape == (IDS if resolution[1] == 4 else IDS[::2, ::2, ::2]).shape


@pytest.mark.parametrize(
    ("named", "voxel_nm", "error"),
    [
        ("::s7", None, r"no level s7; there are s0 \(voxels of \(40, 4, 4\) nm at"),
        ("", (30, 4, 4), r"no level with voxels of \(30, 4, 4\) nm .* there are s0"),
        ("/s1", (40, 4, 4), r"its voxels are \(80, 8, 8\) nm .* not \(40, 4, 4\) nm"),
    ],
)
def test_a_level_that_is_not_there_is_refused(pyramid, named, voxel_nm, error):
    with pytest.raises(NoSuchLevelError, match=error):
        open_array(f"zarr://{pyramid}{named}", voxel_nm)


def change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


OME = {
    "0.6": (write.multiscale([write.level("s0", RESOLUTION)]), "is OME-Zarr 0.6"),
    "affine": (
        write.multiscale(
            [
                {
                    "path": "s0",
                    "coordinateTransformations": [{"type": "affine", "affine": []}],
                }
            ]
        ),
        "by a transformation affine",
    ),
    "unit": (
        write.multiscale([write.level("s0", RESOLUTION)], unit="furlong"),
        "its axes are in furlong",
    ),
    "rank": (
        write.multiscale([write.level("s0", [1, 1])]),
        "scale has 2 numbers for 3 axes",
    ),
    "axes": (
        write.multiscale([write.level("s0", [1, 1, 1])], axes="cyx"),
        "has the axes c, y, x",
    ),
    "zero": (
        write.multiscale([write.level("s0", [0, 1, 1])]),
        r"voxels are \(0, 1, 1\) nm",
    ),
}


@pytest.mark.parametrize("case", OME)
def test_an_image_that_is_not_understood_is_refused(case, tmp_path):
    image, error = OME[case]
    write.write_zarr3_level(tmp_path / "s0", IDS)
    write.write_ome(tmp_path, [image], "0.6" if case == "0.6" else "0.5")
    with pytest.raises(FileError, match=error):
        open_array(f"zarr://{tmp_path}")


@pytest.mark.parametrize(
    ("unit", "nm"), [("micrometer", 1000), ("angstrom", 0.1), (None, None)]
)
def test_units_are_turned_into_nm(unit, nm, tmp_path):
    write.write_zarr3_level(tmp_path / "s0", IDS)
    write.write_ome(
        tmp_path, [write.multiscale([write.level("s0", (3, 2, 1))], unit=unit)]
    )
    found = open_array(f"zarr://{tmp_path}").resolution_nm
    assert found == (pytest.approx((3 * nm, 2 * nm, nm)) if nm else None)


@pytest.mark.parametrize("axes", ["xyz", "zxy"])
def test_axes_are_taken_by_name(axes, tmp_path):
    order = ["zyx".index(axis) for axis in axes]
    write.write_zarr3_level(tmp_path / "s0", IDS.transpose(order))
    scale = [RESOLUTION[axis] for axis in order]
    write.write_ome(tmp_path, [write.multiscale([write.level("s0", scale)], axes)])
    opened = open_array(f"zarr://{tmp_path}")
    np.testing.assert_array_equal(opened.read(), IDS)
    assert opened.resolution_nm == RESOLUTION


def test_a_channel_of_several_is_not_chosen(tmp_path):
    write.write_zarr2(tmp_path, IDS)
    image = write.multiscale([write.level("s0", [1, 1, 1, 1])], "zcyx")
    write.write_json(tmp_path / ".zattrs", {"multiscales": [image]})
    with pytest.raises(FileError, match="axis c has length 20, expected 1"):
        open_array(f"zarr://{tmp_path}")


def test_an_array_that_says_no_place_has_none(tmp_path):
    write.write_zarr3_level(tmp_path / "a", IDS)
    opened = open_array(f"zarr://{tmp_path}/a")
    assert opened.resolution_nm is None
    np.testing.assert_array_equal(opened.read(), IDS)
    with pytest.raises(FileError, match="no Zarr there"):
        open_array(f"zarr://{tmp_path}")


def test_an_n5_level_lies_where_its_group_says(tmp_path):
    write.write_n5(tmp_path, IDS)
    path = tmp_path / "s0" / "attributes.json"
    own = json.loads(path.read_text())
    del own["pixelResolution"], own["offset"]
    path.write_text(json.dumps(own | {"downsamplingFactors": [2, 2, 1]}))
    write.write_json(tmp_path / "attributes.json", {"resolution": [4, 4, 40]})
    assert open_array(f"n5://{tmp_path}").resolution_nm == RESOLUTION
    assert open_array(f"n5://{tmp_path}/s0").resolution_nm == RESOLUTION
    cosem = {"axes": ["z", "y", "x"], "scale": [40, 8, 8], "translate": [120, 16, 8]}
    path.write_text(json.dumps(own | {"transform": cosem}))
    opened = open_array(f"n5://{tmp_path}")
    assert (opened.resolution_nm, opened.offset_nm) == (RESOLUTION, OFFSET)


@pytest.mark.parametrize("suffix", [".gz", ".br", ".zst", ".zstd"])
@pytest.mark.parametrize("name", ["precomputed raw", "OME-Zarr 0.4", "N5 gzip"])
def test_local_chunks_that_are_packed_are_refused(name, suffix, tmp_path):
    form, make = LABELS[name]
    make(tmp_path, IDS)
    for path in list(tmp_path.rglob("*")):
        if path.is_file() and (path.name[0].isdigit() or path.name[0] == "0"):
            path.rename(path.with_name(path.name + suffix))
    with pytest.raises(FileError, match=rf"packed one by one \(.*\{suffix}\)"):
        open_array(f"{form}://{tmp_path}")


@pytest.mark.parametrize("encoding", ["compresso", "crackle", "jxl"])
def test_encodings_that_are_not_read_are_refused(encoding, tmp_path):
    write.write_precomputed(tmp_path, IDS)
    info = json.loads((tmp_path / "info").read_text())
    info["scales"][0]["encoding"] = encoding
    (tmp_path / "info").write_text(json.dumps(info))
    with pytest.raises(FileError, match=rf"encoded as {encoding}, .*\[cave\]"):
        open_array(f"precomputed://{tmp_path}")


def test_chunks_that_hold_nothing_may_be_left_out_if_that_is_said(tmp_path):
    write.write_zarr3(tmp_path, IDS)
    (tmp_path / "s0" / "c" / "1" / "0" / "0").unlink()
    with pytest.raises(FileError, match=r"a chunk of z 8:16, .* add \?missing=fill"):
        open_array(f"zarr://{tmp_path}").read()
    found = open_array(f"zarr://{tmp_path}?missing=fill").read()
    assert (found[8:16, :8, :8] == 0).all()
    assert (found == 0).sum() == 8**3
    with pytest.raises(FileError, match=r"\?missing=zero, expected refuse"):
        open_array(f"zarr://{tmp_path}?missing=zero")


def test_grey_values_of_a_stated_range_are_read_as_uint8(tmp_path):
    image = np.array([[[0, 100, 355, 610, 9999]]], np.uint16)
    np.save(tmp_path / "image.npy", image)
    opened = open_array(f"{tmp_path}/image.npy?range=100,610")
    assert opened.dtype == np.uint8
    assert opened.read().tolist() == [[[0, 0, 128, 255, 255]]]
    reverse = open_array(f"{tmp_path}/image.npy?range=610,100")
    assert reverse.read().tolist() == [[[255, 255, 128, 0, 0]]]
    for stated in ("5", "9,9", "a,b", "nan,9"):
        with pytest.raises(FileError, match=rf"range is {stated}, expected"):
            open_array(f"{tmp_path}/image.npy?range={stated}")


def test_grey_values_that_are_no_numbers_are_refused(tmp_path):
    np.save(tmp_path / "image.npy", np.array([[[0.5, np.nan]]]))
    with pytest.raises(FileError, match=r"image.npy: holds grey .* no numbers \(NaN\)"):
        open_array(f"{tmp_path}/image.npy?range=0,1").read()


@pytest.mark.parametrize("form", ["zarr", "n5", "precomputed"])
def test_a_folder_of_chunks_is_told_how_to_be_named(tmp_path, form):
    file = {"zarr": ".zarray", "n5": "attributes.json", "precomputed": "info"}[form]
    (tmp_path / file).touch()
    with pytest.raises(FileError, match=f"holds chunks; write {form}://{tmp_path}"):
        open_array(str(tmp_path))


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("http://h/a", r"write zarr://, precomputed:// or n5:// before it"),
        ("zarr://http://me:53cr37@h/a", "holds a user name or password"),
        ("zarr://http://h/a?sig=53cr37", "followed by a query"),
        ("zarr://ftp://h/a", "ftp:// is not known"),
        ("a.npy?range=0,1&colour=53cr37", "has no option colour"),
        ("a.npy?colour=53cr37", "a.npy: has no option colour"),
        ("zarr://http://127.0.0.1:1/a", "zarr.json: the connection failed"),
        ("graphene://https://h/t", r"fix the time .* \?timestamp="),
    ],
)
def test_names_that_are_not_understood_are_refused_without_secrets(source, error):
    with pytest.raises(FileError, match=error) as refused:
        open_array(source, access=QUICK)
    assert "53cr37" not in str(refused.value)


def test_buckets_are_reached_anonymously():
    def web(location):
        store = Folder("a", location, Access()).store()
        return store["base_url"] + store["path"]

    assert web("gs://bucket/a/b") == "https://storage.googleapis.com/bucket/a/b/"
    assert web("s3://bucket/a/b") == "https://bucket.s3.amazonaws.com/a/b/"
    assert web("s3://my.bucket/a") == "https://s3.amazonaws.com/my.bucket/a/"


def test_the_files_of_chunks_are_those_on_this_disk(folder, server):
    files = files_of(f"zarr://{folder}/OME-Zarr_0.5")
    assert f"{folder}/OME-Zarr_0.5/zarr.json" in files
    assert len(files) == 2 + 3 * 3 * 2
    assert files_of(f"zarr://{server.url}/OME-Zarr_0.5") == []
    assert files_of("n5://nowhere") == ["nowhere"]
