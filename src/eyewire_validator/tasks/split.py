"""Split tasks into train, validation and test: by blocks of volumes, or as published.

Neighbouring volumes share voxels and each volume serves about thirty tasks, so a split
by cell alone tests on images that were trained on. The rule ``blocks`` therefore holds
out blocks of the volume grid, with unused layers around them, and gives each cell to
the one part in which most of its tasks lie.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import SplitError
from eyewire_validator.storage.schemas.columns import MINIMA
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.volumes.geometry import ByAxis, grid_positions

SPLITS = ("train", "validation", "test")

# Why a task that could be used is in no split.
OF_ANOTHER_SPLIT = "cell belongs to another split"
IN_THE_BUFFER = "volume in the buffer between splits"


@dataclass(frozen=True)
class SplitSettings:
    """Settings of the split; see ``split:`` in config/config.yaml."""

    rule: str
    test_share: float
    validation_share: float
    buffer: int
    published_first_test_cell: int


def usable_tasks(index: pd.DataFrame) -> pd.DataFrame:
    """Return the labelled tasks that a model can learn from or be judged by.

    Also those that are in no split only so that splits share nothing.

    Args:
        index: table in the schema `TASK_INDEX`.
    """
    left_out = index["excluded"].isin([OF_ANOTHER_SPLIT, IN_THE_BUFFER])
    return index[index["split"].notna() | left_out]


def assign_splits(
    index: pd.DataFrame, settings: SplitSettings, stride: ByAxis
) -> pd.DataFrame:
    """Fill ``split``, or ``excluded`` with the reason, for each labelled task.

    Args:
        index: TASK_INDEX rows; open tasks and those with an ``excluded`` reason stay as
            they are. If all that can be used are open, nothing is split.
        settings: the rule and its shares.
        stride: distance between face-adjacent volumes, voxels, or one by axis.

    Raises:
        SplitError: a split stays empty, or volumes have no bounds.
    """
    can_be_used, is_open = index["excluded"].isna(), index["state"] == OPEN
    usable = index.loc[can_be_used & ~is_open, ["cell", "volume", *MINIMA]]
    if usable.empty and (can_be_used & is_open).any():
        return index
    if usable.empty:
        raise SplitError(f"none of the {len(index)} tasks can be used; see `excluded`")
    if settings.rule == "published":
        split, excluded = _by_cell_id(usable, settings)
    else:
        split, excluded = _by_blocks(usable, settings, stride)
    index = index.copy()
    index.loc[usable.index, "split"] = split
    index.loc[usable.index, "excluded"] = excluded
    for name in SPLITS:
        if not (index["split"] == name).any():
            raise SplitError(
                f"split: no {name} task among {len(usable)} usable tasks of "
                f"{usable['volume'].nunique()} volumes; give more cells or volumes, "
                "or change the shares"
            )
    return index


def _by_cell_id(
    usable: pd.DataFrame, settings: SplitSettings
) -> tuple[pd.Series, pd.Series]:
    """Split by the published rule: test from a cell id on, validation drawn before."""
    split = pd.Series("train", usable.index, dtype=object)
    is_test = usable["cell"] >= settings.published_first_test_cell
    split[is_test] = "test"
    training = usable.index[~is_test]
    drawn = np.random.default_rng(0).permutation(training)
    split[drawn[: round(len(training) * settings.validation_share)]] = "validation"
    return split, pd.Series(None, usable.index, dtype=object)


def _by_blocks(
    usable: pd.DataFrame, settings: SplitSettings, stride: ByAxis
) -> tuple[pd.Series, pd.Series]:
    part_of_volume = _parts_of_volumes(usable, settings, stride)
    part = usable["volume"].map(part_of_volume)
    home = _home_parts(usable["cell"], part)
    excluded = pd.Series(None, usable.index, dtype=object)
    excluded[part != home] = OF_ANOTHER_SPLIT
    excluded[part == "buffer"] = IN_THE_BUFFER
    return part.where(excluded.isna(), None), excluded


def _parts_of_volumes(
    usable: pd.DataFrame, settings: SplitSettings, stride: ByAxis
) -> pd.Series:
    """Map each volume to train, validation, test or buffer."""
    volumes = usable.drop_duplicates("volume").set_index("volume")
    if unknown := int(volumes[MINIMA].isna().any(axis=1).sum()):
        raise SplitError(
            f"split: {unknown} volumes come without bounds, so nobody knows which are "
            "neighbours; use split.rule: published"
        )
    positions = grid_positions(volumes[MINIMA].to_numpy(np.int64), stride)
    parts = np.full(len(volumes), "train", dtype=object)
    for name, share in (
        ("test", settings.test_share),
        ("validation", settings.validation_share),
    ):
        held_out = hold_out(positions[parts == "train"], share, settings.buffer)
        parts[parts == "train"] = np.choose(held_out, ["train", "buffer", name])
    return pd.Series(parts, volumes.index)


def hold_out(
    positions: NDArray[np.int64], share: float, buffer: int
) -> NDArray[np.int64]:
    """Hold out the high end of the grid's longest axis.

    Args:
        positions: (n, 3) grid indices of volumes.
        share: part of the axis to hold out, at least one layer.
        buffer: layers between what is held out and the rest.

    Returns:
        (n,) 0 for the rest, 1 for the buffer, 2 for what is held out.

    Raises:
        SplitError: the axis is too short to leave a rest.
    """
    lowest, highest = positions.min(axis=0), positions.max(axis=0)
    lengths = highest - lowest + 1
    axis = int(lengths.argmax())
    layers = max(1, round(share * lengths[axis]))
    if layers + buffer >= lengths[axis]:
        raise SplitError(
            f"split: {lengths[axis]} layers of volumes along {'zyx'[axis]} are too few "
            f"for {layers} held out and {buffer} of buffer; give more volumes or use "
            "split.rule: published"
        )
    distance = highest[axis] - positions[:, axis]
    return np.where(distance < layers, 2, np.where(distance < layers + buffer, 1, 0))


def _home_parts(cell: pd.Series, part: pd.Series) -> pd.Series:
    """Return, for each task, the part in which most of its cell's tasks lie.

    Buffer volumes do not count; a tie goes to test, then validation, which are scarce.
    """
    counts = pd.crosstab(cell, part).reindex(columns=SPLITS[::-1], fill_value=0)
    return cell.map(counts.idxmax(axis=1))


def count_splits(index: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count tasks, cells and volumes by split, and tasks by reason of exclusion."""
    used = index[index["split"].notna()].groupby("split")
    counts = {
        name: {key: int(value) for key, value in used[column].nunique().items()}
        for name, column in (
            ("tasks", "task"),
            ("cells", "cell"),
            ("volumes", "volume"),
        )
    }
    to_answer = index[(index["state"] == OPEN) & index["excluded"].isna()]
    counts["open"] = {
        f"{name}s": int(to_answer[name].nunique())
        for name in ("task", "cell", "volume")
    }
    counts["excluded"] = {
        key: int(value) for key, value in index["excluded"].value_counts().items()
    }
    return counts
