"""Figures of results. Each function draws one figure and touches no global state."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from eyewire_validator.figures import (
    bars,
    distributions,
    seedless,
    task,
    training,
    uncertainty,
    volumes,
)
from eyewire_validator.figures.bars import draw_bars
from eyewire_validator.figures.saving import save_figure
from eyewire_validator.figures.style import Caption, Heading
from eyewire_validator.figures.task import TaskPicture, draw_task
from eyewire_validator.figures.training import draw_training

__all__ = [
    "CAPTIONS",
    "FIGURES",
    "Caption",
    "Heading",
    "TaskPicture",
    "draw_bars",
    "draw_task",
    "draw_training",
    "figure_data",
    "save_figure",
]

# Figures of one table of the schema `tables.TASK_METRICS`, in reading order.
FIGURES: dict[str, Callable[[pd.DataFrame, Heading], Figure]] = {
    "seedless_against_full": seedless.draw_seedless,
    "distributions": distributions.draw_distributions,
    "truth_volume": volumes.draw_truth,
    "guessed_volume": volumes.draw_guess,
    "uncertainty": uncertainty.draw_uncertainty,
}

_DATA: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "seedless_against_full": seedless.seedless_data,
    "distributions": distributions.distribution_data,
    "truth_volume": volumes.truth_data,
    "guessed_volume": volumes.guess_data,
    "uncertainty": uncertainty.uncertainty_data,
}

# Of all figures, by the name of their file.
CAPTIONS: dict[str, Caption] = {
    "honest_table": bars.CAPTION,
    "task": task.CAPTION,
    "training": training.CAPTION,
    "seedless_against_full": seedless.CAPTION,
    "distributions": distributions.CAPTION,
    "truth_volume": volumes.TRUTH_CAPTION,
    "guessed_volume": volumes.GUESS_CAPTION,
    "uncertainty": uncertainty.CAPTION,
}


def figure_data(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table behind ``FIGURES[name]``, a row a task."""
    return _DATA[name](frame)
