"""Gradient boosting on sizes, contacts and distances, without images.

Only what a task gives before it is answered goes into the features: its seed and its
volume's segments, never its aggregate.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import ThreadpoolController

from eyewire_validator.answers import (
    Answer,
    MakeAnswerer,
    Resources,
    answer_in_segments,
    no_segments,
)
from eyewire_validator.config.families import ModelSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.tasks.answering import answer_tasks
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.contacts import Contacts, area_with_seed, contacts_of
from eyewire_validator.volumes.coverage import AXES, SegmentCoverage
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import Edges
from eyewire_validator.volumes.graph import flood
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_edges

# Tasks to learn from at most, drawn at random; each has hundreds of candidates.
MAX_TASKS = 400
RANDOM_SEED = 0
# Small trees that learn slowly: with some 50 tasks, scikit-learn's defaults answer
# validation tasks worse than a constant does.
BOOSTING = {
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 50,
    "l2_regularization": 10.0,
    "early_stopping": False,
    "random_state": RANDOM_SEED,
}


# The libraries that have threads; to find them takes as long as to answer a task.
LIBRARIES = ThreadpoolController()

Ids = tuple[int, ...]


class Example(NamedTuple):
    """A task to learn from: its volume, its seed and its aggregate."""

    volume: int
    seed: Ids
    aggregate: Ids


@dataclass(frozen=True)
class GeometryAnswerer:
    """A trained model that answers tasks by the features of their candidates.

    Attributes:
        model: trained on rows of `features`.
        features: makes them.
        store: the volumes.
    """

    model: HistGradientBoostingClassifier
    features: "CandidateFeatures"
    store: VolumeStore

    def __call__(self, task: Task) -> Answer:
        """Answer a task that has a volume; what is no candidate gets 0."""
        candidates = self.features.of(task.volume_id, ids_of(task.seed))
        probability = no_segments()
        if len(candidates):
            with LIBRARIES.limit(limits=1):
                belongs = self.model.predict_proba(candidates.to_numpy())[:, 1]
            probability[candidates.index] = belongs
        segmentation = self.store.get(task.volume_id).segmentation
        return answer_in_segments(segmentation, task.seed, probability)


def geometry(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Train boosted trees on the tasks of the split train, and answer with them."""
    trainer = GeometryTrainer(resources.store, resources.dust)
    return lambda index: answer_tasks(trainer.train(index), index)


class GeometryTrainer:
    """Training on the tasks of an index; the same tasks give the same model.

    A leak audit asks for one answerer after the other, of indexes that should not
    differ in what is learnt from: the last model is kept.

    Args:
        store: the volumes.
        dust: segments that are no candidates.
    """

    def __init__(self, store: VolumeStore, dust: Dust) -> None:
        """Prepare the features."""
        self._store = store
        self._features = CandidateFeatures(store, dust)
        self._learn = lru_cache(1)(self._learn_from)

    def train(self, index: pd.DataFrame) -> GeometryAnswerer:
        """Train on the tasks of the split train.

        Args:
            index: table in the schema `TASK_INDEX`.

        Raises:
            ModelError: there is nothing to learn from.
        """
        lineage = Lineage(index)
        tasks = map(lineage.task, _draw(index.loc[index["split"] == "train"]))
        examples = (
            Example(task.volume_id, ids_of(task.seed), ids_of(task.aggregate))
            for task in tasks
        )
        return GeometryAnswerer(
            self._learn(tuple(examples)), self._features, self._store
        )

    def _learn_from(
        self, examples: tuple[Example, ...]
    ) -> HistGradientBoostingClassifier:
        rows = [self._features.of(volume, seed) for volume, seed, _ in examples]
        truths = [
            row.index.isin(example.aggregate)
            for row, example in zip(rows, examples, strict=True)
        ]
        truth = np.concatenate([np.empty(0, np.bool_), *truths])
        if truth.all() or not truth.any():
            raise ModelError(
                f"geometry: {truth.sum()} of the {len(truth)} candidate segments of "
                f"{len(examples)} training tasks belong; expected some that do and "
                "some that do not; choose a split with more training tasks"
            )
        # One thread adds up in one order, so that the same tasks give the same bytes.
        model = HistGradientBoostingClassifier(**BOOSTING)
        with LIBRARIES.limit(limits=1):
            model.fit(pd.concat(rows).to_numpy(), truth)
        return model


class CandidateFeatures:
    """Features of the candidates of a task.

    Args:
        store: the volumes.
        dust: segments that are no candidates.
    """

    def __init__(self, store: VolumeStore, dust: Dust) -> None:
        """Prepare the contacts of volumes."""
        self._store = store
        self._dust = dust
        self._contacts = contacts_of(store)
        # A leak audit asks for the same task again and again.
        self._last = lru_cache(1)(self._make)

    def of(self, volume: int, seed: Ids) -> pd.DataFrame:
        """Return one row per candidate, by segment id: float64, NaN if unknown."""
        return self._last(volume, seed)

    def _make(self, volume: int, seed: Ids) -> pd.DataFrame:
        given = np.array(seed, np.int64)
        coverage = self._store.coverage(volume)
        segments = coverage.segments["segment"].to_numpy()
        seed_mask = self._store.get(volume).mask(given)
        columns = {
            **_shape(coverage, self._store.geometry.size),
            **_distances(coverage, given, seed_mask, self._store.coarse_voxel_nm),
            **_touch(self._contacts(volume), given, segments),
        }
        rows = pd.DataFrame(columns, index=segments, dtype=np.float64)
        return rows[coverage.candidates(given, self._dust)]


def ids_of(segments: NDArray[np.int64]) -> Ids:
    """Return segment ids as a hashable key."""
    return tuple(segments.tolist())


def _draw(train: pd.DataFrame) -> list[int]:
    """Draw the tasks to learn from, in the order of the index."""
    count = min(MAX_TASKS, len(train))
    generator = np.random.default_rng(RANDOM_SEED)
    chosen = generator.choice(len(train), count, replace=False)
    return [int(task) for task in train["task"].iloc[np.sort(chosen)]]


def _shape(coverage: SegmentCoverage, size: Edges) -> dict[str, NDArray[np.float64]]:
    """Measure the size and shape of the segments."""
    low, high = _boxes(coverage)
    voxels = coverage.segments["voxels"].to_numpy()
    edges = (high - low) * relative_edges(coverage.voxel_nm)
    extents = dict(zip(("depth", "height", "width"), edges.T, strict=True))
    return {
        "log_voxels": np.log(voxels),
        **extents,  # of its box along z, y, x; edges of a cube of a voxel's volume
        "filling": voxels / (high - low).prod(axis=1),  # of its box; 0 to 1
        # Faces of the volume that its box touches: 0 to 6.
        "volume_faces": (low == 0).sum(axis=1) + (high == size).sum(axis=1),
    }


def _distances(
    coverage: SegmentCoverage,
    seed: NDArray[np.int64],
    seed_mask: NDArray[np.bool_],
    coarse_voxel_nm: VoxelSize | None,
) -> dict[str, NDArray[np.float64]]:
    """Measure where the segments are, in the volume and from the seed.

    In the edges of a cube of a coarse voxel's volume, or of a voxel's for boxes.
    """
    coarse = relative_edges(coarse_voxel_nm)
    is_seed = coverage.segments["segment"].isin(seed).to_numpy()
    voxels = coverage.segments["voxels"].to_numpy()
    centers = _centers(coverage, seed_mask.shape) * coarse
    # NaN if the volume has no segment of the seed.
    weights = voxels[is_seed] / voxels[is_seed].sum()
    offsets = centers - (weights @ centers[is_seed] if is_seed.any() else np.nan)
    far = np.full(seed_mask.shape, np.nan, np.float32)
    if seed_mask.any():
        far = scipy.ndimage.distance_transform_edt(~seed_mask, coarse)
        far = far.astype(np.float32)
    return {
        # Of the centroid along the axes, in the volume and from the seed's.
        **{f"center_{axis}": centers[:, i] for i, axis in enumerate(AXES)},
        **{f"offset_{axis}": offsets[:, i] for i, axis in enumerate(AXES)},
        # Mean over its voxels of the distance to the seed's nearest.
        "distance": coverage.mean(far),
        "box_gap": _box_gaps(coverage, is_seed),
        "log_seed_voxels": np.full(len(voxels), np.log1p(voxels[is_seed].sum())),
        "seed_segments": np.full(len(voxels), is_seed.sum()),
    }


def _touch(
    contacts: Contacts, seed: NDArray[np.int64], segments: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Measure contact with the seed, directly and by way of other segments."""
    area = area_with_seed(contacts.pairs, contacts.area, seed)
    surface = contacts.surface[segments]
    return {
        "seed_area": area[segments],  # shared with the seed; faces of a cube
        # The same as a share of its own; NaN for what vanished in the vote.
        "seed_share": np.divide(
            area[segments], surface, np.full(len(segments), np.nan), where=surface > 0
        ),
        # Weakest contact of the best path from the seed; 0 to 1.
        "flood": flood(contacts.graph(), seed)[segments],
    }


def _boxes(coverage: SegmentCoverage) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return lowest voxels and voxels after the last: (segments, 3) each."""
    low, high = (
        coverage.segments[[f"{side}_{axis}" for axis in AXES]].to_numpy()
        for side in ("min", "max")
    )
    return low, high


def _centers(coverage: SegmentCoverage, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the centroids of the segments: (segments, 3), coarse voxels."""
    return coverage.mean(np.indices(shape, np.float32))


def _box_gaps(
    coverage: SegmentCoverage, is_seed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the distance of each box to the nearest box of the seed.

    NaN if the volume has no segment of the seed.
    """
    low, high = _boxes(coverage)
    edges = relative_edges(coverage.voxel_nm)
    nearest = np.full(len(low), np.nan)
    for seed_low, seed_high in zip(low[is_seed], high[is_seed], strict=True):
        gaps = np.maximum(low - seed_high, seed_low - high).clip(0) * edges
        nearest = np.fmin(nearest, np.linalg.norm(gaps, axis=1))
    return nearest
