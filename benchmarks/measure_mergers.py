"""Measure how well affinities tell segments that hold two neurons.

    python benchmarks/measure_mergers.py \
        fib25_dev=BLOCK.npz@10,10,10@0:120,0:200,0:200=CHECKPOINT ...

A block has the arrays ``image``, ``supervoxels``, and ``gt`` or ``labels`` (0 is
unlabelled); then the edges of its voxels (z, y, x) in nm, the part of it that is
measured, and a checkpoint whose U-Net never saw it. Name two blocks or more: what is
fitted is fitted to the others.

Every segment is cut into fragments, the basins of the distance to its surface and to
weak affinities in it. They are linked by the mean logit over the faces between them. A
joining of two parts, each of `LEAST_PART` voxels or more, is judged by a logistic
regression; a segment is as suspect as the most suspect of its joinings, and is cut
there. Natural mergers are supervoxels that hold two labels, of a tenth and of
`LEAST_HELD` labelled voxels at least; mutilated truth is a second segmentation, in
which touching pure supervoxels are joined two by two, across neurons and within one.
"""

import argparse
import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.ndimage import (
    distance_transform_edt,
    find_objects,
    gaussian_filter,
    label,
    maximum_filter,
)
from skimage.segmentation import watershed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from eyewire_validator.agglomeration.affinities import next_neighbours
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.cube_grid import (
    cube_edge,
    onto_faces,
    resample_image,
)
from eyewire_validator.agglomeration.evidence_scale import EvidenceScale
from eyewire_validator.agglomeration.filters import standardize_image
from eyewire_validator.agglomeration.linkage import HIGHEST
from eyewire_validator.agglomeration.tiles import tiles_of
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.contacts import mean_over_faces
from eyewire_validator.volumes.voxel_size import (
    VoxelSize,
    relative_areas,
    relative_edges,
)

TILE, MARGIN = 96, 8
# A voxel is inside a fragment where the mean logit to its neighbours in the segment is
# above this, on the scale of the volume's contacts; tops of the distance are the
# highest within `APART` voxels, and so far from a surface.
WEAK, APART, LEAST_DEPTH = -1.0, 2, 0.3
LEAST_PART, LEAST_HELD, LEAST_SHARE, DUST = 50, 100, 0.1, 100
# Faces that two supervoxels share at least, to be joined.
LEAST_CONTACT = 6
# Of the most common label: in a segment that is pure, and in one that is joined.
PURE, JOINED_PURE = 0.98, 0.95
# Pure segments that are compared with a natural merger, the nearest in size.
MATCHED = 3
RESAMPLES, FALSE_ALARMS, WEAK_PART = 300, 0.05, 0.05
MERGERS = ("merger", "joined across")
FEATURES = ["level", "smaller", "whole", "neck"]
SCORES = ["suspect", "size", "weakest", "weak part"]
# Of a segment that no two large parts are joined in.
NO_JOINING = -8.0
TESTS = {
    "mutilated": ("joined across", ["joined within one", "pure"]),
    "against pairs": ("joined across", ["joined within one"]),
    "natural": ("merger", ["pure"]),
}


class Block(NamedTuple):
    """A labelled block: (z, y, x) arrays, and (3, z, y, x) logits between voxels."""

    name: str
    supervoxels: NDArray[np.int32]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    voxel_nm: VoxelSize
    labelled_share: float

    @classmethod
    def read(cls, argument: str) -> "Block":
        """Read NAME=PATH@EDGES@BOX=CHECKPOINT."""
        name, place, checkpoint = argument.split("=")
        path, edges, box = place.split("@")
        bounds = (bound.split(":") for bound in box.split(","))
        part = tuple(slice(int(low), int(high)) for low, high in bounds)
        z, y, x = map(float, edges.split(","))
        arrays = np.load(path)
        labels = arrays["gt" if "gt" in arrays else "labels"][part].astype(np.int64)
        logits = logits_of(Path(checkpoint), arrays["image"][part], (z, y, x))
        slices = float((labels > 0).any(axis=(1, 2)).mean())
        ids = arrays["supervoxels"][part].astype(np.int32)
        return cls(name, ids, labels, logits, (z, y, x), slices)


def logits_of(
    checkpoint: Path, image: NDArray[np.uint8], voxel_nm: VoxelSize
) -> NDArray[np.float32]:
    """Return (3, z, y, x) logits of each voxel and the next one, seen in one turn."""
    model = load_checkpoint(checkpoint)[0]
    edge = cube_edge(voxel_nm, model.learned_nm)
    seen = image if edge is None else resample_image(image, voxel_nm, edge)
    network: AffinityUNet = model.network
    with torch.inference_mode():
        logits = in_tiles(network, torch.from_numpy(standardize_image(seen)))
        if edge is not None:
            logits = onto_faces(logits, image.shape)
    return logits.clamp(-HIGHEST, HIGHEST).numpy()


def in_tiles(network: AffinityUNet, image: torch.Tensor) -> torch.Tensor:
    """Return the logits of a (z, y, x) image."""
    logits = torch.empty((3, *image.shape))
    for seen, used, inside in tiles_of(image.shape, TILE, MARGIN):
        logits[:, *used] = next_neighbours(network, image[seen][None])[0][:, *inside]
    return logits


class Fragments(NamedTuple):
    """The fragments of a segmentation.

    Attributes:
        ids: (z, y, x) int32, from 1 on; 0 where there is no segment.
        owners: (n,) the segment of each.
    """

    ids: NDArray[np.int32]
    owners: NDArray[np.int64]


def fragment(
    segments: NDArray[np.int32],
    is_surface: NDArray[np.bool_],
    mean: NDArray[np.float32],
    edges: VoxelSize,
    weak: float,
) -> Fragments:
    """Cut segments where they are narrow, or affinities in them weak."""
    inner = np.pad(~is_surface & (mean > weak), 1)
    depth = distance_transform_edt(inner, edges)[1:-1, 1:-1, 1:-1].astype(np.float32)
    depth = gaussian_filter(depth, 1 / np.array(edges))
    depth[is_surface] = 0
    tops = (depth == maximum_filter(depth, 2 * APART + 1)) & (depth > LEAST_DEPTH)
    markers, count = label(tops)
    basins = watershed(-depth, markers).astype(np.int64)
    codes = np.where(segments > 0, segments * np.int64(count + 1) + basins, 0)
    found, ids = np.unique(codes, return_inverse=True)
    first = int(found[0] != 0)
    ids = ids.reshape(segments.shape).astype(np.int32) + first
    owners = np.append(np.zeros(first, np.int64), found // (count + 1))
    return Fragments(ids, owners)


def surface_and_mean(
    segments: NDArray[np.int32], logits: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which voxels touch others, and the mean logit to those of the same."""
    is_surface = segments == 0
    total, count = np.zeros((2, *segments.shape), np.float32)
    for axis in range(3):
        before, behind = neighbours(axis)
        same = segments[before] == segments[behind]
        values = logits[axis][before] * same
        for side in (before, behind):
            total[side] += values
            count[side] += same
            is_surface[side] |= ~same
    return is_surface, total / np.maximum(count, 1)


def low_quantile(
    segments: NDArray[np.int32], mean: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Return by segment id the value that this share of its voxels are below."""
    order = np.lexsort((mean.ravel(), segments.ravel()))
    sizes = np.bincount(segments.ravel())
    starts = sizes.cumsum() - sizes
    places = starts + (share * sizes).astype(np.int64)
    return mean.ravel()[order[np.minimum(places, len(order) - 1)]]


def neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return all voxels that have a next one along an axis, and the next ones."""
    before, behind = [slice(None)] * 3, [slice(None)] * 3
    before[axis], behind[axis] = slice(None, -1), slice(1, None)
    return tuple(before), tuple(behind)


class Joining(NamedTuple):
    """Two parts that linkage joins: the mean logit, area and centre between them."""

    level: float
    area: float
    centre: NDArray[np.float64]
    one: list[int]
    other: list[int]


def link(pairs: NDArray[np.int64], sums: NDArray[np.float64]) -> Iterator[Joining]:
    """Join fragments by mean linkage, the surest first.

    Args:
        pairs: (n, 2) fragments of each contact.
        sums: (n, 5) its area, and the sums over it of logit, z, y and x.
    """
    around: dict[int, dict[int, NDArray[np.float64]]] = {}
    members = {one: [one] for one in pairs.ravel().tolist()}
    for (one, other), sum_ in zip(pairs.tolist(), sums, strict=True):
        around.setdefault(one, {})[other] = sum_
        around.setdefault(other, {})[one] = sum_
    waiting = [
        (-s[1] / s[0], *pair) for pair, s in zip(pairs.tolist(), sums, strict=True)
    ]
    heapq.heapify(waiting)
    while waiting:
        unsure, one, other = heapq.heappop(waiting)
        between = around.get(one, {}).get(other)
        if between is None or -between[1] / between[0] != unsure:
            continue  # it was of parts that are gone, or has got less sure
        centre = between[2:] / between[0]
        yield Joining(-unsure, between[0], centre, [*members[one]], [*members[other]])
        members[one] += members.pop(other)
        del around[one][other], around[other][one]
        for third, more in around.pop(other).items():
            del around[third][other]
            total = around[one].get(third, 0) + more
            around[one][third] = around[third][one] = total
            pair = min(one, third), max(one, third)
            heapq.heappush(waiting, (-total[1] / total[0], *pair))


def count_labels(ids: NDArray[np.integer], labels: NDArray[np.int64]) -> pd.DataFrame:
    """Count the labelled voxels of each id, its most common label first (rank 0)."""
    known = (ids > 0) & (labels > 0)
    base = np.int64(labels.max() + 1)
    codes, voxels = np.unique(ids[known] * base + labels[known], return_counts=True)
    table = pd.DataFrame(
        {"id": codes // base, "label": codes % base, "voxels": voxels}
    ).sort_values(["id", "voxels"], ascending=[True, False], kind="stable")
    return table.assign(rank=table.groupby("id").cumcount())


def of_rank(
    table: pd.DataFrame, rank: int, column: str, count: int
) -> NDArray[np.int64]:
    """Return (count,) by id a column of its label of this rank; 0: none."""
    rows = table[table["rank"] == rank]
    found = np.zeros(count, np.int64)
    found[rows["id"]] = rows[column]
    return found


def kinds_of(block: Block) -> tuple[dict[int, str], NDArray[np.int64]]:
    """Return the kind of supervoxels that are known, and labels of pure ones, or 0."""
    sizes = np.bincount(block.supervoxels.ravel())
    table = count_labels(block.supervoxels, block.labels)
    most, second = (of_rank(table, rank, "voxels", len(sizes)) for rank in (0, 1))
    total = np.bincount(table["id"], table["voxels"], len(sizes))
    is_known = (sizes > DUST) & (total >= sizes * block.labelled_share / 2)
    purity = most / np.maximum(total, 1)
    least = np.maximum(LEAST_SHARE * total, LEAST_HELD * block.labelled_share)
    large = is_known & (sizes > 2 * DUST)
    kinds = {int(one): "pure" for one in np.flatnonzero(large & (purity >= PURE))}
    kinds |= {int(one): "merger" for one in np.flatnonzero(large & (second >= least))}
    labels = of_rank(table, 0, "label", len(sizes))
    return kinds, np.where(is_known & (purity >= JOINED_PURE), labels, 0)


def mutilate(
    pairs: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Join pure supervoxels that touch, each to one other at most, in random order.

    Returns:
        The new id of each, and what the joined ones hold.
    """
    ids, kinds, taken = np.arange(len(labels), dtype=np.int32), {}, set[int]()
    for one, other in np.random.default_rng(0).permutation(pairs).tolist():
        if labels[one] and labels[other] and not {one, other} & taken:
            taken |= {one, other}
            ids[other] = one
            same = labels[one] == labels[other]
            kinds[one] = "joined within one" if same else "joined across"
    return ids, kinds


def joinings_of(
    block: Block,
    segments: NDArray[np.int32],
    kinds: dict[int, str],
    scale: EvidenceScale,
) -> pd.DataFrame:
    """Return a row a joining of large parts in the segments that have a kind.

    One with no such joining has a row without a level.
    """
    weak = scale.middle + WEAK * scale.spread
    is_surface, mean = surface_and_mean(segments, block.logits)
    edges = relative_edges(block.voxel_nm)
    cut = fragment(segments, is_surface, mean, edges, weak)
    owner, pairs, sums = contacts_inside(cut, block)
    sizes = np.bincount(cut.ids.ravel(), minlength=len(cut.owners))
    whole = np.bincount(segments.ravel())
    weakest, weak_part = (low_quantile(segments, mean, one) for one in (0, WEAK_PART))
    held, boxes = labels_in(cut.ids, block.labels), find_objects(segments)
    rows = []
    for segment, kind in kinds.items():
        of_segment = {
            "block": block.name,
            "segment": segment,
            "kind": kind,
            "voxels": whole[segment],
            "weakest": (weakest[segment] - scale.middle) / scale.spread,
            "weak part": (weak_part[segment] - scale.middle) / scale.spread,
        }
        own = slice(*np.searchsorted(owner, [segment, segment + 1]))
        meet = where_labels_meet(segments, block.labels, segment, boxes, kind)
        found = [
            {
                "level": (joining.level - scale.middle) / scale.spread,
                "smaller": np.log(smaller),
                "whole": np.log(whole[segment]),
                "neck": np.log(joining.area),
                "apart": are_apart(joining, held),
                "off": distance(joining.centre, meet),
            }
            for joining in link(pairs[own], sums[own])
            if (smaller := min(sizes[joining.one].sum(), sizes[joining.other].sum()))
            >= LEAST_PART
        ]
        rows += [of_segment | joining for joining in found or [{}]]
    return pd.DataFrame(rows)


def contacts_inside(
    cut: Fragments, block: Block
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the contacts of fragments of one segment: it, the pair, and sums."""
    areas = relative_areas(block.voxel_nm)
    grid = np.indices(cut.ids.shape, np.float32)
    values = [block.logits, *(np.stack([axis] * 3) for axis in grid)]
    of_each = [mean_over_faces(cut.ids, one, areas) for one in values]
    pairs, area, _ = of_each[0]
    owner = cut.owners[pairs[:, 0]]
    inside = np.flatnonzero(owner == cut.owners[pairs[:, 1]])
    inside = inside[np.argsort(owner[inside], kind="stable")]
    means = np.stack([np.ones(len(area)), *(one[2] for one in of_each)], axis=1)
    return owner[inside], pairs[inside], (means * area[:, None])[inside]


def labels_in(
    ids: NDArray[np.int32], labels: NDArray[np.int64]
) -> dict[int, dict[int, int]]:
    """Return label -> voxels by fragment."""
    found: dict[int, dict[int, int]] = {}
    for one, name, voxels in count_labels(ids, labels).iloc[:, :3].itertuples(False):
        found.setdefault(one, {})[name] = voxels
    return found


def are_apart(joining: Joining, held: dict[int, dict[int, int]]) -> float:
    """Return whether two parts are mostly of different labels; NaN if unlabelled."""
    most = []
    for part in (joining.one, joining.other):
        voxels: dict[int, int] = {}
        for one in part:
            for name, count in held.get(one, {}).items():
                voxels[name] = voxels.get(name, 0) + count
        most.append(max(voxels, key=lambda name: (voxels[name], name), default=None))
    return float("nan") if None in most else float(most[0] != most[1])


def where_labels_meet(
    segments: NDArray[np.int32],
    labels: NDArray[np.int64],
    segment: int,
    boxes: list[tuple[slice, ...]],
    kind: str,
) -> list[NDArray[np.int64]]:
    """Return the voxels of the two most common labels of a merger; else none."""
    if kind not in MERGERS:
        return []
    box = boxes[segment - 1]
    inside = np.where(segments[box] == segment, labels[box], 0)
    names, counts = np.unique(inside[inside > 0], return_counts=True)
    corner = [side.start for side in box]
    largest = names[np.argsort(-counts, kind="stable")[:2]]
    return [np.argwhere(inside == name) + corner for name in largest]


def distance(place: NDArray[np.float64], meet: list[NDArray[np.int64]]) -> float:
    """Return how far a place is from the farther of two labels, in voxels."""
    return max(
        (float(np.linalg.norm(one - place, axis=1).min()) for one in meet),
        default=float("nan"),
    )


def measured(block: Block) -> pd.DataFrame:
    """Return the joinings of a block as it is, and of its mutilated truth."""
    areas = relative_areas(block.voxel_nm)
    pairs, area, mean = mean_over_faces(block.supervoxels, block.logits, areas)
    scale = EvidenceScale.of(area, mean[None])
    kinds, labels = kinds_of(block)
    ids, joined = mutilate(pairs[area >= LEAST_CONTACT], labels)
    return pd.concat(
        [
            joinings_of(block, block.supervoxels, kinds, scale),
            joinings_of(block, ids[block.supervoxels], joined, scale),
        ]
    )


def fit(joinings: pd.DataFrame) -> Pipeline:
    """Fit how likely the two parts of a joining are of two neurons."""
    known = joinings.dropna(subset="apart")
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model.fit(known[FEATURES], known["apart"])


def judge(joinings: pd.DataFrame, model: Pipeline) -> pd.DataFrame:
    """Return a row a segment, its most suspect joining; scores rise with suspicion."""
    rows = joinings.reset_index(drop=True).assign(suspect=NO_JOINING)
    known = rows["level"].notna()
    rows.loc[known, "suspect"] = model.decision_function(rows.loc[known, FEATURES])
    lowest = rows.groupby(["kind", "segment"])["level"].transform("min")
    rows["lowest"] = (-lowest).fillna(NO_JOINING)
    rows["size"] = np.log(rows["voxels"])
    rows[["weakest", "weak part"]] *= -1
    ranked = rows.sort_values("suspect", ascending=False, kind="stable")
    return ranked.drop_duplicates(["kind", "segment"])


def matched(mergers: pd.DataFrame, pure: pd.DataFrame) -> pd.DataFrame:
    """Take the pure segments that are nearest in size to each merger, each once."""
    taken: list[int] = []
    sizes = np.log(pure["voxels"].to_numpy())
    for size in np.log(mergers["voxels"]):
        order = np.argsort(np.abs(sizes - size), kind="stable")
        taken += [one for one in order.tolist() if one not in taken][:MATCHED]
    return pure.iloc[taken]


def compare(
    test: tuple[str, list[str]], own: pd.DataFrame, learned: pd.DataFrame
) -> dict[str, str | int]:
    """Return AUC of each score, and how many are found at few false alarms."""
    positive, negative = test
    asked = learned[learned["kind"].isin([positive, *negative])]
    fitted = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced")
    ).fit(asked[SCORES], asked["kind"] == positive)
    own = own.assign(fitted=fitted.decision_function(own[SCORES]))
    mergers, others = own[own["kind"] == positive], own[own["kind"].isin(negative)]
    if positive == "merger":
        others = matched(mergers, others)
    found: dict[str, str | int] = {"mergers": len(mergers), "others": len(others)}
    for score in ("fitted", *SCORES, "lowest"):
        found[score] = auc(mergers[score].to_numpy(), others[score].to_numpy())
    for score in ("suspect", "fitted"):
        rings = others[score].quantile(1 - FALSE_ALARMS)
        found[f"{score} at 5 %"] = f"{(mergers[score] > rings).mean():.0%}"
    off = mergers["off"].dropna()
    found["cut off by, voxels"] = f"{off.median():.1f}, {off.quantile(0.9):.1f}"
    return found


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> str:
    """Return AUC with its 95 % interval over segments."""
    draw = np.random.default_rng(0)
    truth = np.repeat([1, 0], [len(positive), len(negative)])

    def of(p: NDArray[np.floating], n: NDArray[np.floating]) -> float:
        return float(roc_auc_score(truth, np.append(p, n)))

    drawn = [
        of(draw.choice(positive, len(positive)), draw.choice(negative, len(negative)))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{of(positive, negative):.3f} ({low:.3f} to {high:.3f})"


def report(joinings: pd.DataFrame) -> Iterator[dict[str, str | int]]:
    """Yield a row a block and test, fitted to the other blocks."""
    for name in joinings["block"].unique():
        own = joinings["block"] == name
        model = fit(joinings[~own])
        weights = model[-1].coef_[0].round(2).tolist()
        print(f"{name}: {dict(zip(FEATURES, weights, strict=True))}")
        others = [judge(each, model) for _, each in joinings[~own].groupby("block")]
        seen, learned = judge(joinings[own], model), pd.concat(others)
        for title, test in TESTS.items():
            yield {"block": name, "test": title} | compare(test, seen, learned)


def main() -> None:
    """Print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blocks", nargs="+", help="NAME=PATH@EDGES@BOX=CHECKPOINT")
    torch.set_num_threads(1)
    blocks = parser.parse_args().blocks
    joinings = pd.concat([measured(Block.read(one)) for one in blocks])
    print(pd.DataFrame(report(joinings)).to_markdown(index=False))


if __name__ == "__main__":
    main()
