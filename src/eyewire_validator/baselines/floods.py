"""Floods from the seed along the strongest edges of a graph of segments.

The score of a segment is the highest threshold at which a flood along the edges at or
above it still reaches the segment from the seed, that is, the weakest edge of the best
path. Thresholded like the probability of any other model, it gives that flood.
"""

import logging
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.answers import (
    Answer,
    Answerer,
    MakeAnswerer,
    Resources,
    answer_in_segments,
)
from eyewire_validator.baselines.masks import answer_given
from eyewire_validator.config.families import ModelSettings
from eyewire_validator.tasks.answering import answer_tasks
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.contacts import contacts_of
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.graph import GRAPHS, Graph, flood
from eyewire_validator.volumes.store import VolumeStore

log = logging.getLogger(__name__)


def contact_greedy(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Take, again and again, the segment in closest contact with what is there.

    Stopping below a threshold makes that the flood of `Contacts.graph`. Segments that
    vanished in the vote score 0.
    """
    contacts = contacts_of(resources.store)
    answer = partial(_answer, resources.store, lambda v: contacts(v).graph())
    return partial(answer_tasks, answer)


def msty(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Flood the spanning tree of affinities, as Eyewire's own agent does.

    The agent has one global threshold (`datasets.mst_threshold`, 0.35 by default); here
    it is chosen like that of any other model. Where the bucket has no graph, the answer
    is the seed alone, and the log says so once.
    """
    graph_of = _affinities(resources.store)

    def make(index: pd.DataFrame) -> Answerer:
        _warn_of_bare_volumes(graph_of, index)
        return answer_tasks(partial(_answer, resources.store, graph_of), index)

    return make


def msty_oracle(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer as `msty` does, with the threshold that is best for each single task.

    A reference: it knows the truth. Best is the threshold with the fewest wrong voxels,
    missed or falsely merged. (The best IoU of a task without its seed would be no
    bound: it floods the whole volume as soon as that wins any voxel of the truth.)
    """
    store, graph_of = resources.store, _affinities(resources.store)

    def make(index: pd.DataFrame) -> Answerer:
        _warn_of_bare_volumes(graph_of, index)
        answer = partial(_answer_best, store, graph_of, resources.dust)
        return answer_tasks(answer, index)

    return make


def _affinities(store: VolumeStore) -> Callable[[int], Graph]:
    """Return a function that reads the graph of a volume; the last ones are kept."""

    def read(volume: int) -> Graph:
        edges = store.graph(volume)
        weights = edges["affinity"].to_numpy(np.float32).clip(0, 1)
        return Graph(edges[["one", "other"]].to_numpy(np.int64), weights)

    return lru_cache(GRAPHS)(read)


def _warn_of_bare_volumes(
    graph_of: Callable[[int], Graph], index: pd.DataFrame
) -> None:
    volumes = index.loc[index["split"].notna(), "volume"].unique()
    if bare := sum(not len(graph_of(volume).pairs) for volume in volumes):
        counts = f"{bare} of {len(volumes)} volumes"
        log.warning("%s have no segmentation.graph: only the seed is answered", counts)


def _answer(store: VolumeStore, graph_of: Callable[[int], Graph], task: Task) -> Answer:
    scores = flood(graph_of(task.volume_id), task.seed)
    return answer_in_segments(store.get(task.volume_id).segmentation, task.seed, scores)


def _answer_best(
    store: VolumeStore, graph_of: Callable[[int], Graph], dust: Dust, task: Task
) -> Answer:
    coverage = store.coverage(task.volume_id)
    candidates = coverage.segments[coverage.candidates(task.seed, dust)]
    segments = candidates["segment"].to_numpy()
    scores = flood(graph_of(task.volume_id), task.seed)[segments]
    belongs = np.isin(segments, task.aggregate)
    threshold = _best_threshold(scores, belongs, candidates["voxels"].to_numpy())
    return answer_given(task, segments[scores >= threshold], store)


def _best_threshold(
    scores: NDArray[np.float32], belongs: NDArray[np.bool_], voxels: NDArray[np.int64]
) -> float:
    """Return the threshold with the fewest wrong voxels; infinite if none helps."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    ranked = scores[order]
    gains = np.cumsum(np.where(belongs, voxels, -voxels)[order])
    # Segments of equal scores are chosen together.
    gains[:-1][ranked[1:] == ranked[:-1]] = 0
    return float(ranked[gains.argmax()]) if gains.max(initial=0) > 0 else np.inf
