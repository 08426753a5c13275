"""A picture of one task: what was given, what was right, what was answered."""

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
from eyewire_validator.figures.style import Caption, Heading, canvas, styled
from eyewire_validator.metrics import iou

CAPTION = Caption(
    "A task and its answer",
    "Three slices through one task, a row each. Seed and context are given; the truth "
    "is what players agreed on; the answer shows what the model got right, what it "
    "missed and what it should not have taken. Sigma is its uncertainty.",
)
SEED = "#E69F00"
CONTEXT = "#CC79A7"
TRUTH = "#009E73"
CORRECT, MISSED, FALSE = "#56B4E9", "#F0E442", "#D55E00"
_OPACITY = 0.6
_AXES = "zyx"


@dataclass(frozen=True)
class TaskPicture:
    """What was given, what was right and what was answered, in coarse voxels.

    Attributes:
        image: (z, y, x) uint8 grey values.
        context: (channels, z, y, x) bool masks.
        seed: (z, y, x) bool.
        truth: (z, y, x) bool, the aggregate.
        probability: (z, y, x) float32 that a voxel belongs to the answer.
        sigma: (z, y, x) float32, logit units; none if the model gives none.
    """

    image: NDArray[np.uint8]
    context: NDArray[np.bool_]
    seed: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    probability: NDArray[np.float32]
    sigma: NDArray[np.float32] | None

    @classmethod
    def of(cls, sample: NDArray[np.uint8], answer: Answer) -> Self:
        """Make the picture of a sample, as `samples.py` describes it, and its answer.

        Args:
            sample: (channels, z, y, x) uint8: image, context, seed, truth.
            answer: to the same task.
        """
        return cls(
            image=sample[0],
            context=sample[1:-2] > 0,
            seed=sample[-2] > 0,
            truth=sample[-1] > 0,
            probability=answer.probability,
            sigma=answer.sigma,
        )


@styled
def draw_task(
    picture: TaskPicture,
    heading: Heading,
    *,
    task: int,
    chosen: str,
    threshold: float,
) -> Figure:
    """Draw three orthogonal slices of a task, a row each.

    Args:
        picture: the task and its answer.
        heading: of the model that answered.
        task: its id.
        chosen: how it was chosen, for example ``median IoU without seed``.
        threshold: a voxel is answered where its probability is above this.
    """
    answer = picture.probability > threshold
    layers = _layers(picture, answer)
    names = ["image", *layers, *([] if picture.sigma is None else ["sigma"])]
    column = 7.4 / len(names)
    figure, body = canvas(
        CAPTION.title,
        _caption(picture, answer, heading, task, chosen),
        3 * column + 0.5,
        leaked=heading.leaked,
    )
    grid = body.subplots(3, len(names))
    for axis, panels in enumerate(grid):
        index = _most_telling_slice(picture, axis)
        _draw_row(panels, picture, layers, axis, index)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, weight="bold")
    if picture.sigma is not None:
        _add_colourbar(body, grid[:, -1])
    body.legend(handles=_legend(), loc="outside lower center", ncols=3)
    return figure


def _layers(
    picture: TaskPicture, answer: NDArray[np.bool_]
) -> dict[str, list[tuple[NDArray[np.bool_], str]]]:
    """Return by column the masks that colour its image, each with its colour."""
    layers = {"seed": [(picture.seed, SEED)]}
    if len(picture.context):
        layers["context"] = [(mask, CONTEXT) for mask in picture.context]
    layers["truth"] = [(picture.truth, TRUTH)]
    layers["answer"] = [
        (answer & picture.truth, CORRECT),
        (picture.truth & ~answer, MISSED),
        (answer & ~picture.truth, FALSE),
    ]
    return layers


def _caption(
    picture: TaskPicture,
    answer: NDArray[np.bool_],
    heading: Heading,
    task: int,
    chosen: str,
) -> str:
    beyond = ~picture.seed
    both = np.count_nonzero(answer & picture.truth & beyond)
    score = float(iou(both, np.count_nonzero((answer | picture.truth) & beyond)))
    overlap = "undefined" if np.isnan(score) else f"{score:.3f}"
    which = f"task {task} ({chosen})" if chosen else f"task {task}"
    parts = [heading.title, heading.details, which, f"IoU without seed {overlap}"]
    return " · ".join(part for part in parts if part)


def _most_telling_slice(picture: TaskPicture, axis: int) -> int:
    """Return where a slice across ``axis`` cuts most of the seed and what follows it.

    That is where the lesser of the two is largest, then where their sum is.
    """
    others = tuple(other for other in range(3) if other != axis)
    seed = np.count_nonzero(picture.seed, axis=others)
    beyond = np.count_nonzero(picture.truth & ~picture.seed, axis=others)
    return int(np.lexsort((seed + beyond, np.minimum(seed, beyond)))[-1])


def _draw_row(
    panels: NDArray[np.object_],
    picture: TaskPicture,
    layers: dict[str, list[tuple[NDArray[np.bool_], str]]],
    axis: int,
    index: int,
) -> None:
    image = np.take(picture.image, index, axis)
    overlays = [[], *layers.values()]
    for axes, masks in zip(panels, overlays, strict=False):
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
    grey = np.repeat(image[..., None] / 255, 3, axis=-1)
    tinted = grey.copy()
    for mask, colour in masks:
        tint = _OPACITY * np.array(to_rgb(colour))
        tinted[mask] = (1 - _OPACITY) * grey[mask] + tint
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


def _legend() -> list[Patch]:
    meanings = {"correct": CORRECT, "missed": MISSED, "false": FALSE}
    return [
        Patch(facecolor=colour, label=f"answer: {meaning}")
        for meaning, colour in meanings.items()
    ]
