"""Cutting a drawn triple of files into volumes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyewire_validator.errors import ConfigError, FileError, SandboxError
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.cutting import (
    FilesSettings,
    cells_of,
    cube_corners,
    cut_segmentation,
    left_over,
    make_from_files,
    open_triple,
)
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
    )


def test_triple_is_cut_and_traced(settings: FilesSettings, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    volumes, cells, left_out = make_from_files(settings, GEOMETRY, DUST, writer)
    assert left_out == 0
    assert [volume.box.corner for volume in volumes] == [(0, 0, 0), (0, 0, 12)]
    assert [(cell.cell, cell.size) for cell in cells] == [(70, 1008), (80, 126)]
    assert [len(cell.tasks) for cell in cells] == [2, 1]
    first, second = (served.task for served in cells[0].tasks)
    # The first cube holds both pieces of the tube, the second only the longer one.
    assert (first.parent, len(first.truth)) == (None, 1)
    assert second.parent == 0
    assert {len(first.truth), len(second.truth)} == {1, 2}
    assert all(s.segments == dict.fromkeys(s.segments, 1.0) for s in cells[0].tasks)


def test_supervoxels_become_connected_pieces() -> None:
    drawn = np.array([[[7, 7, 0, 7, 9, 9]]])
    assert cut_segmentation(drawn).tolist() == [[[1, 1, 0, 2, 3, 3]]]


def test_only_whole_cubes_are_cut() -> None:
    assert cube_corners((16, 27, 28), GEOMETRY) == [(0, 0, 0), (0, 0, 12)]
    assert left_over((16, 16, 28), GEOMETRY) == 0
    assert left_over((16, 16, 32), GEOMETRY) == pytest.approx(4 / 32)


def test_small_labels_are_no_cells() -> None:
    labels = np.repeat([0, 4, 6], [50, 3, 10])
    assert cells_of(labels, 4) == {6: 10}


def test_bad_files_are_refused_by_name(settings: FilesSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.files\.labels is not set"):
        open_triple(replace(settings, labels=None))
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
    with pytest.raises(SandboxError, match=r"too small for one cube of 16\^3"):
        cube_corners((15, 20, 20), GEOMETRY)


def test_no_cell_at_all_is_an_error(settings: FilesSettings, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
    with pytest.raises(SandboxError, match="lower min_cell_voxels"):
        make_from_files(replace(settings, min_cell_voxels=9999), GEOMETRY, DUST, writer)
