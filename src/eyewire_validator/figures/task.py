"""A picture of one task: what was given, what was right, what was answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from eyewire_validator.answers import Answer
from eyewire_validator.evaluation.voxel_metrics import iou
from eyewire_validator.figures.style import (
    Caption,
    Heading,
    canvas,
    counted,
    sentence,
    styled,
)

CAPTION = Caption(
    "A task and its answer",
    "Three slices through one task, a row each, where its seed goes on. Seed and "
    "context are given; the truth is what players agreed on. Voxels are what the model "
    "finds likely; segments are what it chooses, brighter at their borders: right, "
    "missed (to add) or false (to remove). Sigma is its uncertainty.",
)
WORST_CAPTION = Caption(
    "A task that went wrong",
    "One of the tasks that need the most edits, cut where most of the segments to add "
    "or to remove is seen. " + CAPTION.how_to_read.split(". ", 1)[1],
)
SEED = "#E69F00"
CONTEXT = "#CC79A7"
TRUTH = "#009E73"
OUTCOMES = {"correct": "#56B4E9", "missed": "#F0E442", "false": "#D55E00"}
_OPACITY = 0.6
_AXES = "zyx"

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TaskPicture:
    """A task in coarse voxels: what was given, right and answered.

    Attributes:
        image: (z, y, x) uint8 grey values.
        context: (channels, z, y, x) bool masks.
        seed: (z, y, x) bool.
        truth: (z, y, x) bool, the aggregate.
        probability: (z, y, x) float32 that a voxel belongs to the answer.
        sigma: (z, y, x) float32, logit units; none if the model gives none.
        segmentation: (z, y, x) uint16 segment ids.
        outcomes: ids of segments by ``correct``, ``missed`` and ``false``, as
            `error_analysis.outcomes` gives them.
    """

    image: NDArray[np.uint8]
    context: _Mask
    seed: _Mask
    truth: _Mask
    probability: NDArray[np.float32]
    sigma: NDArray[np.float32] | None
    segmentation: NDArray[np.uint16]
    outcomes: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(
        cls,
        sample: NDArray[np.uint8],
        answer: Answer,
        segmentation: NDArray[np.uint16],
        outcomes: Mapping[str, NDArray[np.int64]],
    ) -> Self:
        """Make the picture of a sample, as `samples.py` describes it, and its answer.

        Args:
            sample: (channels, z, y, x) uint8: image, context, seed, truth.
            answer: to the same task.
            segmentation: (z, y, x) uint16 of its volume.
            outcomes: from `error_analysis.outcomes` of the same task.
        """
        return cls(
            image=sample[0],
            context=sample[1:-2] > 0,
            seed=sample[-2] > 0,
            truth=sample[-1] > 0,
            probability=answer.probability,
            sigma=answer.sigma,
            segmentation=segmentation,
            outcomes=outcomes,
        )

    def where(self, outcome: str) -> _Mask:
        """Return where the segments of an outcome are: (z, y, x) bool."""
        return np.isin(self.segmentation, self.outcomes[outcome])


@styled
def draw_task(
    picture: TaskPicture,
    heading: Heading,
    *,
    task: int,
    chosen: str,
    threshold: float,
    at_errors: bool = False,
) -> Figure:
    """Draw three orthogonal slices of a task, a row each.

    Args:
        picture: the task and its answer.
        heading: of the model that answered.
        task: its id.
        chosen: how it was chosen, for example ``median IoU without seed``.
        threshold: a voxel is answered where its probability is above this.
        at_errors: cut where most is wrong, not where the seed goes on (rightly or
            wrongly).
    """
    answer = picture.probability > threshold
    names = ["image", "given", "truth", "voxels", "segments"]
    names += [] if picture.sigma is None else ["sigma"]
    column = 7.4 / len(names)
    figure, body = canvas(
        _title(picture, task),
        _subtitle(picture, answer, heading, chosen),
        3 * column + 0.6,
        leaked=heading.leaked,
    )
    focus = _focus(picture, at_errors)
    grid = body.subplots(3, len(names))
    for axis, panels in enumerate(grid):
        index = _most_telling_slice(*focus, axis)
        _draw_row(panels, picture, _layers(picture, answer, axis), axis, index)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, weight="bold")
    if picture.sigma is not None:
        _add_colourbar(body, grid[:, -1])
    legend = _legend(has_context=len(picture.context) > 0)
    body.legend(handles=legend, loc="outside lower center", ncols=len(legend))
    return figure


@styled
def draw_no_task(heading: Heading, tasks: int) -> Figure:
    """Draw a note that there are only so many tasks, for want of a next worst.

    Args:
        heading: of the model.
        tasks: number of tasks in the split.
    """
    parts = [heading.title, heading.details]
    figure, body = canvas(
        WORST_CAPTION.title, " · ".join(filter(None, parts)), 1, leaked=heading.leaked
    )
    sentence(body, f"The split has only {counted(tasks, 'task')}.")
    return figure


def _title(picture: TaskPicture, task: int) -> str:
    add, remove = (len(picture.outcomes[name]) for name in ("missed", "false"))
    if not add + remove:
        return f"Task {task}: answered exactly, nothing to edit"
    return f"Task {task}: {counted(add, 'segment')} to add, {remove:,} to remove"


def _subtitle(
    picture: TaskPicture, answer: _Mask, heading: Heading, chosen: str
) -> str:
    beyond = ~picture.seed
    both = np.count_nonzero(answer & picture.truth & beyond)
    score = float(iou(both, np.count_nonzero((answer | picture.truth) & beyond)))
    overlap = "undefined" if np.isnan(score) else f"{score:.3f}"
    scored = f"coarse IoU without seed {overlap}"
    parts = [heading.title, heading.details, chosen, scored]
    return " · ".join(part for part in parts if part)


def _layers(
    picture: TaskPicture, answer: _Mask, axis: int
) -> list[list[tuple[_Mask, str]]]:
    """Return for each column the masks that colour its image, each with its colour."""
    voxels = {
        "correct": answer & picture.truth,
        "missed": picture.truth & ~answer,
        "false": answer & ~picture.truth,
    }
    segments = {name: picture.where(name) for name in OUTCOMES}
    borders = _borders(picture.segmentation, axis)
    return [
        [],
        [*((mask, CONTEXT) for mask in picture.context), (picture.seed, SEED)],
        [(picture.truth, TRUTH)],
        [(voxels[name], colour) for name, colour in OUTCOMES.items()],
        [
            (mask, colour)
            for name, colour in OUTCOMES.items()
            for mask in (segments[name], segments[name] & borders)
        ],
    ]


def _borders(segmentation: NDArray[np.uint16], axis: int) -> _Mask:
    """Return which voxels touch another segment in their slice across ``axis``."""
    borders = np.zeros(segmentation.shape, np.bool_)
    for other in {0, 1, 2} - {axis}:
        for shift in (-1, 1):
            borders |= segmentation != np.roll(segmentation, shift, other)
    return borders


def _focus(picture: TaskPicture, at_errors: bool) -> tuple[_Mask, _Mask]:
    """Return the two masks of which slices should show much, both of them."""
    wrong = picture.where("missed") | picture.where("false")
    if at_errors and wrong.any():
        return wrong, wrong
    goes_on = picture.truth | picture.where("false")
    return picture.seed, goes_on & ~picture.seed


def _most_telling_slice(one: _Mask, other: _Mask, axis: int) -> int:
    """Return where a slice across ``axis`` cuts most of both masks.

    That is where the lesser of the two is largest, then where their sum is.
    """
    across = tuple({0, 1, 2} - {axis})
    first, second = (np.count_nonzero(mask, axis=across) for mask in (one, other))
    return int(np.lexsort((first + second, np.minimum(first, second)))[-1])


def _draw_row(
    panels: NDArray[np.object_],
    picture: TaskPicture,
    layers: list[list[tuple[_Mask, str]]],
    axis: int,
    index: int,
) -> None:
    image = np.take(picture.image, index, axis)
    for axes, masks in zip(panels, layers, strict=False):
        cuts = [(np.take(mask, index, axis), colour) for mask, colour in masks]
        _show(axes, _coloured(image, cuts))
    if picture.sigma is not None:
        _show_sigma(panels[-1], picture.sigma, index, axis)
    down, right = (name for name in _AXES if name != _AXES[axis])
    panels[0].set_ylabel(f"{_AXES[axis]} = {index}\n{down} down, {right} right")


def _coloured(
    image: NDArray[np.uint8], masks: list[tuple[NDArray[np.bool_], str]]
) -> NDArray[np.float64]:
    """Return the grey image (h, w) as RGB (h, w, 3), tinted where a mask is set."""
    tinted = np.repeat(image[..., None] / 255, 3, axis=-1)
    for mask, colour in masks:
        tint = _OPACITY * np.array(to_rgb(colour))
        tinted[mask] = (1 - _OPACITY) * tinted[mask] + tint
    return tinted


def _show(
    axes: Axes, pixels: NDArray[np.floating], norm: Normalize | None = None
) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.imshow(pixels, cmap="magma", norm=norm, interpolation="nearest")


def _show_sigma(axes: Axes, sigma: NDArray[np.floating], index: int, axis: int) -> None:
    excess = sigma - 1
    low, high = float(excess.min()), float(np.percentile(excess, 99.5))
    norm = Normalize(low, high if high > low else low + 1)
    _show(axes, np.take(excess, index, axis), norm)


def _add_colourbar(body: SubFigure, panels: NDArray[np.object_]) -> None:
    # Down to 1e-7 above 1 is nothing unusual.
    numbers = ScalarFormatter()
    numbers.set_powerlimits((-2, 3))
    body.colorbar(
        panels[0].images[0],
        ax=list(panels),
        label="sigma - 1 (logit units)",
        aspect=40,
        extend="max",
        format=numbers,
    )


def _legend(*, has_context: bool) -> list[Patch]:
    meanings = {
        "seed": SEED,
        **({"context": CONTEXT} if has_context else {}),
        "truth": TRUTH,
        "correct": OUTCOMES["correct"],
        "missed: to add": OUTCOMES["missed"],
        "false: to remove": OUTCOMES["false"],
    }
    return [
        Patch(facecolor=colour, label=meaning) for meaning, colour in meanings.items()
    ]
