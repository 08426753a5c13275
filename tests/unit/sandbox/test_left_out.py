"""What becomes of labelled voxels, each of which is counted once."""

from pathlib import Path

import numpy as np
import pytest

from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.cutting import make_from_files
from eyewire_validator.sandbox.triple import FilesSettings
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

GEOMETRY = VolumeGeometry(16, 4, 2)


def fates(folder: Path, labels: np.ndarray, supervoxels: np.ndarray) -> dict[str, int]:
    """Cut labels and supervoxels; return the voxels of each fate but 0."""
    arrays = {"labels": labels, "supervoxels": supervoxels}
    arrays["image"] = np.full(labels.shape, 90, np.uint8)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    given = {name: str(folder / f"{name}.npy") for name in arrays}
    given |= {"min_cell_voxels": 20, "min_purity": 0.7, "voxel_nm": (10, 10, 10)}
    settings = FilesSettings(**given)
    writer = VolumeWriter(folder / "sandbox", folder, 1)
    found = make_from_files(settings, GEOMETRY, Dust(8, 1), writer).facts["labels"]
    voxels = {name: counted["voxels"] for name, counted in found.items()}
    shares = {name: counted["share"] for name, counted in found.items()}
    total = voxels.pop("labelled")
    assert shares.pop("labelled") == 1
    assert total == sum(voxels.values()) == np.count_nonzero(labels)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(shares[name] == voxels[name] / total for name in voxels)
    return {name: n for name, n in voxels.items() if n}


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Three cubes along x, of 14 to 2 in common; label 7 is a tube of 6 x 6 in all."""
    labels = np.zeros((16, 16, 30), np.uint8)
    labels[5:11, 5:11] = 7
    return labels, labels.copy()


def test_the_rim_is_asked_about_too(tmp_path, drawn):
    assert fates(tmp_path, *drawn) == {"asked": 36 * 30}


def test_each_reason_is_counted(tmp_path, drawn):
    labels, supervoxels = drawn
    labels[0, 0, :4], supervoxels[0, 0, :4] = 9, 9  # a label of 4 voxels
    labels[14:, 14:, 8:16] = 7  # without a supervoxel
    labels[13, :6, :5], supervoxels[13, :6, :10] = 7, 20  # most of it is nobody's
    labels[0, 4:10, :6] = 7  # 36 of 48 voxels of a supervoxel are its own: pure enough
    supervoxels[0, 4:12, :6] = 21
    labels[2, 4:10, :6] = 7  # 36 of 60 are not
    supervoxels[2, 4:14, :6] = 22
    labels[0, 15, 4:8], supervoxels[0, 15, 4:8] = 7, 23
    assert fates(tmp_path, labels, supervoxels) == {
        "small_label": 4,
        "no_supervoxel": 2 * 2 * 8,
        "other_supervoxel": 30,
        "impure_supervoxel": 36,
        "dust": 36 + 4,  # as thin as a slice, and small
        "asked": 36 * 30,
    }


def test_a_part_that_no_task_reaches_is_counted(tmp_path, drawn):
    labels, supervoxels = drawn
    labels[0:3, 0:3, 18:21], supervoxels[0:3, 0:3, 18:21] = 7, 30
    found = fates(tmp_path, labels, supervoxels)
    assert found == {"asked": 36 * 30, "no_task": 27}


def test_where_cubes_overlap_the_nearest_to_being_asked_counts(tmp_path, drawn):
    labels, supervoxels = drawn
    # In the first cube the supervoxel is mostly of nobody, in the second of the label.
    labels[5:11, 5:11, :12] = 0
    supervoxels[5:11, 5:11, :12] = 7
    assert fates(tmp_path, labels, supervoxels) == {"asked": 36 * 18}
