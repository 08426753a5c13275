"""Measure grown cells against cells that are known.

The expected run length (ERL) is that of em_erl and funlib: a point is drawn anywhere on
the skeletons; how long is the path of its skeleton that is in the same object without a
false merge? So ERL = sum over cells of run^2 / sum over cells of path, and what is not
grown counts 0. An object is merged that has more than a number of nodes of another
cell's skeleton; its run is 0. NERL is the same, relative to the truth's own ERL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.evaluation.bootstrap import intervals, resample_cells
from eyewire_validator.growth.block import Block
from eyewire_validator.growth.skeletons import ROOT
from eyewire_validator.growth.truth import Truth, codes_of, codes_of_rows, first_wrong

# An object is merged with more than so many nodes of other cells.
MERGED = (0, 5, 20)
# Nodes of a branch that was missed and is worth an edit.
BRANCH = 10
NM_OF_UM = 1000.0


@dataclass(frozen=True)
class Skeletons:
    """The skeletons of all known cells.

    Attributes:
        nodes: table in the schema `SKELETON_NODES`, by cell and node.
        rows: (places,) int64 row of ``nodes``, of each place.
        codes: (places,) int64 the segment that a node lies in, ascending; a node lies
            in several volumes where these overlap.
    """

    nodes: pd.DataFrame
    rows: NDArray[np.int64]
    codes: NDArray[np.int64]

    @classmethod
    def place(cls, nodes: pd.DataFrame, block: Block) -> "Skeletons":
        """Find the segments that the nodes lie in, in all volumes of a block."""
        factor = np.array(block.store.geometry.factor)
        shape = np.array(block.store.geometry.coarse_shape)
        places = nodes[["z", "y", "x"]].to_numpy(np.int64) // factor
        rows, codes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for volume, corner in block.corners.items():
            local = places - np.array(corner) // factor
            inside = np.flatnonzero(((local >= 0) & (local < shape)).all(axis=1))
            if len(inside):
                z, y, x = local[inside].T
                segments = block.store.get(volume).segmentation[z, y, x]
                rows.append(inside)
                codes.append(codes_of(volume, segments.astype(np.int64)))
        every, order = np.concatenate(codes), np.argsort(np.concatenate(codes))
        return cls(nodes, np.concatenate(rows)[order], every[order])

    @cached_property
    def towards(self) -> NDArray[np.int64]:
        """(nodes,) the row that each node hangs on, itself for a root."""
        own = np.arange(len(self.nodes))
        towards = self.nodes["towards"].to_numpy(np.int64)
        first = own - self.nodes["node"].to_numpy(np.int64)
        return np.where(towards == ROOT, own, first + towards)

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """(nodes,) length of the edge that each node hangs by; 0 for a root."""
        lengths: NDArray[np.float64] = self.nodes["length"].to_numpy(np.float64)
        return lengths

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """(nodes,) the cell of each node."""
        cells: NDArray[np.int64] = self.nodes["cell"].to_numpy(np.int64)
        return cells

    def covered(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which nodes lie in any of these segments: (nodes,) bool."""
        found = np.zeros(len(self.nodes), np.bool_)
        found[self.rows[np.isin(self.codes, codes)]] = True
        return found

    def length(self, on: NDArray[np.bool_]) -> float:
        """Return the length of the edges both of whose nodes are on it."""
        return float(self.lengths[on & on[self.towards]].sum())

    def branches(self, on: NDArray[np.bool_]) -> int:
        """Count the connected pieces of these nodes that are `BRANCH` long or more."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        rows = np.flatnonzero(on)
        joined = rows[on[self.towards[rows]]]
        number = np.cumsum(on) - 1
        ends = number[joined], number[self.towards[joined]]
        graph = coo_array((np.ones(len(joined)), ends), shape=(len(rows),) * 2)
        _, piece = connected_components(graph, directed=False)
        return int((np.bincount(piece) >= BRANCH).sum()) if len(rows) else 0


def measure_cells(
    grown: pd.DataFrame, truth: Truth, skeletons: Skeletons, unit: float = NM_OF_UM
) -> pd.DataFrame:
    """Measure each known cell that was grown.

    Args:
        grown: table in the schema `GROWN`.
        truth: the segments of known cells.
        skeletons: their skeletons.
        unit: what lengths are divided by.

    Returns:
        A row a cell: ``cubes``; ``cubes_before_merge``, those answered before its first
        false merge, or all; ``mergers``, false merges, each counted once and not what
        grows from it; ``path``, of the truth; ``recovered`` of it, and
        ``recovered_before_merge``; ``foreign_nodes``, of other cells' skeletons, that
        it covers; ``withheld`` segments at which it stopped; ``missed`` branches;
        ``edits`` left, one a false merge and one a missed branch.
    """
    rows = [
        {"cell": cell, **_measure(cubes, truth[int(str(cell))], skeletons, unit)}
        for cell, cubes in grown.groupby("cell")
        if cell in truth
    ]
    return pd.DataFrame(rows)


def _measure(
    cubes: pd.DataFrame,
    of_cell: Mapping[int, NDArray[np.int64]],
    skeletons: Skeletons,
    unit: float,
) -> dict[str, Any]:
    cubes = cubes.sort_values("cube")
    mergers = first_wrong(cubes, of_cell)
    before = int(mergers.argmax()) if mergers.any() else len(cubes)
    codes = codes_of_rows(cubes)
    own = skeletons.cells == cubes["cell"].iloc[0]
    nothing = np.empty(0, np.int64)
    covered = skeletons.covered(np.concatenate([nothing, *codes]))
    at_first = skeletons.covered(np.concatenate([nothing, *codes[:before]])) & own
    missed = skeletons.branches(own & ~covered)
    return {
        "cubes": len(cubes),
        "cubes_before_merge": before,
        "mergers": int(mergers.sum()),
        "path": skeletons.length(own) / unit,
        "recovered": skeletons.length(covered & own) / unit,
        "recovered_before_merge": skeletons.length(at_first) / unit,
        "foreign_nodes": int((covered & ~own).sum()),
        "withheld": int(cubes["withheld"].map(len).sum()),
        "missed": missed,
        "edits": int(mergers.sum()) + missed,
    }


def summarize(
    cells: pd.DataFrame, resamples: int, random_seed: int
) -> dict[str, dict[str, Any]]:
    """Return measures over cells, with intervals of 95 % over cells drawn again.

    Args:
        cells: from `measure_cells`.
        resamples: how many times to draw.
        random_seed: of the draws.

    Returns:
        See `evaluation.bootstrap.intervals`; nothing of no cells.
    """
    if cells.empty:
        return {}
    columns = _summed(cells)
    drawn = resample_cells(cells["cell"].to_numpy(), resamples, random_seed)
    point = _ratios(pd.DataFrame([columns.sum()])).iloc[0]
    resampled = _ratios(
        pd.DataFrame(drawn @ columns.to_numpy(), columns=columns.columns)
    )
    return intervals(point, resampled)


def _summed(cells: pd.DataFrame) -> pd.DataFrame:
    """Return, of each cell, what measures are sums of."""
    found = cells[
        [*("cubes", "cubes_before_merge", "mergers", "edits", "withheld"),
         *("path", "recovered", "recovered_before_merge")]
    ].astype(float)  # fmt: skip
    found["cells"] = 1.0
    found["clean"] = (cells["mergers"] == 0).astype(float)
    found["stopped"] = (cells["withheld"] > 0).astype(float)
    found["path2"] = cells["path"] ** 2
    found["run2"] = cells["recovered"] ** 2
    for nodes in MERGED:
        merged = cells["foreign_nodes"] > nodes
        found[f"merged{nodes}"] = merged.astype(float)
        found[f"run2_{nodes}"] = np.where(merged, 0, found["run2"])
    return found


def _ratios(sums: pd.DataFrame) -> pd.DataFrame:
    """Return the measures, of the sums over cells in each row."""
    cells, path = sums["cells"], sums["path"]
    found = {
        "recovered_share": sums["recovered"] / path,
        "recovered_share_before_merge": sums["recovered_before_merge"] / path,
        "recovered_before_merge": sums["recovered_before_merge"] / cells,
        "cubes": sums["cubes"] / cells,
        "cubes_before_merge": sums["cubes_before_merge"] / cells,
        "mergers": sums["mergers"],
        "mergers_per_1000": 1000 * sums["mergers"] / sums["recovered"],
        "cells_without_merger": sums["clean"] / cells,
        "cells_stopped": sums["stopped"] / cells,
        "edits": sums["edits"] / cells,
        "erl_truth": sums["path2"] / path,
        "erl_if_mergers_were_cut": sums["run2"] / path,
    }
    for nodes in MERGED:
        found[f"erl_{nodes}"] = sums[f"run2_{nodes}"] / path
        found[f"nerl_{nodes}"] = sums[f"run2_{nodes}"] / sums["path2"]
        found[f"merged_{nodes}"] = sums[f"merged{nodes}"]
    return pd.DataFrame(found)
