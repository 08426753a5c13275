"""The data behind a question, as a hash: a verdict holds for what was shown."""

import hashlib

import numpy as np

from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.store import CoarseVolume


def data_hash(volume: CoarseVolume, task: Task) -> str:
    """Return 12 hex digits that change with the image, the segments or the seed.

    Args:
        volume: of the task.
        task: whose seed is asked about.
    """
    digest = hashlib.sha256()
    for array in (volume.image, volume.segmentation, np.sort(task.seed)):
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(little_endian).tobytes())
    return digest.hexdigest()[:12]
