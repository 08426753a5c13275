import h5py
import numpy as np
import pytest

from eyewire_validator.baselines.labels import Labels
from eyewire_validator.errors import FileError, VolumeError
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.geometry import VolumeGeometry


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants})


@pytest.fixture
def labels(tmp_path):
    """Object 9 is 1, 2 and half of 3 of the volume at (0, 0, 8); the rest is 4."""
    full = np.full((32, 32, 40), 4)
    full[:16, :16, 8:] = 9
    full[:8, 16:, 8:24] = 9
    full[0, 0, 8:12] = 0
    np.savez(tmp_path / "data.npz", objects=full)
    return f"{tmp_path / 'data.npz'}::objects"


def task_at(make_index, x, seed):
    row = {"task": 1, "volume": 11, "seed": seed, "min_x": x}
    return Lineage(make_index(row)).task(1)


def test_it_answers_with_the_objects_under_the_seed(store, labels, make_index):
    answer = Labels(labels, store)(task_at(make_index, 8, [1]))
    means = store.coverage(11).mean(answer.probability)
    np.testing.assert_allclose(means, [1 - 4 / 4096, 1, 0.5, 0, 0, 0, 0, 0])


def test_each_seed_segment_brings_its_object(store, labels, make_index):
    answer = Labels(labels, store)(task_at(make_index, 8, [1, 5]))
    assert answer.probability.min() == 60 / 64


def test_a_volume_outside_the_labels_is_refused(store, labels, make_index):
    with pytest.raises(VolumeError, match="does not hold its volume"):
        Labels(labels, store)(task_at(make_index, 16, [1]))
    with pytest.raises(FileError, match="no such file"):
        Labels("missing.npy", store)


def test_labels_that_lie_elsewhere_are_refused(store, tmp_path):
    with h5py.File(tmp_path / "labels.h5", "w") as file:
        labels = file.create_dataset("gt", data=np.ones((4, 4, 4), np.uint8))
        labels.attrs["resolution"], labels.attrs["offset"] = (40, 4, 4), (40, 0, 0)
    with pytest.raises(VolumeError, match=r"lies at \(40.0, 0.0, 0.0\) nm"):
        Labels(f"{tmp_path}/labels.h5::gt", store)


def test_ids_of_all_64_bits_are_told_apart_and_the_highest_is_nothing(
    store, make_index, tmp_path
):
    full = np.full((32, 32, 32), 2**64 - 1, np.uint64)
    full[:16, :16, :16] = 2**63 + 1
    full[:16, :16, 16:] = 2**63 + 2
    full[:16, 16:, :16] = 5
    np.save(tmp_path / "labels.npy", full)
    answer = Labels(f"{tmp_path}/labels.npy", store)(task_at(make_index, 0, [1, 3, 8]))
    means = store.coverage(11).mean(answer.probability)
    assert means.tolist() == [1, 0, 1, 0, 0, 0, 0, 0]


def test_labels_that_are_no_integers_are_refused(store, tmp_path):
    np.save(tmp_path / "labels.npy", np.zeros((32, 32, 32)))
    with pytest.raises(VolumeError, match="holds float64, expected integers"):
        Labels(f"{tmp_path}/labels.npy", store)


@pytest.mark.parametrize("geometry", [VolumeGeometry((4, 8, 8), 0, (1, 4, 2))])
def test_volumes_need_not_be_cubes(make_store, make_index, tmp_path, geometry):
    segmentation = np.zeros((4, 2, 4), np.uint16)
    segmentation[:, 0], segmentation[:, 1] = 1, 2
    full = np.full((4, 8, 8), 7)
    full[:, 3:, 6:] = 9
    np.save(tmp_path / "labels.npy", full)
    task = task_at(make_index, 0, [1])
    answer = Labels(str(tmp_path / "labels.npy"), make_store({11: segmentation}))(task)
    assert answer.probability[0].tolist() == [[1, 1, 1, 0.75], [1, 1, 1, 0]]
