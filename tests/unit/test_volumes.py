"""A volume from the bucket to its coarse files, and damage on the way."""

import asyncio
import hashlib
import io
import logging
import lzma
import struct

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from eyewire_validator.downsampling import downsample_image, vote
from eyewire_validator.errors import NotFoundError, VolumeError
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.tables import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
    read_table,
)
from eyewire_validator.volume_store import VolumeStore
from eyewire_validator.volumes import (
    RawVolume,
    assemble_volume,
    download_volume,
    write_volume,
)

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

    async def fetch(self, url, what):
        path = self.folder / url.removeprefix(URL)
        if not path.exists():
            raise NotFoundError(f"{what}: {url}")
        return path.read_bytes()


def download(raw, folder):
    asyncio.run(download_volume(Bucket(raw), 41, URL, folder, GEOMETRY))


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


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
    assert assemble_volume(raw, 41, GEOMETRY).edges.empty


@pytest.mark.parametrize(
    "name", ["jpg/0.jpg", "segmentation.lzma", "segmentation.graph"]
)
def test_download_keeps_no_damaged_file(raw, tmp_path, name):
    (raw / name).write_bytes((raw / name).read_bytes()[:-7])
    with pytest.raises(VolumeError, match=f"volume 41: {URL}{name}: .*rerun"):
        download(raw, tmp_path / "copy")
    assert not (tmp_path / "copy" / name).exists()


def test_slices_stack_along_z(raw, segmentation):
    image, ids, _ = assemble_volume(raw, 41, GEOMETRY)
    assert (image.dtype, image.shape) == (np.uint8, (8, 8, 8))
    assert image[:, 3, 5].tolist() == [0, 10, 20, 30, 40, 50, 60, 70]
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids, segmentation)


def test_rows_of_a_slice_are_y_and_columns_x(raw):
    bright_below = np.repeat(np.array([0, 200], np.uint8), 32).reshape(8, 8)
    (raw / "jpg" / "2.jpg").write_bytes(jpeg(bright_below))
    image = assemble_volume(raw, 41, GEOMETRY).image
    assert image[2, 0, :].max() < 20
    assert image[2, 7, :].min() > 180


def test_segmentations_may_be_xz(raw, segmentation):
    (raw / "segmentation.lzma").write_bytes(lzma.compress(segmentation.tobytes()))
    found = assemble_volume(raw, 41, GEOMETRY).segmentation
    np.testing.assert_array_equal(found, segmentation)


def refusal(raw):
    """Return the message; it must name the volume and the way out."""
    with pytest.raises(VolumeError, match=r"^volume 41: .*rerun") as error:
        assemble_volume(raw, 41, GEOMETRY)
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
    assert "expected lzma of 8 cubed uint16" in message


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


def test_what_is_written_can_be_read(raw, tmp_path, segmentation):
    volume = assemble_volume(raw, 41, GEOMETRY)
    folder = tmp_path / "41"
    hashes = write_volume(folder, volume, GEOMETRY)
    coarse_image, coarse = VolumeStore(tmp_path, GEOMETRY).get(41)
    np.testing.assert_array_equal(coarse_image, downsample_image(volume.image, 4))
    np.testing.assert_array_equal(coarse, vote(segmentation, 4))
    assert {path.name for path in folder.iterdir()} == hashes.keys()
    for name, digest in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_tables_lead_back_to_the_segments(raw, tmp_path, segmentation):
    write_volume(tmp_path, assemble_volume(raw, 41, GEOMETRY), GEOMETRY)
    segments = read_table(tmp_path / "segments.parquet", SEGMENTS_OF_VOLUME)
    cover = read_table(tmp_path / "coverage.parquet", COVERAGE)
    coarse = vote(segmentation, 4)
    assert segments["segment"].tolist() == [3, 65535]
    assert segments["voxels"].tolist() == [
        (segmentation == s).sum() for s in (3, 65535)
    ]
    assert segments["coarse_voxels"].tolist() == [
        (coarse == s).sum() for s in (3, 65535)
    ]
    assert (
        cover.groupby("segment")["voxels"].sum().tolist() == segments["voxels"].tolist()
    )
    last = cover[(cover["segment"] == 3) & (cover["coarse_voxel"] == 7)]
    assert last["voxels"].item() == (segmentation[4:, 4:, 4:] == 3).sum()


def written(folder, segmentation, edges):
    """Write a volume of this segmentation; its segments and its graph, as lists."""
    image = np.zeros((8, 8, 8), np.uint8)
    frame = pd.DataFrame(edges, columns=SEGMENT_GRAPH.names)
    frame = frame.astype({"affinity": np.float32})
    write_volume(folder, RawVolume(image, segmentation, frame), GEOMETRY)
    segments = read_table(folder / "segments.parquet", SEGMENTS_OF_VOLUME)
    graph = read_table(folder / "graph.parquet", SEGMENT_GRAPH)
    return segments.to_numpy().tolist(), graph.to_numpy().tolist()


def test_boxes_of_segments_end_before_their_maximum(tmp_path):
    drawn = np.zeros((8, 8, 8), np.uint16)
    drawn[1, 2, 3] = 9
    drawn[1:5, 6, 7] = 4
    segments, _ = written(tmp_path, drawn, [])
    assert segments == [
        [4, 4, 2, 1, 6, 7, 5, 7, 8],
        [9, 1, 1, 1, 2, 3, 2, 3, 4],
    ]


def test_edges_are_ascending_and_join_two_segments_of_the_volume(tmp_path, caplog):
    drawn = np.repeat(np.array([2, 5, 7, 8], np.uint16), 128).reshape(8, 8, 8)
    edges = [(8, 5, 0.5), (7, 7, 1), (5, 2, 0.25), (2, 6, 0.75), (0, 2, 1)]
    _, graph = written(tmp_path, drawn, edges)
    assert graph == [[2, 5, 0.25], [5, 8, 0.5]]
    assert "3 of 5 edges join no two segments" in caplog.text


def test_a_volume_of_nothing_has_empty_tables(tmp_path):
    assert written(tmp_path, np.zeros((8, 8, 8), np.uint16), []) == ([], [])


def test_the_same_volume_gives_the_same_bytes(raw, tmp_path):
    volume = assemble_volume(raw, 41, GEOMETRY)
    first, second = (write_volume(tmp_path / n, volume, GEOMETRY) for n in "ab")
    assert first == second
