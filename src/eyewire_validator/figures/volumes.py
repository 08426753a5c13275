"""Metrics against the volume of the truth, and correct against guessed volume."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eyewire_validator.evaluation.voxel_metrics import SEEDLESS as SEEDLESS_SUFFIX
from eyewire_validator.evaluation.voxel_metrics import task_metrics
from eyewire_validator.figures.distributions import NAMES
from eyewire_validator.figures.style import (
    FULL,
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    count_axis,
    identity_line,
    known_note,
    panel_title,
    points,
    share_axis,
    styled,
    subtitle,
)

TRUTH_CAPTION = Caption(
    "Precision and recall against the volume of the truth",
    "Each point is a task. Few voxels of truth make a metric jump; a cloud that stays "
    "low to the right means that large answers fail too.",
)
GUESS_CAPTION = Caption(
    "Correct against guessed volume",
    "Each point is a task: how much was answered, and how much of that was right. On "
    "the dashed line all of it was; points at 0 are answers of which nothing was.",
)
_ROWS = (("", "with seed", FULL), (SEEDLESS_SUFFIX, "without seed", SEEDLESS))


def truth_data(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each task's ``truth`` volume, precision and recall, with seed or without.

    Volumes are coarse voxels; columns without the seed end in ``_seedless``.
    """
    metrics = task_metrics(frame)
    names = [
        f"{name}{suffix}" for suffix, _, _ in _ROWS for name in ("precision", "recall")
    ]
    volumes = [f"truth{suffix}" for suffix, _, _ in _ROWS]
    return pd.concat([metrics[["task"]], frame[volumes], metrics[names]], axis=1)


def guess_data(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each task's ``guess`` and ``intersection``, with seed or without."""
    volumes = [
        f"{name}{suffix}"
        for suffix, _, _ in _ROWS
        for name in ("guess", "intersection")
    ]
    return frame[["task", *volumes]]


@styled
def draw_truth(frame: pd.DataFrame, heading: Heading) -> Figure:
    """Draw precision and recall against the truth's volume, with seed and without."""
    data = truth_data(frame)
    figure, body = canvas(
        TRUTH_CAPTION.title, subtitle(heading, frame), 6, leaked=heading.leaked
    )
    grid = body.subplots(2, 2)
    for panels, (suffix, seed, colour) in zip(grid, _ROWS, strict=True):
        for axes, name in zip(panels, ("precision", "recall"), strict=True):
            known = data[[f"truth{suffix}", f"{name}{suffix}"]].dropna().to_numpy()
            points(axes, known[:, 0], known[:, 1], colour)
            count_axis(axes, "x", data[f"truth{suffix}"].to_numpy())
            share_axis(axes, "y")
            panel_title(
                axes, f"{NAMES[name]}, {seed}", known_note(len(known), len(data))
            )
            axes.set(xlabel=f"truth {seed} (coarse voxels)", ylabel=NAMES[name])
    return figure


@styled
def draw_guess(frame: pd.DataFrame, heading: Heading) -> Figure:
    """Draw correct against guessed volume, with seed and without."""
    data = guess_data(frame)
    figure, body = canvas(
        GUESS_CAPTION.title, subtitle(heading, frame), 4, leaked=heading.leaked
    )
    for axes, (suffix, seed, colour) in zip(body.subplots(1, 2), _ROWS, strict=True):
        volumes = data[[f"guess{suffix}", f"intersection{suffix}"]].to_numpy()
        _draw_volumes(axes, volumes, colour)
        panel_title(axes, seed.capitalize(), _silent_note(volumes[:, 0]))
    return figure


def _draw_volumes(axes: Axes, volumes: np.ndarray, colour: str) -> None:
    points(axes, volumes[:, 0], volumes[:, 1], colour)
    count_axis(axes, "x", volumes.ravel())
    count_axis(axes, "y", volumes.ravel())
    identity_line(axes)
    axes.set(
        xlabel="guessed (coarse voxels)",
        ylabel="of these correct (coarse voxels)",
        aspect="equal",
    )


def _silent_note(guesses: np.ndarray) -> str:
    silent = int((guesses == 0).sum())
    answered = f", {silent:,} answered nothing" if silent else ""
    return f"n = {len(guesses):,}{answered}"
