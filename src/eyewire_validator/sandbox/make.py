"""Make a sandbox folder: volumes, cells, tasks, and the API's replies about them."""

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eyewire_validator.sandbox import FORMAT
from eyewire_validator.sandbox.bucket.folder import content_hash, write_csv
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.cutting import make_from_files
from eyewire_validator.sandbox.oddities import add_oddities, disturb_replies
from eyewire_validator.sandbox.service.replies import (
    Cell,
    aggregate_reply,
    cell_reply,
    cell_tasks_reply,
    number_tasks,
    registry_row,
    task_reply,
)
from eyewire_validator.sandbox.synthetic import make_synthetic
from eyewire_validator.sandbox.tissue.retina import RetinaSettings
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask
from eyewire_validator.sandbox.triple import FilesSettings
from eyewire_validator.storage.array_files import Access
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.volumes import SUPERVOXELS
from eyewire_validator.storage.tables import write_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

FIRST_TASK = 1_500_000
SUPERVOXELS_TABLE = "supervoxels.parquet"


def make_sandbox(
    settings: Mapping[str, Any],
    geometry: VolumeGeometry,
    dust: Dust,
    folder: Path,
    workers: int,
    rate: float = 20,
) -> dict[str, Any]:
    """Make a sandbox folder, as docs/sandbox.md describes it.

    An earlier sandbox in the folder is replaced once the new one is whole.

    Args:
        settings: the section ``sandbox`` of the config.
        geometry: size, overlap and factor of the volumes.
        dust: segments that do not become seeds.
        folder: where it goes.
        workers: volumes made at the same time.
        rate: blocks a second that are asked for, of arrays that lie elsewhere.

    Returns:
        The manifest: format, seed, counts, oddities or what became of the labels, and
        a hash over the content.

    Raises:
        ConfigError: a file is not named.
        SandboxError: the files cannot be used.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".sandbox.") as scratch:
        new = Path(scratch) / "sandbox"
        writer = VolumeWriter(new, Path(scratch), workers)
        # Blocks read from elsewhere stay, also if this run is killed.
        access = Access(folder.parent / "downloads" / "arrays", rate=rate)
        make = (
            partial(_from_files, access)
            if settings["made_from"] == "files"
            else _from_retina
        )
        manifest = {
            "format": FORMAT,
            "made_from": settings["made_from"],
            "random_seed": settings["random_seed"],
            "voxel_nm": None,
            "offset_nm": None,
            **make(settings, geometry, dust, writer),
            "sha256": content_hash(new),
        }
        _replace_content(folder, new)
    return manifest


def _from_retina(
    settings: Mapping[str, Any],
    geometry: VolumeGeometry,
    dust: Dust,
    writer: VolumeWriter,
) -> dict[str, Any]:
    seed = settings["random_seed"]
    z, y, x = settings["retina"]["grid"]
    retina = RetinaSettings(**{**settings["retina"], "grid": (z, y, x)})
    volumes, cells = make_synthetic(retina, geometry, dust, seed, writer)
    cells = number_tasks(cells, FIRST_TASK)
    cells, odd = add_oddities(cells, volumes, np.random.default_rng([seed, 9]))
    tasks = task_replies(cells, volumes)
    odd |= disturb_replies(tasks)
    write_records(writer.folder, cells, volumes, tasks)
    return {**count(cells, volumes), "oddities": odd}


def _from_files(
    access: Access,
    settings: Mapping[str, Any],
    geometry: VolumeGeometry,
    dust: Dust,
    writer: VolumeWriter,
) -> dict[str, Any]:
    files = FilesSettings(**settings["files"])
    cut = make_from_files(files, geometry, dust, writer, access)
    cells = number_tasks(cut.cells, FIRST_TASK)
    write_records(writer.folder, cells, cut.volumes, task_replies(cells, cut.volumes))
    write_table(writer.folder / SUPERVOXELS_TABLE, cut.supervoxels, SUPERVOXELS)
    return {**count(cells, cut.volumes), **cut.facts}


def task_replies(cells: list[Cell], volumes: list[Volume]) -> dict[str, Any]:
    """Return the replies of ``GET /1.0/task/{task}`` by task id."""
    boxes = {volume.box.volume: volume.box for volume in volumes}
    return {
        str(served.task.task): task_reply(cell.cell, served, boxes[served.task.volume])
        for cell in cells
        for served in cell.tasks
    }


def write_records(
    folder: Path, cells: list[Cell], volumes: list[Volume], tasks: dict[str, Any]
) -> None:
    """Write the registry, the API's replies and the truth.

    Args:
        folder: the sandbox folder.
        cells: all cells of the registry.
        volumes: the volumes of their tasks.
        tasks: replies of ``GET /1.0/task/{task}``.
    """
    boxes = {volume.box.volume: volume.box for volume in volumes}
    served = [task for cell in cells for task in cell.tasks]
    children: dict[int | None, list[int]] = defaultdict(list)
    for task in served:
        children[task.task.parent].append(task.task.task)
    records = {
        "api/tasks.json": tasks,
        "api/aggregates.json": {
            str(task.task.task): aggregate_reply(task, children[task.task.task])
            for task in served
        },
        "api/cells.json": {str(cell.cell): cell_reply(cell) for cell in cells},
        "api/cell_tasks.json": {
            str(cell.cell): cell_tasks_reply(cell, boxes) for cell in cells
        },
        "truth/cells.json": {str(cell.cell): cell.neuron for cell in cells},
        "truth/tasks.json": {str(task.task.task): _truth(task.task) for task in served},
    }
    for name, content in records.items():
        write_json(folder / name, content)
    write_csv(folder / "registry.csv", map(registry_row, cells))


def _truth(task: SpawnedTask) -> dict[str, Any]:
    return {
        "truth": sorted(task.truth),
        "consensus": task.answer.consensus,
        "validations": [
            {"weight": v.weight, "segments": sorted(v.segments)}
            for v in task.answer.validations
        ],
    }


def count(cells: list[Cell], volumes: list[Volume]) -> dict[str, Any]:
    """Count what a sandbox holds, for the manifest."""
    tasks = [served for cell in cells for served in cell.tasks]
    cells_in: dict[int, set[int]] = defaultdict(set)
    for cell in cells:
        for served in cell.tasks:
            cells_in[served.task.volume].add(cell.cell)
    repeats = [
        max(Counter(served.task.volume for served in cell.tasks).values(), default=0)
        for cell in cells
    ]
    return {
        "volumes": len(volumes),
        "cells": len(cells),
        "tasks": len(tasks),
        "segments": int(sum((volume.sizes > 0).sum() for volume in volumes)),
        "volumes_shared_by_cells": sum(len(found) > 1 for found in cells_in.values()),
        "cells_with_two_tasks_in_a_volume": sum(most > 1 for most in repeats),
        "statuses": {
            str(status): n
            for status, n in sorted(Counter(t.status for t in tasks).items())
        },
    }


def _replace_content(folder: Path, new: Path) -> None:
    """Move new files to the folder, over those of an earlier run."""
    folder.mkdir(exist_ok=True)
    # Of a sandbox from files alone.
    (folder / SUPERVOXELS_TABLE).unlink(missing_ok=True)
    for made in new.iterdir():
        old = folder / made.name
        if old.is_dir():
            shutil.rmtree(old)
        made.replace(old)
