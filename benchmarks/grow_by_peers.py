"""Grow cells by what others make of the same contacts, and measure them as growth is.

    python benchmarks/grow_by_peers.py RUN RUN RUN

Each is the folder of a finished `snakemake grow` from files at their full resolution,
with labels. A peer cuts each volume into objects once; a cube's answer is all that lies
in an object of its seed. Seeds spawn as in growth, without a bound of risk, as peers
have no probabilities. Contacts are those that growth scored, on the scale of the
volume. The bias of a peer is the one that leaves the fewest edits in the tasks of the
other runs, as a share of what belongs there: a run's own labels are not looked at.

Peers are those of `baselines.peers` (pip install '.[peers]'); `spanning_tree`, which
floods along all contacts above the bias, as MSTY does on Eyewire's own graph; and
`nothing`, which joins no segment, so that cells are what their supervoxels lead to.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eyewire_validator.agglomeration.scoring import ScoredContacts
from eyewire_validator.baselines.evidence_scale import EvidenceScale
from eyewire_validator.baselines.peers import PEERS, RegionGraph, cut
from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.cube_answers import Joinable
from eyewire_validator.growth.free_running import Limits, Seed, grow
from eyewire_validator.growth.measures import Skeletons, measure_cells, summarize
from eyewire_validator.growth.scores import scores_in
from eyewire_validator.growth.seeds import seeds_of
from eyewire_validator.growth.table import grown_table
from eyewire_validator.growth.truth import Truth, truth_of
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.columns import MINIMA
from eyewire_validator.storage.schemas.growth import SKELETON_NODES
from eyewire_validator.storage.schemas.index import LABELLED, TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

# Biases that are tried, in spreads of the evidence of a volume above its middle.
BIASES = np.arange(3.5, -0.01, -0.125)
SHOWN = (
    *("recovered_share", "mergers", "cells_without_merger", "edits"),
    *("erl_0", "erl_5", "erl_20", "nerl_20", "merged_0", "merged_5", "merged_20"),
)


@dataclass(frozen=True)
class Run:
    """A finished run: its tasks, seeds of known cells and their truth, and contacts."""

    answers: "PeerAnswers"
    tasks: list[Task]
    seeds: list[Seed]
    truth: Truth
    skeletons: Skeletons

    @classmethod
    def open(cls, results: Path) -> "Run":
        """Read what growth was made from, and measured by."""
        catalog = read_table(results / "volumes/catalog.parquet", CATALOG)
        ends = catalog[["max_z", "max_y", "max_x"]].to_numpy()
        size = tuple((ends - catalog[MINIMA].to_numpy()).max(axis=0).tolist())
        folders = sorted(map(str, (results / "volumes/groups").glob("*/")))
        geometry = {"size": size, "overlap": 0, "factor": 1}
        manifest = str(results / "sandbox/manifest.json")
        store = VolumeStore.open(folders, geometry, None, manifest)
        dust = Dust.of(None, 1, VolumeGeometry(**geometry).size)
        block = Block(store, corners_in(catalog), dust)
        index = read_table(results / "tasks/index.parquet", TASK_INDEX)
        truth, lineage = truth_of(index), Lineage(index)
        known = index["excluded"].isna() & (index["state"] == LABELLED)
        nodes = read_table(results / "growth/skeletons.parquet", SKELETON_NODES)
        return cls(
            PeerAnswers(block, sorted((results / "growth/scores").glob("*.parquet"))),
            [lineage.task(task) for task in index.loc[known, "task"].tolist()],
            [seed for seed in seeds_of(index) if seed.cell in truth],
            truth,
            Skeletons.place(nodes, block),
        )

    def grow(self, peer: str, bias: float) -> pd.DataFrame:
        """Return the measures of each cell, as a peer grows it."""
        self.answers.cut_by(peer, bias)
        cubes = grow(self.answers, self.seeds, Limits(path_risk=1.0))
        grown = grown_table(cubes, self.answers.block.corners)
        return measure_cells(grown, self.truth, self.skeletons)

    def edits(self, peer: str, bias: float) -> float:
        """Return the segments of tasks to add or remove, as a share of what belongs."""
        self.answers.cut_by(peer, bias)
        wrong = belong = 0
        for task in self.tasks:
            allowed = self.answers.block.candidates(task.volume_id, task.seed)
            truth = np.intersect1d(task.aggregate, allowed)
            joined = self.answers.answer(task, []).segments
            wrong, belong = wrong + len(np.setxor1d(truth, joined)), belong + len(truth)
        return wrong / belong


class PeerAnswers:
    """The answers of a peer to cubes, in place of `CubeAnswers`."""

    def __init__(self, block: Block, scores: Sequence[Path]) -> None:
        """Keep where the contacts are; cut none yet."""
        self.block, self.contacts = block, cache(scores_in(scores))

    def cut_by(self, peer: str, bias: float) -> None:
        """Answer by this peer from now on."""
        self.objects = cache(lambda volume: objects(self.contacts(volume), peer, bias))

    def alarm(self, volume: int) -> None:
        """Ring nowhere."""

    def answer(self, task: Task, ancestors: Sequence[Task]) -> Joinable:
        """Return all that lies in an object of the seed, as sure as can be."""
        segments, object_of = self.objects(task.volume_id)
        own = np.unique(object_of[np.isin(segments, task.seed)])
        found = segments[np.isin(object_of, own)]
        allowed = self.block.candidates(task.volume_id, task.seed)
        joined = np.intersect1d(found, allowed)
        return Joinable(joined, np.ones(len(joined)))


def levels(contacts: ScoredContacts) -> NDArray[np.float64]:
    """Return the log odds of contacts, on the scale of their volume."""
    scale = EvidenceScale.of(contacts.area, contacts.evidence)
    log_odds = contacts.evidence.mean(axis=0, dtype=np.float64)
    return (log_odds - scale.middle) / scale.spread


def objects(
    contacts: ScoredContacts, peer: str, bias: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the segments of a volume, and the object of each."""
    graph = RegionGraph.of(contacts.pairs, contacts.area, levels(contacts))
    if peer in PEERS:
        return graph.segments, cut(peer, graph, bias)
    joined = graph.nodes[graph.level > bias].T.astype(np.int64)
    size = (len(graph.segments),) * 2
    flooded = coo_array((np.ones(joined.shape[1]), tuple(joined)), shape=size)
    return graph.segments, connected_components(flooded, directed=False)[1]


def edits_by_bias(runs: Mapping[str, Run], peer: str) -> pd.DataFrame:
    """Return the edits in the tasks of each run: a row a bias, the highest first."""
    edits = {
        name: [run.edits(peer, bias) for bias in BIASES] for name, run in runs.items()
    }
    return pd.DataFrame(edits, index=BIASES)


def main() -> None:
    """Print a row a run and peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    given = parser.parse_args()
    runs = {one.name: Run.open(one / "results") for one in given.runs}
    print("", "run", "peer", "bias", *SHOWN, "", sep=" | ")
    for peer in ("nothing", "spanning_tree", *PEERS):
        edits = None if peer == "nothing" else edits_by_bias(runs, peer)
        for name, run in runs.items():
            # Of equals, the highest.
            bias = (
                math.inf
                if edits is None
                else edits.drop(columns=name).sum(axis=1).idxmin()
            )
            found = summarize(run.grow(peer, bias), resamples=2000, random_seed=0)
            row = [
                "{value:.2f} ({low:.2f} to {high:.2f})".format(**found[measure])
                for measure in SHOWN
            ]
            print("", name, peer, bias, *row, "", sep=" | ", flush=True)


if __name__ == "__main__":
    main()
