import numpy as np

from eyewire_validator.sandbox.sample_task import draw_sample_task
from eyewire_validator.sandbox.tissue.retina import RetinaSettings
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry


def draw(random_seed):
    retina = RetinaSettings(grid=(2, 2, 5), cells=6, neurite_diameter=14, players=5)
    return draw_sample_task(retina, VolumeGeometry(64, 16, 2), Dust(20, 1), random_seed)


def test_a_task_has_a_seed_and_more_that_belongs_to_it_in_one_coarse_volume():
    task = draw(1)
    assert task.volume.image.shape == task.volume.segmentation.shape == (32, 32, 32)
    assert len(task.seed) == 1
    assert task.seed < task.truth
    assert task.volume.mask(list(task.seed)).any()


def test_the_same_random_seed_draws_the_same_task():
    one, other = draw(1), draw(1)
    assert (one.seed, one.truth) == (other.seed, other.truth)
    assert np.array_equal(one.volume.segmentation, other.volume.segmentation)
