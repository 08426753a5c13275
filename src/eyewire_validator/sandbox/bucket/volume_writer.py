"""Make and write the volumes of a sandbox, several at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eyewire_validator.jobs.progress import Progress
from eyewire_validator.sandbox.bucket.folder import write_volume
from eyewire_validator.sandbox.bucket.volumes import Volume


@dataclass(frozen=True)
class VolumeWriter:
    """A writer of volumes, which runs the jobs that make them.

    Threads are enough: nearly all time goes into compiled code that lets others run.

    Args:
        folder: the sandbox folder.
        scratch: a temporary folder beside it.
        workers: volumes made at the same time.
    """

    folder: Path
    scratch: Path
    workers: int

    def write(self, volume: Volume, jpegs: Iterable[bytes]) -> Volume:
        """Write a volume; return it with its segmentation mapped from disk."""
        write_volume(self.folder, volume, jpegs)
        path = self.scratch / f"{volume.box.volume}.npy"
        np.save(path, volume.segmentation)
        return replace(volume, segmentation=np.load(path, mmap_mode="r"))

    def run(self, jobs: list[Callable[[], Volume]]) -> list[Volume]:
        """Run the jobs and report their progress; keep their order."""
        with ThreadPoolExecutor(self.workers) as pool:
            volumes = pool.map(lambda job: job(), jobs)
            return list(Progress(volumes, unit="volumes", total=len(jobs)))
