"""Draw one task of the synthetic retina, without the rest of the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eyewire_validator.sandbox.synthetic import draw_volume, plan_sites
from eyewire_validator.sandbox.tissue.rendering import from_jpegs
from eyewire_validator.sandbox.tissue.retina import RetinaSettings
from eyewire_validator.sandbox.tracing.crowd import MERGER_PURITY, Crowd
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask, Tracer
from eyewire_validator.volumes.downsampling import (
    count_blocks,
    downsample_image,
    vote,
)
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import CoarseVolume


@dataclass(frozen=True)
class SampleTask:
    """A task in a volume that is as coarse as models see it.

    Attributes:
        volume: its image and segmentation.
        seed: ids of the segments that are given.
        truth: ids of the segments that really belong, the seed included.
    """

    volume: CoarseVolume
    seed: frozenset[int]
    truth: frozenset[int]


def draw_sample_task(
    retina: RetinaSettings, geometry: VolumeGeometry, dust: Dust, random_seed: int
) -> SampleTask:
    """Draw a volume, and choose the neuron in it that has the most segments.

    Args:
        retina: its neurons; the grid is of one volume, whatever is said.
        geometry: size and factor of the volume.
        dust: segments that do not become seeds.
        random_seed: the same one gives the same task.
    """
    alone = replace(retina, grid=(1, 1, 1))
    site = plan_sites(alone, geometry, random_seed)[0]
    volume, jpegs = draw_volume(site, geometry.factor, [random_seed, 5, 0])
    tracer = Tracer({site.box.corner: volume}, geometry, MERGER_PURITY, dust)
    task = max(
        _root_tasks(tracer, site.tissue.traced, Crowd(retina.players), random_seed),
        key=lambda task: len(task.truth),
    )
    coarse = CoarseVolume(
        downsample_image(from_jpegs(jpegs), geometry.factor),
        vote(count_blocks(volume.segmentation, geometry.factor)),
    )
    return SampleTask(coarse, frozenset(task.seed), frozenset(task.truth))


def _root_tasks(
    tracer: Tracer, neurons: int, crowd: Crowd, random_seed: int
) -> Iterator[SpawnedTask]:
    """Yield the first task of each neuron that has one."""
    for neuron in range(1, neurons + 1):
        rng = np.random.default_rng([random_seed, 8, neuron])
        yield from tracer.trace(neuron, partial(crowd.answer, rng=rng))[:1]
