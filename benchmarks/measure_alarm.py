"""Measure the alarm: own tissue against other tissue, and against damaged images.

    python benchmarks/measure_alarm.py fib25_dev=BLOCK.npz@10,10,10 … [--harm 8]

A block is a file with the arrays ``image``, ``supervoxels`` and, for ``--harm``,
``gt`` or ``labels``; behind @ are the edges of its voxels (z, y, x) in nm, or nothing.
Blocks of one tissue share what stands before a dot (fib25.dev, fib25.other). Of every
block a model learns from one half along x; own cubes are those of the other half, and
then the other way round. Cubes lie at random places within their half, so they overlap,
and their number says less than that of places. Size is not told from nm here: the
picture has to tell it.

With ``--harm``, the ready-made model (or --model) scores some cubes as they are and
damaged, for the average precision of its contacts beside how strange they are.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.stats import spearmanr

from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize

MODEL = Path(__file__).resolve().parents[1] / "models" / "agglomeration.pt"
EDGE, OWN, DAMAGED = 64, 64, 16
# Share of a segment that must be of one label for its contacts to be judged.
PURE = 0.9


class Block(NamedTuple):
    """A labelled block, arrays (z, y, x)."""

    image: NDArray[np.uint8]
    supervoxels: NDArray[np.integer]
    labels: NDArray[np.integer] | None
    voxel_nm: VoxelSize | None

    @classmethod
    def read(cls, path: str) -> "Block":
        """Read PATH@EDGES."""
        file, _, edges = path.partition("@")
        arrays = np.load(file)
        named = next((name for name in ("gt", "labels") if name in arrays), None)
        z, y, x = map(float, edges.split(",")) if edges else (0.0, 0.0, 0.0)
        return cls(
            arrays["image"],
            arrays["supervoxels"],
            arrays[named] if named else None,
            (z, y, x) if edges else None,
        )

    def cut(self, corner: tuple[int, ...], shape: tuple[int, ...]) -> "Block":
        """Cut a box, moved inwards where it would end outside."""
        at = tuple(
            slice(max(min(low, all_ - n), 0), max(min(low, all_ - n), 0) + n)
            for low, n, all_ in zip(corner, shape, self.image.shape, strict=True)
        )
        labels = None if self.labels is None else self.labels[at]
        return self._replace(
            image=self.image[at], supervoxels=self.supervoxels[at], labels=labels
        )

    def volume(self) -> CoarseVolume:
        """Return it as a volume."""
        _, ids = np.unique(self.supervoxels, return_inverse=True)
        ids = ids.reshape(self.image.shape) + (self.supervoxels.min() > 0)
        return CoarseVolume(self.image, ids.astype(np.uint16), self.voxel_nm)


class Cube(NamedTuple):
    """A cube of a block: the half that it lies in, and where."""

    half: int
    corner: tuple[int, int, int]
    shape: tuple[int, int, int]


def cubes_of(shape: tuple[int, ...], count: int) -> list[Cube]:
    """Draw cubes in turn from the halves along x, neighbours along z in a row."""
    draw, found = np.random.default_rng(0), []
    depth, height, width = (min(EDGE, n) for n in shape)
    middle = shape[2] // 2
    for number in range(count):
        half = number % 2
        low, high = (0, middle) if half == 0 else (middle, shape[2])
        ends = (shape[0] - depth, shape[1] - height, high - low - width)
        z, y, x = (int(draw.integers(0, end + 1)) for end in ends)
        found.append(Cube(half, (z, y, low + x), (depth, height, width)))
    return sorted(found, key=lambda cube: cube.corner[1])


def grey(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round to grey values."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def damaged(block: Block, cube: Cube) -> Iterator[tuple[str, Block]]:
    """Yield a cube with what may be wrong with it."""
    own = block.cut(cube.corner, cube.shape)
    image, draw = own.image.astype(np.float32), np.random.default_rng(0)
    noise = draw.normal(0, image.std(), image.shape)
    some_empty = own.image.copy()
    some_empty[draw.choice(len(image), len(image) // 10, replace=False)] = 0
    images = {
        "inverted": 255 - own.image,
        "blurred, 1 voxel": grey(gaussian_filter(image, 1)),
        "blurred, 2 voxels": grey(gaussian_filter(image, 2)),
        "noise of half its deviation": grey(image + noise / 2),
        "noise of its deviation": grey(image + noise),
        "black": own.image * 0,
        "grey values of 0 and 1": grey(image / 255),
        "grey values divided by 4": grey(image / 4),
        "grey values halved": grey(image / 2),
        "grey values doubled, cut off": grey(image * 2),
        "60 brighter": grey(image + 60),
        "one slice in ten empty": some_empty,
    }
    for name, changed in images.items():
        yield name, own._replace(image=changed)
    for times in (1.5, 2.0, 1 / 1.5, 1 / 2):
        yield f"voxels of {times:.2g} times the size", resampled(block, cube, times)


def resampled(block: Block, cube: Cube, times: float) -> Block:
    """Return about as many voxels of another size; the file does not say so."""
    shape = tuple(
        min(round(n * times), all_)
        for n, all_ in zip(cube.shape, block.image.shape, strict=True)
    )
    box = block.cut(cube.corner, shape)
    # Averages what a larger voxel covers.
    smooth = gaussian_filter(box.image.astype(np.float32), 0.3 * times * (times > 1))
    grid = {"zoom": 1 / times, "grid_mode": True, "mode": "nearest"}
    return box._replace(
        image=grey(zoom(smooth, order=1, **grid)),
        supervoxels=zoom(box.supervoxels, order=0, **grid),
        labels=None,
    )


def looks_of(name: str, block: Block) -> pd.DataFrame:
    """Return the appearance of cubes, own and damaged, a row each."""
    rows: list[dict[str, Any]] = []
    counts = {0: 0, 1: 0}
    for cube in cubes_of(block.image.shape, OWN):
        cases = [("own", block.cut(cube.corner, cube.shape))]
        counts[cube.half] += 1
        if counts[cube.half] <= DAMAGED // 2:
            cases += damaged(block, cube)
        rows += (
            {"block": name, "half": cube.half, "case": case, "look": look(seen)}
            for case, seen in cases
        )
    return pd.DataFrame(rows)


def look(block: Block) -> Appearance:
    """Measure a block."""
    return Appearance.of(block.volume())


def is_one_tissue(one: str, other: str) -> bool:
    """Return whether two blocks are of one tissue."""
    return one.split(".")[0] == other.split(".")[0]


def learn(looks: pd.DataFrame, blocks: list[str], half: int) -> Familiar:
    """Learn from a half of each block."""
    own = looks[(looks["case"] == "own") & (looks["half"] == half)]
    return Familiar.of(
        {name: own.loc[own["block"] == name, "look"] for name in blocks}, {}
    )


def strangeness(familiar: Familiar, looks: pd.Series) -> NDArray[np.float64]:
    """Return distances in bounds."""
    tissues, off = familiar.tissues, []
    for seen in looks:
        name = familiar.nearest(seen)
        off.append(tissues[name].distance(seen) if name else 0.0)
    return np.array(off)


def auc(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how often one of the others is stranger than one of the own."""
    above = other[:, None] > own[None]
    return float((above + 0.5 * (other[:, None] == own[None])).mean())


def measure(looks: pd.DataFrame, blocks: list[str]) -> pd.DataFrame:
    """Return a row a case: AUC against own cubes, and the share that rings."""
    rows = []
    for half in (0, 1):
        familiar = learn(looks, blocks, half)
        learned = looks["block"].isin(blocks)
        asked = looks[(learned & (looks["half"] != half)) | (~learned)]
        asked = asked[asked["block"].isin(blocks) | (asked["case"] == "own")]
        of = asked["block"].where(~asked["block"].isin(blocks), "")
        case = asked["case"].where(of == "", "other: " + of)
        found = {
            name: strangeness(familiar, group["look"])
            for name, group in asked.groupby(case, sort=False)
        }
        own = found["own"]
        rows += (
            {"case": name, "auc": auc(own, those), "rings": float((those > 1).mean())}
            for name, those in found.items()
        )
    return pd.DataFrame(rows).groupby("case", sort=False).mean()


def report(looks: pd.DataFrame, learned: list[list[str]]) -> Iterator[str]:
    """Yield a Markdown table: a row a case, a column a set that was learned from."""
    found = {" + ".join(blocks): measure(looks, blocks) for blocks in learned}
    cases = dict.fromkeys(case for table in found.values() for case in table.index)
    yield "| asked about | " + " | ".join(found) + " |"
    yield "|---" * (len(found) + 1) + "|"
    for case in cases:
        cells = [
            f"{table.at[case, 'auc']:.3f}, {table.at[case, 'rings']:.0%}"
            if case in table.index
            else ""
            for table in found.values()
        ]
        cells = [cell.split(", ")[-1] for cell in cells] if case == "own" else cells
        yield f"| {case} | " + " | ".join(cells) + " |"
    for name, table in found.items():
        same = [
            is_one_tissue(case.removeprefix("other: "), name) for case in table.index
        ]
        others = table[~np.array(same) & (table.index != "own")]
        yield (
            f"\n{name}: {table.at['own', 'rings']:.1%} of own cubes ring; others: AUC "
            f"{others['auc'].mean():.3f}, least {others['auc'].min():.3f} "
            f"({others['auc'].idxmin()}); {others['rings'].mean():.0%} of them ring"
        )


def harm(
    blocks: dict[str, Block], looks: pd.DataFrame, checkpoint: Path, count: int
) -> Iterator[str]:
    """Yield a line a cube: how strange it is, and the precision of its contacts."""
    model, info = load_checkpoint(checkpoint)
    first = next(iter(blocks))
    familiar, rows = learn(looks, [first], 0), []
    for name, block in blocks.items():
        cubes = [cube for cube in cubes_of(block.image.shape, OWN) if cube.half]
        for cube in cubes[:: max(len(cubes) // count, 1)][:count]:
            cases = [("own", block.cut(cube.corner, cube.shape))]
            cases += damaged(block, cube) if name == first else []
            for case, seen in cases:
                if seen.labels is not None:
                    scored = score_contacts(
                        model, seen.volume(), info.model_settings.image
                    )
                    strange = strangeness(familiar, pd.Series([look(seen)]))[0]
                    found = judged(seen, scored.pairs, scored.evidence)
                    rows.append(
                        {"block": name, "case": case, "strange": strange, **found}
                    )
    table = pd.DataFrame(rows)
    yield table.groupby(["block", "case"], sort=False).mean().round(3).to_markdown()
    for column in table.columns[3:]:
        rank = spearmanr(table["strange"], table[column], nan_policy="omit").statistic
        yield f"strangeness and {column}: rank correlation {rank:.2f}, n = {len(table)}"


def judged(
    block: Block, pairs: NDArray[np.int64], evidence: NDArray[np.float32]
) -> dict[str, float]:
    """Judge contacts of pure segments, and measure all."""
    ids, (_, labels) = (
        block.volume().segmentation,
        np.unique(block.labels, return_inverse=True),
    )
    counts = np.zeros((int(ids.max()) + 1, int(labels.max()) + 1))
    np.add.at(counts, (ids.ravel(), labels.ravel()), 1)
    counts[:, 0] *= bool(block.labels.min() > 0)
    pure = counts.max(1) >= PURE * np.maximum(counts.sum(1), 1)
    label = np.where(pure & (counts.sum(1) > 0), counts.argmax(1), -1)
    one, other = label[pairs.T]
    known, odds = (one >= 0) & (other >= 0), evidence.mean(0)
    return {
        "precision": average_precision((one == other)[known], odds[known]),
        "precision of apart": average_precision((one != other)[known], -odds[known]),
        "together": float((odds > 0).mean()),
        "log odds": float(odds.mean()),
        "members' deviation": float(evidence.std(0).mean()),
    }


def average_precision(right: NDArray[np.bool_], score: NDArray[np.float32]) -> float:
    """Return the mean precision at each right one, the highest score first."""
    ranked = right[np.argsort(-score, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean()) if ranked.any() else float("nan")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blocks", nargs="+", help="NAME=PATH@EDGES")
    parser.add_argument("--harm", type=int, default=0, help="cubes a block to score")
    parser.add_argument("--model", type=Path, default=MODEL)
    return parser.parse_args()


def main() -> None:
    """Print Markdown."""
    options = parse()
    torch.set_num_threads(1)
    named = (argument.partition("=")[::2] for argument in options.blocks)
    blocks = {name: Block.read(path) for name, path in named}
    looks = pd.concat(looks_of(*item) for item in blocks.items())
    names = list(blocks)
    several = [[n for n in names if not is_one_tissue(n, out)] for out in names]
    learned = [[name] for name in names] + several
    unique = [list(one) for one in dict.fromkeys(map(tuple, learned)) if one]
    print("\n".join(report(looks, unique)))
    if options.harm:
        print("\n".join(harm(blocks, looks, options.model, options.harm)))


if __name__ == "__main__":
    main()
