"""Which tasks an epoch of training draws: all of them once, or some more often."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# What there is to find beside the seed, in powers of two of what the seed holds, counts
# as one kind of task below the first and from the second on.
LEAST_FILL, MOST_FILL = -6, 3


def draw_tasks(
    tasks: NDArray[np.int64],
    chances: NDArray[np.float64] | None,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the tasks of an epoch, as many as there are.

    Args:
        tasks: (n,) ids.
        chances: (n,) in proportion to which each is drawn, with replacement; all are
            taken once, in random order, if not given.
        generator: chooses.
    """
    if chances is None:
        return generator.permutation(tasks)
    return generator.choice(tasks, len(tasks), p=chances / chances.sum())


def chances(
    sampling: str,
    tasks: NDArray[np.int64],
    index: pd.DataFrame,
    losses: Mapping[int, float],
) -> NDArray[np.float64] | None:
    """Return in proportion to what tasks are drawn, as `draw_tasks` takes it.

    Args:
        sampling: one of `settings.SAMPLINGS`.
        tasks: (n,) ids.
        index: table in the schema `TASK_INDEX`.
        losses: of tasks, as `newer_losses` keeps them.
    """
    match sampling:
        case "hard":
            return chances_by_loss(tasks, losses)
        case "balanced":
            return chances_by_fill(tasks, index)
    return None


def chances_by_loss(
    tasks: NDArray[np.int64], losses: Mapping[int, float]
) -> NDArray[np.float64]:
    """Return chances in proportion to the losses of tasks.

    Those whose loss is not known yet count as the mean of those that are known.

    Args:
        tasks: (n,) ids.
        losses: of tasks, as `newer_losses` keeps them.
    """
    known = pd.Series(losses, dtype=np.float64).reindex(tasks)
    mean = 1.0 if known.isna().all() else known.mean()
    found: NDArray[np.float64] = known.fillna(mean).to_numpy()
    return found


def newer_losses(
    before: Mapping[int, float], tasks: Sequence[int], losses: Sequence[float]
) -> dict[int, float]:
    """Return the losses of tasks, smoothed: half of before, half of now.

    Args:
        before: what this returned after the epoch before.
        tasks: (n,) those of an epoch, some of them more than once.
        losses: (n,) of each, in any order; the mean counts.
    """
    now = pd.Series(losses, tasks, dtype=np.float64).groupby(level=0).mean()
    last = pd.Series(before, dtype=np.float64).reindex(now.index).fillna(now)
    return {**before, **((last + now) / 2).to_dict()}


def chances_by_fill(
    tasks: NDArray[np.int64], index: pd.DataFrame
) -> NDArray[np.float64]:
    """Return chances by which all kinds of tasks are drawn evenly.

    A kind is how much there is to find, as Januszewski et al. (2018, "High-precision
    automated reconstruction of neurons with flood-filling networks") balance by how
    much of the field of view is filled.

    Args:
        tasks: (n,) ids.
        index: table in the schema `TASK_INDEX`.
    """
    rows = index.drop_duplicates("task").set_index("task").loc[tasks]
    ratio = rows["seedless_voxels"] / rows["seed_voxels"]
    with np.errstate(divide="ignore"):
        power = np.floor(np.log2(ratio.to_numpy(np.float64)))
    kinds = power.clip(LEAST_FILL - 1, MOST_FILL)
    _, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    return 1 / counts[kind]
