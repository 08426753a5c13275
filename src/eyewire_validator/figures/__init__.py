"""Figures of results. Each function draws one figure and touches no global state."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from eyewire_validator.figures import (
    bars,
    distributions,
    grown_cells,
    growth_measures,
    learning,
    left_out,
    left_out_risk,
    loops,
    queue,
    reliability,
    risk_coverage,
    seedless,
    sizes,
    task,
    training,
    uncertainty,
    volumes,
    votes,
)
from eyewire_validator.figures.bars import draw_bars
from eyewire_validator.figures.grown_cells import draw_grown_cells
from eyewire_validator.figures.growth_measures import draw_growth_measures
from eyewire_validator.figures.learning import draw_learning
from eyewire_validator.figures.left_out import draw_left_out
from eyewire_validator.figures.left_out_risk import draw_left_out_risk
from eyewire_validator.figures.loops import draw_loops
from eyewire_validator.figures.queue import draw_queue
from eyewire_validator.figures.reliability import draw_reliability, reliability_data
from eyewire_validator.figures.risk_coverage import draw_risk_coverage, risk_data
from eyewire_validator.figures.saving import save_figure
from eyewire_validator.figures.sizes import draw_sizes
from eyewire_validator.figures.style import Caption, Heading
from eyewire_validator.figures.task import TaskPicture, draw_no_task, draw_task
from eyewire_validator.figures.training import draw_training
from eyewire_validator.figures.votes import draw_votes

__all__ = [
    "CAPTIONS",
    "FIGURES",
    "Caption",
    "Heading",
    "TaskPicture",
    "caption_of",
    "draw_bars",
    "draw_grown_cells",
    "draw_growth_measures",
    "draw_learning",
    "draw_left_out",
    "draw_left_out_risk",
    "draw_loops",
    "draw_no_task",
    "draw_queue",
    "draw_reliability",
    "draw_risk_coverage",
    "draw_sizes",
    "draw_task",
    "draw_training",
    "draw_votes",
    "figure_data",
    "reliability_data",
    "risk_data",
    "save_figure",
]

# Figures of one table of the schema `TASK_METRICS`, in reading order.
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
    "loops": loops.CAPTION,
    "learning": learning.CAPTION,
    "left_out": left_out.CAPTION,
    "left_out_risk": left_out_risk.CAPTION,
    "queue": queue.CAPTION,
    "growth": grown_cells.CAPTION,
    "growth_measures": growth_measures.CAPTION,
    "sizes": sizes.CAPTION,
    "task": task.CAPTION,
    "worst": task.WORST_CAPTION,
    "reliability": reliability.CAPTION,
    "risk_coverage": risk_coverage.CAPTION,
    "votes": votes.CAPTION,
    "training": training.CAPTION,
    "seedless_against_full": seedless.CAPTION,
    "distributions": distributions.CAPTION,
    "truth_volume": volumes.TRUTH_CAPTION,
    "guessed_volume": volumes.GUESS_CAPTION,
    "uncertainty": uncertainty.CAPTION,
}


def caption_of(name: str) -> Caption:
    """Return the caption of the figure ``name``, such as ``votes`` or ``worst-2``."""
    return CAPTIONS[name.split("-")[0]]


def figure_data(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table behind ``FIGURES[name]``, a row a task."""
    return _DATA[name](frame)
