"""Whole sandbox folders of a tiny geometry, as the application will serve them."""

import csv
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyewire_validator.sandbox.make import make_sandbox
from eyewire_validator.storage.schemas.volumes import SUPERVOXELS
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

GEOMETRY = VolumeGeometry(64, 16, 2)
DUST = Dust(6)
SETTINGS = {
    "made_from": "synthetic_retina",
    "random_seed": 2013,
    "retina": {"grid": [1, 2, 3], "cells": 12, "neurite_diameter": 10, "players": 5},
    "files": {},
}
PUBLISHED_PREFIXES = ("SN-", "Abd-")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sandbox") / "sandbox"
    return folder, make_sandbox(SETTINGS, GEOMETRY, DUST, folder, workers=2)


@pytest.fixture(scope="module")
def folder(made: tuple[Path, dict[str, Any]]) -> Path:
    return made[0]


def records(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "api" / f"{name}.json").read_text())
    return content


def registry(folder: Path) -> list[dict[str, str]]:
    with (folder / "registry.csv").open() as file:
        return list(csv.DictReader(file))


def segmentation_of(folder: Path, task: dict[str, Any]) -> np.ndarray:
    packed = (folder / "bucket" / task["full_path"] / "segmentation.lzma").read_bytes()
    bounds = task["bounds"]
    shape = [bounds["max"][axis] - bounds["min"][axis] for axis in "zyx"]
    return np.frombuffer(lzma.decompress(packed), "<u2").reshape(shape)


def test_same_seed_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    retina = {"grid": [1, 1, 2], "cells": 2, "neurite_diameter": 10, "players": 3}
    small = {**SETTINGS, "retina": retina}
    one = make_sandbox(small, GEOMETRY, DUST, tmp_path / "one", workers=1)
    two = make_sandbox(small, GEOMETRY, DUST, tmp_path / "two", workers=2)
    assert one == two
    other = make_sandbox(
        {**small, "random_seed": 1}, GEOMETRY, DUST, tmp_path / "two", 2
    )
    assert other["sha256"] != one["sha256"]
    # The earlier volumes are gone from the folder that was made anew.
    volumes = list((tmp_path / "two" / "bucket" / "e2198_compressed").iterdir())
    assert len(volumes) == other["volumes"]


def test_a_sandbox_from_files_names_the_supervoxels(tmp_path: Path) -> None:
    labels = np.zeros((64, 64, 64), np.uint16)
    labels[20:40, 20:40] = 7
    np.savez(tmp_path / "block.npz", image=labels.astype(np.uint8), ids=labels)
    files = dict.fromkeys(("labels", "supervoxels"), f"{tmp_path}/block.npz::ids")
    files |= {"image": f"{tmp_path}/block.npz::image", "min_purity": 0.5}
    files |= {"min_cell_voxels": 9, "voxel_nm": [30, 6, 6]}
    from_files = {**SETTINGS, "made_from": "files", "files": files}
    folder = tmp_path / "sandbox"
    manifest = make_sandbox(from_files, GEOMETRY, DUST, folder, 1)
    assert manifest["labels"]["asked"] == {"voxels": 20 * 20 * 64, "share": 1.0}
    assert manifest["voxel_nm"] == (30, 6, 6)
    table = read_table(folder / "supervoxels.parquet", SUPERVOXELS)
    assert list(table.itertuples(index=False, name=None)) == [(50001, 1, 7)]
    retina = {"grid": [1, 1, 1], "cells": 1, "neurite_diameter": 10, "players": 1}
    make_sandbox({**SETTINGS, "retina": retina}, GEOMETRY, DUST, folder, 1)
    assert not (folder / "supervoxels.parquet").exists()


def test_nothing_is_left_beside_the_folder(folder: Path) -> None:
    assert [path.name for path in folder.parent.iterdir()] == ["sandbox"]


def test_every_task_has_its_volume_and_seed(folder: Path) -> None:
    tasks, aggregates = records(folder, "tasks"), records(folder, "aggregates")
    assert tasks.keys() == aggregates.keys()
    for key, task in tasks.items():
        segments = set(np.unique(segmentation_of(folder, task)).tolist())
        seed = {int(segment) for segment in task["prior"]["segments"]}
        assert seed
        assert seed <= segments - {0}
        assert {int(s) for s in aggregates[key]["segments"]} <= segments


def test_volumes_are_in_the_form_of_the_bucket(folder: Path) -> None:
    for target in (folder / "bucket" / "e2198_compressed").iterdir():
        packed = (target / "segmentation.lzma").read_bytes()
        assert packed[:13] == bytes.fromhex("5d00000004" + "ff" * 8)
        edge = round((len(lzma.decompress(packed)) // 2) ** (1 / 3))
        assert edge in (64, 32)
        assert len(list((target / "jpg").iterdir())) == edge
        with Image.open(target / "jpg" / "0.jpg") as section:
            assert (section.size, section.mode) == ((edge, edge), "L")
        segmentation = np.frombuffer(lzma.decompress(packed), "<u2")
        sizes = np.frombuffer((target / "segmentation.size").read_bytes(), "<u4")
        counted = np.bincount(segmentation, minlength=len(sizes))
        np.testing.assert_array_equal(sizes[1:], counted[1:])
        graph = (target / "segmentation.graph").read_bytes()
        metadata = json.loads((target / "metadata.json").read_text())
        assert len(graph) == 8 * metadata["num_edges"]
        boxes = (target / "segmentation.bbox").read_bytes()
        assert len(boxes) == 12 * len(sizes)


def test_neighbours_show_the_same_where_they_overlap(folder: Path) -> None:
    tasks = records(folder, "tasks").values()
    by_corner = {tuple(task["bounds"]["min"].values()): task for task in tasks}
    x, y, z = min(by_corner)
    left, right = by_corner[x, y, z], by_corner[x + GEOMETRY.stride[0], y, z]

    def section(task: dict[str, Any]) -> np.ndarray:
        path = folder / "bucket" / task["full_path"] / "jpg" / "30.jpg"
        return np.asarray(Image.open(path)).astype(float)

    difference = section(left)[:, 48:] - section(right)[:, :16]
    assert np.abs(difference).mean() < 6  # JPEG blocks lie the same: nearly nothing


def test_children_lie_one_stride_away(folder: Path) -> None:
    tasks = records(folder, "tasks")
    aggregates = records(folder, "aggregates")
    steps = []
    for key, task in tasks.items():
        parent = tasks.get(str(task["parent"]))
        if parent is None or task["status"] == 11:
            continue
        assert int(key) in aggregates[str(task["parent"])]["task_family"]["children"]
        ends = zip(
            task["bounds"]["min"].values(),
            parent["bounds"]["min"].values(),
            strict=True,
        )
        steps.append(sorted(abs(a - b) for a, b in ends))
    assert steps
    assert all(step == [0, 0, GEOMETRY.stride[0]] for step in steps)


def test_cells_are_listed_with_their_tasks(folder: Path) -> None:
    cells, lists = records(folder, "cells"), records(folder, "cell_tasks")
    rows = registry(folder)
    assert {row["Cell ID"] for row in rows} == cells.keys() == lists.keys()
    listed = [task["id"] for reply in lists.values() for task in reply["tasks"]]
    assert sorted(map(str, listed)) == sorted(records(folder, "tasks"))
    for row in rows:
        is_kept = (
            row["Status"] == "Completed"
            and not row["Name"].startswith(PUBLISHED_PREFIXES)
            and int(row["Size"]) > 0
            and '"mystic"' not in row["Tags"]
        )
        if is_kept:
            assert lists[row["Cell ID"]]["tasks"]


def test_the_registry_has_what_the_filters_reject(folder: Path) -> None:
    rows = registry(folder)
    assert {row["Status"] for row in rows} == {"Completed", ""}
    assert sum(row["Name"].startswith("SN-") for row in rows) == 1
    assert sum(row["Name"].startswith("Abd-") for row in rows) == 1
    assert sum(row["Size"] == "0" for row in rows) == 1
    assert sum('"mystic"' in row["Tags"] for row in rows) == 1
    assert sum(row["Tags"] == "" for row in rows) == 1
    ids = [int(row["Cell ID"]) for row in rows]
    assert min(ids) < 77960 <= max(ids)
    assert len(set(ids)) == len(ids)


def test_zebrafish_volumes_are_of_another_size(folder: Path) -> None:
    lists = records(folder, "cell_tasks")
    fish = [row["Cell ID"] for row in registry(folder) if row["Name"].startswith("SN-")]
    bounds = lists[fish[0]]["tasks"][0]["bounds"]
    assert bounds["max"]["x"] - bounds["min"]["x"] == 32


def test_every_oddity_is_there(made: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = made
    assert all(manifest["oddities"].values()), manifest["oddities"]
    assert manifest["volumes_shared_by_cells"]
    assert manifest["cells_with_two_tasks_in_a_volume"]
    assert {"0", "6", "10", "11"} <= manifest["statuses"].keys()
    names = [p.name for p in (folder / "bucket" / "e2198_compressed").iterdir()]
    pairs = [tuple(map(int, name.split("-")[1:])) for name in names]
    assert any(segmentation != channel + 1 for channel, segmentation in pairs)
    aggregates = records(folder, "aggregates").values()
    shares = [s for a in aggregates if a["segments"] for s in a["segments"].values()]
    assert any(0 < share < 1 for share in shares)


def test_truth_is_kept_apart(folder: Path) -> None:
    truth = json.loads((folder / "truth" / "tasks.json").read_text())
    assert truth.keys() == records(folder, "tasks").keys()
    unanswered = [task for task in truth.values() if not task["validations"]]
    assert all(task["truth"] and not task["consensus"] for task in unanswered)


def test_some_cells_are_half_done(folder: Path) -> None:
    tasks, aggregates = records(folder, "tasks"), records(folder, "aggregates")
    truth = json.loads((folder / "truth" / "tasks.json").read_text())
    waiting = {task for task in truth if not truth[task]["validations"]}
    assert waiting
    assert not any(aggregates[task]["segments"] for task in waiting)
    # The answers before them spawned them, and they spawned nothing.
    assert all(str(tasks[task]["parent"]) not in waiting for task in waiting)
    growing = {tasks[task]["cell"] for task in waiting}
    cells = records(folder, "cells")
    assert {cells[str(cell)]["completed"] for cell in growing} == {None}
