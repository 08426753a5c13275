import numpy as np
import pytest

from eyewire_validator.agglomeration.contact_classifier import unlearned_second_look
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.tensor_files import save_plain
from eyewire_validator.models.known_contacts import labels_at
from eyewire_validator.models.second_look import read_second_look, save_second_look
from eyewire_validator.volumes.geometry import VolumeGeometry


def test_labels_are_those_in_the_middle_of_coarse_voxels():
    labels = np.arange(6 * 4 * 8).reshape(6, 4, 8)
    geometry = VolumeGeometry(size=4, overlap=2, factor=2)
    found = labels_at(labels, (2, 0, 4), geometry)
    np.testing.assert_array_equal(found, labels[3:6:2, 1:4:2, 5:8:2])


def test_beyond_the_block_nobody_said_anything():
    labels = np.ones((3, 4, 4), np.int64)
    found = labels_at(labels, (1, 0, 2), VolumeGeometry(size=4, overlap=1, factor=1))
    assert found.shape == (4, 4, 4)
    assert found[:2, :, :2].all()
    assert found.sum() == 2 * 4 * 2


def test_a_second_look_comes_back_as_it_was(tmp_path):
    learned, file = unlearned_second_look(), tmp_path / "second_look.pt"
    save_second_look(file, learned)
    found = read_second_look(file).state_dict()
    expected = learned.state_dict()
    assert all((found[name] == value).all() for name, value in expected.items())


def test_another_file_is_refused_by_name(tmp_path):
    save_plain(tmp_path / "other.pt", {"weights": {}})
    with pytest.raises(ModelError, match=r"other\.pt: made by another version"):
        read_second_look(tmp_path / "other.pt")
