"""A volume from the bucket to its arrays, and damage on the way."""

import asyncio
import io
import logging
import lzma
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from eyewire_validator.acquire.volumes import download_volume
from eyewire_validator.errors import NotFoundError, VolumeError
from eyewire_validator.jobs.manifests import require_intact
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import DOWNLOADED, RawVolume

GEOMETRY = VolumeGeometry(size=8, overlap=4, factor=4)
URL = "https://host/e2198_compressed/Volume-40-41/"


def jpeg(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def as_eyewire_packs(array):
    """LZMA-alone of unknown length, as piping into the lzma tool gives."""
    return lzma.compress(array.tobytes(), lzma.FORMAT_ALONE)


def pack_edges(*edges):
    """Eyewire's packing of (segment, segment, affinity)."""
    return b"".join(struct.pack("<HHf", *edge) for edge in edges)


@pytest.fixture
def segmentation():
    return np.random.default_rng(5).choice(np.array([0, 3, 65535], "<u2"), (8, 8, 8))


@pytest.fixture
def raw(tmp_path, segmentation):
    """A raw volume whose slice z has the grey value 10 z everywhere."""
    folder = tmp_path / "raw"
    (folder / "jpg").mkdir(parents=True)
    for z in range(8):
        grey = np.full((8, 8), 10 * z, np.uint8)
        (folder / "jpg" / f"{z}.jpg").write_bytes(jpeg(grey))
    (folder / "segmentation.lzma").write_bytes(as_eyewire_packs(segmentation))
    (folder / "segmentation.graph").write_bytes(pack_edges((65535, 3, 0.5)))
    return folder


class Bucket:
    """The raw folder as a client sees it."""

    def __init__(self, folder):
        self.folder = folder
        self.asked = []

    async def fetch(self, url, what, check):
        self.asked.append(url.removeprefix(URL))
        path = self.folder / url.removeprefix(URL)
        if not path.exists():
            raise NotFoundError(f"{what}: {url}")
        check(content := path.read_bytes())
        return content


def download(raw, folder):
    """Return what was asked for."""
    bucket = Bucket(raw)
    asyncio.run(download_volume(bucket, 41, URL, folder, GEOMETRY))
    return bucket.asked


def contents(folder):
    files = set(folder.rglob("*.*")) - {folder / DOWNLOADED}
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_download_keeps_every_byte(raw, tmp_path):
    download(raw, tmp_path / "copy")
    assert len(contents(raw)) == 10
    assert contents(tmp_path / "copy") == contents(raw)


def test_download_ends_at_a_missing_file(raw, tmp_path):
    (raw / "jpg" / "0.jpg").unlink()
    with pytest.raises(NotFoundError, match=r"volume 41: .*jpg/0\.jpg"):
        download(raw, tmp_path / "copy")


def test_a_bucket_without_a_graph_is_fine(raw, tmp_path, caplog):
    (raw / "segmentation.graph").unlink()
    caplog.set_level(logging.INFO, "eyewire_validator")
    download(raw, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(raw)
    assert "volume 41: the bucket has no segmentation.graph" in caplog.text
    assert not len(RawVolume(raw, 41, GEOMETRY).edges())


@pytest.mark.parametrize(
    "name", ["jpg/0.jpg", "segmentation.lzma", "segmentation.graph"]
)
def test_download_keeps_no_damaged_file(raw, tmp_path, name):
    (raw / name).write_bytes((raw / name).read_bytes()[:-7])
    with pytest.raises(VolumeError, match=f"volume 41: {URL}{name}: .*rerun"):
        download(raw, tmp_path / "copy")
    assert not (tmp_path / "copy" / name).exists()


def test_what_an_interrupted_download_left_is_fetched_again_only_if_it_changed(
    raw, tmp_path
):
    missing = (raw / "jpg" / "5.jpg").rename(tmp_path / "5.jpg")
    with pytest.raises(NotFoundError):
        download(raw, tmp_path / "copy")
    left = {str(name) for name in contents(tmp_path / "copy")}
    assert {"segmentation.lzma", "segmentation.graph", "jpg/0.jpg"} <= left
    missing.rename(raw / "jpg" / "5.jpg")
    changed = tmp_path / "copy" / "jpg" / "0.jpg"
    changed.write_bytes(jpeg(np.zeros((8, 8), np.uint8) + 1))
    asked = download(raw, tmp_path / "copy")
    assert sorted(asked) == sorted({*map(str, contents(raw))} - left | {"jpg/0.jpg"})
    assert contents(tmp_path / "copy") == contents(raw)
    require_intact(tmp_path / "copy" / DOWNLOADED)
    assert download(raw, tmp_path / "copy") == []


def read_all(raw):
    volume = RawVolume(raw, 41, GEOMETRY)
    return volume.image(), volume.segmentation(), volume.edges()


def test_slices_stack_along_z(raw, segmentation):
    image, ids, _ = read_all(raw)
    assert (image.dtype, image.shape) == (np.uint8, (8, 8, 8))
    assert image[:, 3, 5].tolist() == [0, 10, 20, 30, 40, 50, 60, 70]
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids, segmentation)


def test_rows_of_a_slice_are_y_and_columns_x(raw):
    bright_below = np.repeat(np.array([0, 200], np.uint8), 32).reshape(8, 8)
    (raw / "jpg" / "2.jpg").write_bytes(jpeg(bright_below))
    image = RawVolume(raw, 41, GEOMETRY).image()
    assert image[2, 0, :].max() < 20
    assert image[2, 7, :].min() > 180


def test_an_image_whose_membranes_are_bright_is_turned(raw):
    image = RawVolume(raw, 41, GEOMETRY, invert=True).image()
    assert (image == 255 - RawVolume(raw, 41, GEOMETRY).image()).all()


def test_segmentations_may_be_xz(raw, segmentation):
    (raw / "segmentation.lzma").write_bytes(lzma.compress(segmentation.tobytes()))
    found = RawVolume(raw, 41, GEOMETRY).segmentation()
    np.testing.assert_array_equal(found, segmentation)


def refusal(raw):
    """Return the message; it must name the volume and the way out."""
    with pytest.raises(VolumeError, match=r"^volume 41: .*rerun") as error:
        read_all(raw)
    return str(error.value)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.01, 0])
def test_a_slice_cut_short_is_refused(raw, kept):
    path = raw / "jpg" / "3.jpg"
    noise = np.random.default_rng(1).integers(0, 256, (8, 8), np.uint8)
    content = jpeg(noise)
    path.write_bytes(content[: int(kept * len(content))])
    assert "jpg/3.jpg" in refusal(raw)


@pytest.mark.parametrize(
    ("slice_", "found"),
    [
        (np.zeros((8, 9), np.uint8), "9 x 8, mode L; expected 8 x 8"),
        (np.zeros((8, 8, 3), np.uint8), "8 x 8, mode RGB; expected 8 x 8, mode L"),
    ],
)
def test_a_slice_of_another_form_is_refused(raw, slice_, found):
    (raw / "jpg" / "7.jpg").write_bytes(jpeg(slice_))
    assert f"jpg/7.jpg: {found}" in refusal(raw)


@pytest.mark.parametrize("name", ["jpg/5.jpg", "segmentation.lzma"])
def test_a_missing_file_is_named(raw, name):
    (raw / name).unlink()
    assert f"{name}: No such file or directory" in refusal(raw)


def test_a_slice_that_is_no_jpeg_is_refused(raw):
    Image.new("L", (8, 8)).save(raw / "jpg" / "0.jpg", "PNG")
    assert "jpg/0.jpg" in refusal(raw)


@pytest.mark.parametrize(
    ("dtype", "edge", "found"),
    [("<u2", 7, "686 bytes"), ("<u2", 9, "more than"), ("<u4", 8, "more than")],
)
def test_a_segmentation_of_the_wrong_length_is_refused(raw, dtype, edge, found):
    ids = np.zeros((edge,) * 3, dtype)
    (raw / "segmentation.lzma").write_bytes(as_eyewire_packs(ids))
    message = refusal(raw)
    assert "segmentation.lzma: unpacks to" in message
    assert found in message
    assert "expected lzma of 8 x 8 x 8 uint16" in message


def test_a_segmentation_cut_short_is_refused(raw):
    path = raw / "segmentation.lzma"
    path.write_bytes(path.read_bytes()[:-6])
    assert "segmentation.lzma: cut short" in refusal(raw)


def test_a_graph_cut_short_is_refused(raw):
    (raw / "segmentation.graph").write_bytes(pack_edges((3, 65535, 0.5))[:-1])
    assert "segmentation.graph: 7 bytes; expected records of 8 bytes" in refusal(raw)


def test_a_graph_of_something_else_is_refused(raw):
    packed = pack_edges((3, 65535, 0.5), (3, 65535, float("nan")))
    (raw / "segmentation.graph").write_bytes(packed)
    assert "1 of 2 affinities are not finite" in refusal(raw)


def test_volumes_need_not_be_cubes(tmp_path):
    image = np.full((2, 8, 16), [[[90]], [[180]]], np.uint8)
    segmentation = np.arange(image.size, dtype="<u2").reshape(image.shape)
    (tmp_path / "jpg").mkdir()
    for z, grey in enumerate(image):
        (tmp_path / "jpg" / f"{z}.jpg").write_bytes(jpeg(grey))
    (tmp_path / "segmentation.lzma").write_bytes(as_eyewire_packs(segmentation))
    raw = RawVolume(tmp_path, 41, VolumeGeometry((2, 8, 16), 0, 1))
    np.testing.assert_array_equal(raw.image(), image)
    np.testing.assert_array_equal(raw.segmentation(), segmentation)
    with pytest.raises(VolumeError, match="16 x 8, mode L; expected 8 x 16, mode L"):
        RawVolume(tmp_path, 41, VolumeGeometry((2, 16, 8), 0, 1)).image()


def test_a_volume_is_downsampled_without_pandas(raw):
    """It would be a fifth of the memory of the job."""
    job = f"""
import sys
from pathlib import Path
import eyewire_validator.acquire.volumes
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume
raw = RawVolume(Path({str(raw)!r}), 41, VolumeGeometry(size=8, overlap=4, factor=4))
write_volume(raw.folder / "coarse", downsample_volume(raw))
sys.exit("pandas" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", job], check=True)
    assert (raw / "coarse" / "graph.parquet").exists()
