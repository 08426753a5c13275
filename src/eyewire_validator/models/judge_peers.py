"""Judge what peers make of the affinities of a network that never saw the tissue.

A peer cuts a volume into objects once, by one bias. The answer to a task is all that
lies in an object with a segment of its seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.baselines.evidence_scale import EvidenceScale
from eyewire_validator.baselines.peers import RegionGraph, cut
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.models.carry_over import REPORTED, report_answers
from eyewire_validator.models.evidence import Evidence

# Biases that are tried for each tissue: quantiles of the evidence on its contacts.
BIASES = 64
# A peer chooses, and accepts nothing unseen.
_CHOSEN = Decisions(0.5, accept=None, reject=None, tasks=0, cells=0, segments=0)


@dataclass(frozen=True)
class CutTissue:
    """The tasks of a tissue, as objects of its region graphs answer them.

    Attributes:
        graphs: of the volumes, with the evidence on the scale of each.
        seeds: (m, 2) int64 row of a task, and node among those of all graphs of a
            segment of its seed, as far as it touches another one.
        candidates: (n, 2) int64 the same of each candidate; -1 for what touches none.
        truth: (n,) bool, whether a candidate is in the answer.
    """

    graphs: Sequence[RegionGraph]
    seeds: NDArray[np.int64]
    candidates: NDArray[np.int64]
    truth: NDArray[np.bool_]

    @classmethod
    def of(cls, evidence: Evidence) -> "CutTissue":
        """Prepare a tissue to be cut by any peer."""
        graphs = _region_graphs(evidence)
        ids = [
            pd.MultiIndex.from_product([[volume], graph.segments])
            for volume, graph in graphs.items()
        ]
        nodes = ids[0].append(ids[1:])
        tasks = pd.Index(evidence.tasks["task"])

        def place(rows: pd.DataFrame) -> NDArray[np.int64]:
            segments = pd.MultiIndex.from_frame(rows[["volume", "segment"]])
            node = nodes.get_indexer(segments)
            return np.stack([tasks.get_indexer(rows["task"]), node], axis=1)

        seeds = place(
            evidence.tasks[["task", "volume", "seed"]]
            .rename(columns={"seed": "segment"})
            .explode("segment")
            .astype(np.int64)
        )
        return cls(
            list(graphs.values()),
            seeds[seeds[:, 1] >= 0],
            place(evidence.candidates),
            evidence.candidates["truth"].to_numpy(np.bool_),
        )

    def answer(self, peer: str, bias: float) -> NDArray[np.bool_]:
        """Return which candidates are answered: (n,) bool."""
        objects = [cut(peer, graph, bias) for graph in self.graphs]
        # A task lies in one volume. What touches nothing is in no object.
        object_of = np.append(np.concatenate(objects), -1)
        given, asked = (
            rows[:, 0] * len(object_of) + object_of[rows[:, 1]]
            for rows in (self.seeds, self.candidates)
        )
        return np.isin(asked, given)

    def edits(self, peer: str, bias: float) -> float:
        """Return the segments to add or remove, as a share of what belongs."""
        wrong = self.answer(peer, bias) != self.truth
        return float(wrong.sum() / max(1, self.truth.sum()))


def _region_graphs(evidence: Evidence) -> dict[int, RegionGraph]:
    """Return the graph of each volume, with the evidence on the scale of its own."""
    contacts, graphs = evidence.contacts, {}
    for volume in evidence.tasks["volume"].unique().tolist():
        rows = contacts[contacts["volume"] == volume]
        area = rows["area"].to_numpy(np.float64)
        log_odds = rows["log_odds"].to_numpy(np.float64)
        scale = EvidenceScale.of(area, log_odds.astype(np.float32)[None])
        graphs[volume] = RegionGraph.of(
            rows[["one", "other"]].to_numpy(np.int64),
            area,
            (log_odds - scale.middle) / scale.spread,
        )
    return graphs


def choose_bias(peer: str, tissues: Sequence[CutTissue]) -> float:
    """Return the bias that leaves the fewest edits, tissues counting the same.

    Tried are quantiles of the evidence of each tissue, and one above all, by which
    nothing is joined; of equals, the highest is returned.
    """
    levels = [np.concatenate([graph.level for graph in one.graphs]) for one in tissues]
    quantiles = [np.quantile(level, np.linspace(0, 1, BIASES)) for level in levels]
    nothing = np.concatenate(levels).max() + 1
    biases = np.unique(np.concatenate([*quantiles, [nothing]]))[::-1]
    edits = [sum(one.edits(peer, bias) for one in tissues) for bias in biases]
    return float(biases[int(np.argmin(edits))])


def judge_peer(
    peer: str,
    own: Evidence,
    others: Sequence[Evidence],
    *,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> dict[str, Any]:
    """Choose the bias of a peer on other tissues, and judge it on this one.

    Args:
        peer: one of `PEERS`.
        own: of the tissue that is judged, by a model that never saw it.
        others: of other tissues, each by a model that saw neither it nor this one.
        volume_voxels: full-resolution voxels of a volume of the tissue.
        bootstrap: ``resamples`` and ``random_seed``.

    Returns:
        What `report_answers` does, but for the area under precision and recall: a
        peer gives no probabilities.

    Raises:
        ModelError: the optional extra of peers is not here.
    """
    bias = choose_bias(peer, [CutTissue.of(one) for one in others])
    chosen = CutTissue.of(own).answer(peer, bias)
    segments = own.candidates.assign(probability=chosen.astype(np.float32))
    tasks = own.tasks.assign(alarm=None)
    answers = decide(segments, tasks, _CHOSEN, volume_voxels=volume_voxels)
    ranked = rank_segments(batches_of(segments), tasks)
    metrics = [name for name in REPORTED if name != "pr_auc"]
    return report_answers(answers, ranked, bootstrap, metrics)
