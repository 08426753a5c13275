"""Asking from seeds, in volumes cut from files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.cutting import CutTriple, make_from_files
from eyewire_validator.sandbox.triple import FilesSettings
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

GEOMETRY = VolumeGeometry(16, 4, 2)
# A tube through both cubes is supervoxel 1000, then 3000; 2000 is a stub in the second.
TUBE, STUB, REST = 1000, 2000, 3000


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., CutTriple]:
    """Return a function that cuts two cubes along x and asks from a CSV's lines."""
    supervoxels = np.zeros((16, 16, 28), np.uint64)
    supervoxels[5:11, 5:11, :10] = TUBE
    supervoxels[5:11, 5:11, 10:] = REST
    supervoxels[1:4, 1:8, 20:26] = STUB
    supervoxels[0, 15, 0] = 4000
    np.save(tmp_path / "supervoxels.npy", supervoxels)
    np.save(tmp_path / "image.npy", np.full(supervoxels.shape, 90, np.uint8))

    def cut(*lines: str, **changes: object) -> CutTriple:
        (tmp_path / "seeds.csv").write_text("\n".join(lines))
        settings = FilesSettings(
            image=str(tmp_path / "image.npy"),
            supervoxels=str(tmp_path / "supervoxels.npy"),
            labels=None,
            min_cell_voxels=100,
            min_purity=0.5,
            seeds=str(tmp_path / "seeds.csv"),
            voxel_nm=(30.0, 10.0, 10.0),
        )
        writer = VolumeWriter(tmp_path / "sandbox", tmp_path, 1)
        return make_from_files(replace(settings, **changes), GEOMETRY, Dust(1), writer)

    return cut


def seeds_of(cut: CutTriple) -> list[list[tuple[int, int | None, set[int]]]]:
    """Return, a cell, the volume, the parent and the own ids of each task's seed."""
    own = cut.supervoxels.set_index(["volume", "segment"])["supervoxel"]
    return [
        [
            (
                served.task.volume,
                served.task.parent,
                {int(own[served.task.volume, segment]) for segment in served.task.seed},
            )
            for served in cell.tasks
        ]
        for cell in cut.cells
    ]


def test_a_segment_is_asked_about_in_each_volume_that_it_is_in(ask) -> None:
    cut = ask("segment", str(REST), str(STUB))
    left, right = (volume.box.volume for volume in cut.volumes)
    assert seeds_of(cut) == [
        [(right, None, {REST}), (left, 0, {REST})],
        [(right, None, {STUB})],
    ]
    assert [cell.cell for cell in cut.cells] == [1, 2]
    assert {cell.status for cell in cut.cells} == {""}
    assert all(not served.segments for c in cut.cells for served in c.tasks)


def test_rows_of_one_seed_are_asked_about_together(ask) -> None:
    cut = ask("seed,segment", f"7,{TUBE}", f"7,{REST}")
    left, right = (volume.box.volume for volume in cut.volumes)
    assert [cell.cell for cell in cut.cells] == [7]
    assert seeds_of(cut) == [[(left, None, {TUBE, REST}), (right, 0, {REST})]]


def test_a_point_is_asked_about_in_the_volume_around_it(ask) -> None:
    cut = ask("z_nm,y_nm,x_nm", "240,85,30", "60,50,225")
    left, right = (volume.box.volume for volume in cut.volumes)
    assert seeds_of(cut) == [[(left, None, {TUBE})], [(right, None, {STUB})]]


def test_all_large_supervoxels_are_asked_about(ask) -> None:
    cut = ask("unread", seeds="all")
    assert [next(iter(tasks))[2] for tasks in seeds_of(cut)] == [{TUBE}, {STUB}, {REST}]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["segment", "999"], r"line 2: segment 999 is in no volume"),
        (["segment", "4000"], r"line 2: segment 4000 is dust, at most 1 voxels"),
        (["segment", "12a"], r"line 2: segment is '12a', expected a whole number"),
        (["segmnet", "12"], r"unknown column 'segmnet'; expected segment, or z_nm"),
        (["seed", "12"], r"has the columns seed; expected segment"),
        (["segment"], r"has no rows"),
        (["segment", "12,13"], r"line 2: has more values than columns"),
        (["seed,segment,z_nm,y_nm,x_nm", "1,12,3,4,5"], r"expected a segment, or a"),
        (["z_nm,y_nm,x_nm", "1,2,"], r"line 2: expected a segment, or a point"),
        (["z_nm,y_nm,x_nm", "1,2,abc"], r"'abc' is no length in nm"),
        (["z_nm,y_nm,x_nm", "0,0,9999"], r"voxel \[0, 0, 999\] .* is in no volume"),
        (["z_nm,y_nm,x_nm", "0,0,100"], r"lies on background"),
        (["z_nm,y_nm,x_nm", "0,155,5"], r"lies on dust"),
    ],
)
def test_seeds_that_cannot_be_asked_about_are_refused_by_line(
    ask, lines: list[str], found: str
) -> None:
    with pytest.raises(SandboxError, match=found):
        ask(*lines)


def test_a_missing_file_is_named(ask, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"gone\.csv: cannot be read"):
        ask("segment", "1", seeds=str(tmp_path / "gone.csv"))
