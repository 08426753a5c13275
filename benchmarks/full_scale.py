"""Made-up tables of the real size: 56,326 volumes, 3,300 cells, 2 million tasks.

Numbers that are known come from the public data: the volumes' grid of 17 x 90 x 55
places, 606 tasks a cell and 35 a volume, 1 to 5 segments a seed and about 10 an
aggregate; a child lies next to its parent. 1,000 segments a volume is a guess.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.schemas.columns import MAXIMA, MINIMA
from eyewire_validator.storage.schemas.volumes import SEGMENTS_OF_VOLUME
from eyewire_validator.storage.tables import write_table
from eyewire_validator.volumes.coarse import SEGMENTS_TABLE

CELLS = 3_300
TASKS_OF_A_CELL = 606
VOLUMES = 56_326
SEGMENTS = 1_000
GRID = (55, 90, 17)
ORIGIN, STRIDE, SIZE = (434, 498, 466), 224, 256
# Different tables of segments; each volume's file is a hard link to one of them.
SEGMENT_TABLES = 64
FIRST_VOLUME, GROUP_SPAN = 10_866, 128


def cell_ids(cells: int = CELLS) -> NDArray[np.int64]:
    """Return the cells' ids, ascending, on both sides of the published split."""
    return 40_000 + 13 * np.arange(cells)


def made_up_volumes(volumes: int = VOLUMES) -> pd.DataFrame:
    """Return the volumes nearest to the grid's centre: ids, address, bounds, group."""
    places = np.indices(GRID).reshape(3, -1).T
    radius = np.square((places + 0.5) / GRID - 0.5).sum(axis=1)
    places = places[np.sort(np.argsort(radius, kind="stable")[:volumes])]
    frame = pd.DataFrame({"volume": FIRST_VOLUME + 2 * np.arange(volumes)})
    frame["channel"] = frame["volume"] - 1
    ids = frame["channel"].astype(str) + "-" + frame["volume"].astype(str)
    frame["full_path"] = "https://storage.googleapis.com/e2198_compressed/Volume-" + ids
    frame["full_path"] += "/"
    frame["group"] = frame["volume"] // GROUP_SPAN
    frame[MINIMA] = places * STRIDE + ORIGIN
    frame[MAXIMA] = frame[MINIMA].to_numpy() + SIZE
    return frame


def write_manifests(results: Path, volumes: pd.DataFrame) -> None:
    """Write the manifest of each group, without the hashes."""
    for group, rows in volumes.groupby("group"):
        manifest = {volume: {} for volume in rows["volume"].astype(str)}
        write_json(results / f"volumes/groups/{group}.json", manifest)


def write_segments(results: Path, volumes: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Write each volume's segments; return the ids in each of the different tables."""
    generator = np.random.default_rng(0)
    ids = []
    for number in range(SEGMENT_TABLES):
        ids.append(1 + np.sort(generator.choice(3 * SEGMENTS, SEGMENTS, replace=False)))
        voxels = generator.geometric(1e-4, SEGMENTS)
        low = generator.integers(0, SIZE - 100, (3, SEGMENTS))
        high = low + generator.integers(1, 100, (3, SEGMENTS))
        columns = {"segment": ids[-1], "voxels": voxels, "coarse_voxels": voxels // 64}
        for axis, name in enumerate("zyx"):
            columns |= {f"min_{name}": low[axis], f"max_{name}": high[axis]}
        file = results / f"segments-{number}.parquet"
        write_table(file, pd.DataFrame(columns), SEGMENTS_OF_VOLUME)
    for row, (volume, group) in enumerate(
        zip(volumes["volume"], volumes["group"], strict=True)
    ):
        folder = results / f"volumes/groups/{group}/{volume}"
        folder.mkdir(parents=True)
        source = results / f"segments-{row % SEGMENT_TABLES}.parquet"
        os.link(source, folder / SEGMENTS_TABLE)
    return ids


def grow_cells(
    volumes: pd.DataFrame, cells: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each task's parent within its cell, -1 for a root, and its volume's row.

    Both are (cells, `TASKS_OF_A_CELL`). A child lies one step away along one axis;
    where there is no volume, one step the other way.
    """
    row_of = np.full(np.add(GRID, 2), -1)
    places = (volumes[MINIMA].to_numpy() - ORIGIN) // STRIDE + 1
    row_of[tuple(places.T)] = np.arange(len(volumes))
    steps = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    parents = np.full((cells, TASKS_OF_A_CELL), -1)
    rows = np.empty((cells, TASKS_OF_A_CELL), np.int64)
    rows[:, 0] = generator.integers(len(volumes), size=cells)
    every = np.arange(cells)
    for task in range(1, TASKS_OF_A_CELL):
        parents[:, task] = np.maximum(0, task - generator.geometric(0.4, cells))
        here = rows[every, parents[:, task]]
        step = steps[generator.integers(6, size=cells)]
        there = row_of[tuple((places[here] + step).T)]
        other = row_of[tuple((places[here] - step).T)]
        rows[:, task] = np.where(there >= 0, there, np.where(other >= 0, other, here))
    return parents, rows


def made_up_lists(
    ids: NDArray[np.int64], generator: np.random.Generator
) -> dict[str, pa.Array]:
    """Draw seeds, aggregates and weights from the (tasks, segments) ids of volumes.

    The seed is the start of the aggregate; a hundredth of each are empty.
    """
    tasks = len(ids)
    drawn = np.cumsum(generator.integers(1, SEGMENTS // 25, (tasks, 25)), axis=1)
    named = np.take_along_axis(ids, drawn, axis=1)
    lengths = np.clip(generator.poisson(10, tasks), 1, 25)
    lengths[generator.random(tasks) < 0.01] = 0
    seeds = np.minimum(generator.integers(1, 6, tasks), lengths)
    seeds[generator.random(tasks) < 0.01] = 0
    weights = generator.uniform(0.2, 1, named.shape).round(3)
    return {
        "seed": _lists(named, seeds),
        "aggregate": _lists(named, lengths),
        "aggregate_weights": _lists(weights, lengths),
        "children": _lists(named, np.zeros(tasks, int)),
    }


def _lists(values: NDArray[np.generic], lengths: NDArray[np.int64]) -> pa.ListArray:
    kept = np.arange(values.shape[1]) < lengths[:, None]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values[kept])


def write_cells(
    results: Path,
    volumes: pd.DataFrame,
    segments: list[NDArray[np.int64]],
    cells: int = CELLS,
) -> None:
    """Write the table of each cell; a hundredth of the tasks have a problem."""
    generator = np.random.default_rng(1)
    parents, rows = grow_cells(volumes, cells, generator)
    ids = np.stack(segments)
    size = TASKS_OF_A_CELL
    for number, cell in enumerate(cell_ids(cells)):
        # Tasks of all cells are made by turns.
        tasks = 1 + number + cells * np.arange(size)
        lost = generator.random(size) < 0.01
        columns = {
            "task": tasks,
            "cell": np.full(size, cell),
            "parent": pa.array(tasks[parents[number]], mask=parents[number] < 0),
            **made_up_lists(ids[rows[number] % SEGMENT_TABLES], generator),
            "status": np.zeros(size, int),
            "weight": generator.uniform(2, 8, size).round(2),
            "votes": np.full(size, 2),
            "votes_max": np.full(size, 2),
            "problem": pa.array(np.where(lost, "the service does not know it", None)),
        }
        for name in ("volume", "channel", "full_path", *MINIMA, *MAXIMA):
            values = volumes[name].to_numpy()[rows[number]]
            columns[name] = pa.array(values, mask=lost)
        file = results / f"downloads/cells/{cell}/tasks.parquet"
        file.parent.mkdir(parents=True)
        arrays = [columns[name] for name in CELL_TASKS.names]
        table = pa.Table.from_arrays(list(map(pa.array, arrays)), schema=CELL_TASKS)
        pq.write_table(table, file, compression="zstd")
