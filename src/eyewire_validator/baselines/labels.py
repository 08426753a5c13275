"""A finished segmentation as a reference: its objects under the seed."""

from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.answers import Answer, MakeAnswerer, Resources
from eyewire_validator.config.families import LabelsSettings
from eyewire_validator.errors import VolumeError
from eyewire_validator.sandbox.ids import as_ids
from eyewire_validator.storage.array_files import open_array
from eyewire_validator.tasks.answering import answer_tasks
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.store import VolumeStore


def labels(settings: LabelsSettings, resources: Resources) -> MakeAnswerer:
    """Answer with the objects of a finished segmentation."""
    return partial(answer_tasks, Labels(settings.labels, resources.store))


class Labels:
    """Answers from the objects of a segmentation of the whole data.

    Of each seed segment, the object that holds most of it is taken; a coarse voxel's
    probability is the share of its voxels that lies in these objects, so that a
    segment's is the share of it that does (exact for a factor of 1).

    Args:
        source: the segmentation (z, y, x), integers, see `as_ids`; ``path::name`` for
            an array in .npz or .h5. Its first voxel is voxel (0, 0, 0) of the data, so
            that an offset is refused.
        store: the volumes.
    """

    def __init__(self, source: str, store: VolumeStore) -> None:
        """Open the file."""
        self._source = source
        self._labels = open_array(source)
        if self._labels.dtype.kind not in "iu":
            raise VolumeError(
                f"{source}: holds {self._labels.dtype}, expected integers; convert it"
            )
        if any(self._labels.offset_nm or ()):
            raise VolumeError(
                f"{source}: lies at {self._labels.offset_nm} nm, expected labels that "
                "start where the data do; pad them, and leave out the offset"
            )
        self._store = store

    def __call__(self, task: Task) -> Answer:
        """Answer with the objects under the seed."""
        labels = self._cut(task)
        factor = self._store.geometry.factor
        segmentation = self._store.get(task.volume_id).segmentation
        for axis, edge in enumerate(factor):
            segmentation = segmentation.repeat(edge, axis)
        objects = {
            owner
            for segment in task.seed
            if (owner := _most_frequent(labels[segmentation == segment]))
        }
        mask = np.isin(labels, np.array(sorted(objects), labels.dtype))
        coarse = self._store.geometry.coarse_shape
        blocks = mask.reshape(*chain(*zip(coarse, factor, strict=True)))
        return Answer(blocks.mean(axis=(1, 3, 5), dtype=np.float32))

    def _cut(self, task: Task) -> NDArray[np.uint64]:
        if task.corner is None:
            raise VolumeError(f"task {task.task}: its volume has no known position")
        starts, shape = np.array(task.corner), self._labels.shape
        ends = starts + self._store.geometry.size
        if len(shape) != 3 or (starts < 0).any() or (ends > shape).any():
            raise VolumeError(
                f"task {task.task}: {self._source} of shape {shape} does not hold its "
                f"volume at {task.corner}; give the whole segmentation"
            )
        box = tuple(map(slice, starts.tolist(), ends.tolist()))
        return as_ids(self._source, self._labels.read(box))


def _most_frequent(labels: NDArray[np.integer]) -> int:
    """Return the most frequent label that is not 0, the lowest of equals; else 0."""
    found, counts = np.unique(labels[labels != 0], return_counts=True)
    return int(found[counts.argmax()]) if len(found) else 0
