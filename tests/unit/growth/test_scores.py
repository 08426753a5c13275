"""Scored contacts in files."""

import numpy as np

from eyewire_validator.agglomeration.membership import LINKAGE_ALONE
from eyewire_validator.agglomeration.scoring import Linked, ScoredContacts
from eyewire_validator.growth.scores import scored_volumes, scores_in, write_scores
from eyewire_validator.storage.schemas.growth import CONTACT_SCORES
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.appearance import Appearance

LOOKS = Appearance(1.0, 120.0, 5.0, -2.0, -1.0, -1.0, 0.0)


def test_scores_come_back_as_they_were_written(tmp_path):
    contacts = ScoredContacts(
        np.array([[1, 2], [1, 3]]),
        np.array([0.1, 7.0]),
        np.array([[0.1, -3.0], [0.7, 7.0]], np.float32),
        LOOKS,
        (10.0, 10.0, 10.0),
    )
    file = tmp_path / "scores.parquet"
    write_scores(file, {11: contacts})
    found = scores_in([file])(11)
    for name in ("pairs", "area", "evidence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(contacts, name))
    assert found.evidence.dtype == np.float32
    assert (found.looks, found.voxel_nm) == (LOOKS, (10.0, 10.0, 10.0))


def test_where_nothing_touches_nothing_joins(tmp_path):
    file = tmp_path / "scores.parquet"
    none = ScoredContacts(
        np.empty((0, 2), np.int64), np.empty(0), np.empty((1, 0), np.float32), LOOKS,
        None,
    )  # fmt: skip
    write_scores(file, {11: none})
    assert scored_volumes(file) == [11]
    contacts = scores_in([file])(11)
    linked = Linked.make(contacts, np.array([1]))
    assert linked.members(LINKAGE_ALONE).shape == (1, 0)


def test_of_no_volumes_an_empty_table_is_written(tmp_path):
    file = tmp_path / "scores.parquet"
    write_scores(file, {})
    assert read_table(file, CONTACT_SCORES).empty
