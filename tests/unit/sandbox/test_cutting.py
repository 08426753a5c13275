"""Cutting a drawn triple of files into volumes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import chunked_arrays as write
import h5py
import numpy as np
import pytest
from file_server import served

from eyewire_validator.errors import ConfigError, FileError, SandboxError
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.cutting import (
    cube_corners,
    cut_segmentation,
    make_from_files,
)
from eyewire_validator.sandbox.triple import FilesSettings, open_triple
from eyewire_validator.storage.array_files import Access, open_array
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

GEOMETRY = VolumeGeometry(16, 4, 2)
DUST = Dust(0)


@pytest.fixture
def settings(tmp_path: Path) -> FilesSettings:
    """Two cubes along x; label 70 runs through both, 80 is a stub in the second."""
    labels = np.zeros((16, 16, 28), np.int64)
    labels[5:11, 5:11] = 70
    labels[1:4, 1:8, 20:26] = 80
    supervoxels = np.where(labels == 70, 1000, np.where(labels == 80, 2000, 0))
    supervoxels[:, :, 10:][supervoxels[:, :, 10:] == 1000] = 3000
    paths = {name: str(tmp_path / f"{name}.npy") for name in ("image", "labels")}
    np.save(paths["image"], np.full(labels.shape, 90, np.uint8))
    np.save(paths["labels"], labels)
    np.savez(tmp_path / "both.npz", ws=supervoxels)
    return FilesSettings(
        **paths,
        supervoxels=f"{tmp_path / 'both.npz'}::ws",
        min_cell_voxels=100,
        min_purity=0.5,
        voxel_nm=(10, 10, 10),
    )


def test_triple_is_cut_and_traced(settings: FilesSettings, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    cut = make_from_files(settings, GEOMETRY, DUST, writer)
    volumes, cells = cut.volumes, cut.cells
    assert [volume.box.corner for volume in volumes] == [(0, 0, 0), (0, 0, 12)]
    assert [(cell.cell, cell.size) for cell in cells] == [(70, 1008), (80, 126)]
    assert [len(cell.tasks) for cell in cells] == [2, 1]
    first, second = (served.task for served in cells[0].tasks)
    # The first cube holds both pieces of the tube, the second only the longer one.
    assert (first.parent, len(first.truth)) == (None, 1)
    assert second.parent == 0
    assert {len(first.truth), len(second.truth)} == {1, 2}
    assert all(s.segments == dict.fromkeys(s.segments, 1.0) for s in cells[0].tasks)


def test_a_triple_from_elsewhere_is_cut_the_same_and_read_once(
    settings: FilesSettings, tmp_path: Path
) -> None:
    here = make_from_files(
        settings, GEOMETRY, DUST, VolumeWriter(tmp_path / "here", tmp_path, 1)
    )
    for name in ("image", "supervoxels", "labels"):
        array = open_array(getattr(settings, name)).read()
        write.write_zarr3_level(tmp_path / "served" / name, array)
    access = Access(tmp_path / "downloads", rate=1e9)
    chunks = []
    with served(tmp_path / "served") as server:
        there = replace(
            settings,
            **{
                name: f"zarr://{server.url}/{name}"
                for name in ("image", "supervoxels", "labels")
            },
        )
        for again in ("once", "twice"):
            server.asked.clear()
            writer = VolumeWriter(tmp_path / again, tmp_path, 2)
            cut = make_from_files(there, GEOMETRY, DUST, writer, access)
            chunks.append({path for path in server.asked if "/c/" in path})
            for one, other in zip(here.volumes, cut.volumes, strict=True):
                np.testing.assert_array_equal(one.segmentation, other.segmentation)
            assert set(cut.facts["versions"]) == {"image", "supervoxels", "labels"}
            assert {**cut.facts, "versions": {}} == here.facts
    assert list(map(len, chunks)) == [3 * 2 * 2 * 4, 0]


def test_supervoxels_become_connected_pieces() -> None:
    drawn = np.array([[[7, 7, 0, 7, 9, 9]]])
    assert cut_segmentation(drawn).tolist() == [[[1, 1, 0, 2, 3, 3]]]


def test_the_last_cube_is_shifted_inwards_to_end_where_the_arrays_do() -> None:
    assert cube_corners((16, 16, 28), GEOMETRY) == [(0, 0, 0), (0, 0, 12)]
    along = [corner[2] for corner in cube_corners((16, 16, 30), GEOMETRY)]
    assert along == [0, 12, 14]
    flat = VolumeGeometry((4, 16, 16), (0, 4, 4), 1)
    assert cube_corners((6, 17, 16), flat) == [
        (0, 0, 0),
        (0, 1, 0),
        (2, 0, 0),
        (2, 1, 0),
    ]


def test_cubes_that_are_flat_and_shifted_are_traced(
    settings: FilesSettings, tmp_path: Path
) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    flat = VolumeGeometry((13, 16, 12), (4, 4, 4), (1, 2, 2))
    cut = make_from_files(settings, flat, DUST, writer)
    corners = [volume.box.corner for volume in cut.volumes]
    assert corners == [(z, 0, x) for z in (0, 3) for x in (0, 8, 16)]
    assert {volume.box.shape for volume in cut.volumes} == {(13, 16, 12)}
    # The tube runs through all six.
    volumes = [served.task.volume for served in cut.cells[0].tasks]
    assert sorted(volumes) == [volume.box.volume for volume in cut.volumes]


def test_a_bright_image_is_turned_where_that_is_asked_for(settings) -> None:
    corner = np.s_[0:1, 0:1, 0:1]
    assert open_triple(settings).image(corner).item() == 90
    assert open_triple(replace(settings, invert=True)).image(corner).item() == 255 - 90


def test_bad_files_are_refused_by_name(settings: FilesSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.files\.image is not set"):
        open_triple(replace(settings, image=None))
    with pytest.raises(FileError, match=r"missing\.npy: no such file"):
        open_triple(replace(settings, image=str(tmp_path / "missing.npy")))
    with pytest.raises(FileError, match="write ::name"):
        open_triple(replace(settings, supervoxels=str(tmp_path / "both.npz")))
    with pytest.raises(FileError, match=r"no array nothing; .* holds ws \(16"):
        open_triple(replace(settings, supervoxels=f"{tmp_path / 'both.npz'}::nothing"))
    with pytest.raises(SandboxError, match="holds int64, expected uint8"):
        open_triple(replace(settings, image=settings.labels))
    np.save(tmp_path / "flat.npy", np.zeros((16, 16, 27), np.uint8))
    with pytest.raises(SandboxError, match="the shapes are"):
        open_triple(replace(settings, image=str(tmp_path / "flat.npy")))
    with pytest.raises(SandboxError, match=r"too few for one cube of \(16, 16, 16\)"):
        cube_corners((15, 20, 20), GEOMETRY)


def test_how_large_voxels_are_is_said_and_alike(
    settings: FilesSettings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"volumes\.voxel_nm: none of image, superv"):
        open_triple(replace(settings, voxel_nm=None))
    with h5py.File(tmp_path / "image.h5", "w") as file:
        file["raw"] = np.load(str(settings.image))
        file["raw"].attrs["resolution"] = (30, 6, 6)
    placed = replace(settings, image=f"{tmp_path}/image.h5::raw")
    with pytest.raises(FileError, match=r"voxels are \(30, 6, 6\) nm .* not \(10, 10"):
        open_triple(placed)
    assert open_triple(replace(placed, voxel_nm=None)).voxel_nm == (30, 6, 6)
    assert open_triple(replace(placed, voxel_nm=[30, 6, 6])).voxel_nm == (30, 6, 6)


def test_no_cell_at_all_is_an_error(settings: FilesSettings, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    with pytest.raises(SandboxError, match="lower min_cell_voxels"):
        make_from_files(replace(settings, min_cell_voxels=9999), GEOMETRY, DUST, writer)


def relabelled(
    settings: FilesSettings, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray]
) -> FilesSettings:
    """Return settings with changed labels."""
    path = tmp_path / "changed.npy"
    np.save(path, change(np.load(str(settings.labels))))
    return replace(settings, labels=str(path))


def test_small_labels_are_no_cells(settings: FilesSettings, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    fewer = replace(settings, min_cell_voxels=127)
    cut = make_from_files(fewer, GEOMETRY, DUST, writer)
    assert [cell.cell for cell in cut.cells] == [70]
    assert cut.facts["labels_without_tasks"] == 1
    # Files are known by their content.
    assert cut.facts["versions"] == {}


@pytest.mark.parametrize("high", [2**62, 2**63 - 100])
def test_labels_of_19_digits_are_the_ids_of_cells(
    high: int, settings: FilesSettings, tmp_path: Path
) -> None:
    raised = relabelled(settings, tmp_path, lambda a: np.where(a, a + high, 0))
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    cells = make_from_files(raised, GEOMETRY, DUST, writer).cells
    assert [(c.cell, c.neuron) for c in cells] == [
        (70 + high, 70 + high),
        (80 + high, 80 + high),
    ]
    assert [len(cell.tasks) for cell in cells] == [2, 1]


def test_higher_labels_are_named_and_their_cells_counted(
    settings: FilesSettings, tmp_path: Path
) -> None:
    high = np.uint64(2**63)

    def change(labels: np.ndarray) -> np.ndarray:
        return np.where(labels, labels.astype(np.uint64) + high, 2**64 - 1)

    raised = relabelled(settings, tmp_path, change)
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    cut = make_from_files(raised, GEOMETRY, DUST, writer)
    assert [(c.cell, c.name) for c in cut.cells] == [
        (1, f"label {2**63 + 70}"),
        (2, f"label {2**63 + 80}"),
    ]
    assert [cell.neuron for cell in cut.cells] == [2**63 + 70, 2**63 + 80]
    assert [len(cell.tasks) for cell in cut.cells] == [2, 1]
    owners = tmp_path / "sandbox" / "truth" / "volumes" / "50003.csv"
    assert f",{2**63 + 80},1.0," in owners.read_text()


def test_each_segment_names_its_supervoxel(
    settings: FilesSettings, tmp_path: Path
) -> None:
    pieces = np.zeros((16, 16, 28), np.uint64)
    pieces[5:7, 5:11] = 2**63 + 7
    pieces[8:11, 5:11] = 2**63 + 7
    pieces[8:11, 5:11, 14:] = 2**64 - 1
    np.save(tmp_path / "pieces.npy", pieces)
    named = replace(settings, supervoxels=str(tmp_path / "pieces.npy"))
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    table = make_from_files(named, GEOMETRY, DUST, writer).supervoxels
    assert list(table.itertuples(index=False, name=None)) == [
        (50001, 1, 2**63 + 7),
        (50001, 2, 2**63 + 7),
        (50003, 1, 2**63 + 7),
        (50003, 2, 2**63 + 7),
    ]


def test_volumes_lie_where_the_image_says(
    settings: FilesSettings, tmp_path: Path
) -> None:
    arrays = {"image": np.pad(np.load(str(settings.image)), ((1, 0), (2, 3), (0, 4)))}
    arrays["labels"] = np.load(str(settings.labels))
    with h5py.File(tmp_path / "sample.hdf", "w") as file:
        for name, array in arrays.items():
            file[name] = array
            file[name].attrs["resolution"] = (40, 4, 4)
        file["labels"].attrs["offset"] = (40, 8, 0)
    padded = replace(
        settings,
        voxel_nm=None,
        image=f"{tmp_path}/sample.hdf::image",
        supervoxels=f"{tmp_path}/sample.hdf::labels",
        labels=f"{tmp_path}/sample.hdf::labels",
    )
    cut = make_from_files(
        padded, GEOMETRY, DUST, VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    )
    assert [volume.box.corner for volume in cut.volumes] == [(1, 2, 0), (1, 2, 12)]
    assert [len(cell.tasks) for cell in cut.cells] == [2, 1]
    assert (cut.facts["voxel_nm"], cut.facts["offset_nm"]) == ((40, 4, 4), None)
