"""Training on contacts, and answering: membranes across two axes of the three."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.examples import contact_labels
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE, Membership
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.errors import FileError, ModelError
from eyewire_validator.models.train import train_model
from eyewire_validator.tasks.lineage import Lineage

MODEL = AgglomerationSettings(title="contacts")
SETTINGS = AgglomerationTraining(
    device="cpu", random_seed=0, epochs=12, batch_size=16,
    learning_rate=0.001, weight_decay=0.01, lr_step=10, lr_gamma=0.3, patience=12,
    validation_tasks=8, patch_size=8,
)  # fmt: skip
SPLITS = {11: "train", 12: "train", 13: "validation", 14: "test"}


def answer(model, store, index, settings=MODEL):
    """The answer to the first test task."""
    lineage = Lineage(index)
    return agglomerate(model, store, settings)(lineage.task(12), lineage)


def train(index, store, model=MODEL, settings=SETTINGS, random_seed=0):
    cpu = torch.device("cpu")
    seeded = replace(settings, random_seed=random_seed)
    return train_model(index, store, model, seeded, None, 0, device=cpu, threads=1)


@pytest.fixture
def store(membranes_store):
    return membranes_store


@pytest.fixture
def index(membranes_index):
    return membranes_index


def test_it_learns_where_membranes_are(store, index):
    model, history = train(index, store, MODEL, SETTINGS, 0)
    model.membership = LINKAGE_ALONE
    answer = agglomerate(model, store, MODEL)
    lineage = Lineage(index)
    for task in index.loc[index["split"] == "test", "task"]:
        row = lineage.task(task)
        found = answer(row, lineage)
        members = found.segment_members
        assert set(np.flatnonzero(found.segments > 0.5)) == set(row.aggregate)
        np.testing.assert_array_equal(members.mean(axis=0), found.segments)
        assert len(np.unique(members[:, row.aggregate[1]])) > 1, members[:, 1:9]
    assert history["validation_loss"].iloc[-1] < history["validation_loss"].iloc[0]
    assert history["tasks"].eq(8).all()


def test_the_same_seed_gives_the_same_answers(store, index):
    one, again, other = (
        train(index, store, MODEL, replace(SETTINGS, epochs=2), random_seed)[0]
        for random_seed in (0, 0, 1)
    )
    answers = [answer(model, store, index).segments for model in (one, again, other)]
    np.testing.assert_array_equal(answers[0], answers[1])
    assert (answers[0] != answers[2]).any()


def test_the_weights_of_the_best_epoch_are_kept(store, index):
    """A learning rate that soon grows far too high: the first epochs are the best."""
    wild = replace(SETTINGS, lr_step=2, lr_gamma=1000.0, epochs=6)
    model, history = train(index, store, MODEL, wild, 0)
    best = int(history["validation_loss"].idxmin())
    assert best < len(history) - 1
    short = replace(wild, epochs=best + 1)
    kept, _ = train(index, store, MODEL, short, 0)
    np.testing.assert_array_equal(
        answer(model, store, index).segments, answer(kept, store, index).segments
    )


def test_patience_ends_a_training_that_gets_no_better(store, index):
    wild = replace(SETTINGS, lr_step=1, lr_gamma=1000.0, epochs=12, patience=3)
    _, history = train(index, store, MODEL, wild, 0)
    best = int(history["validation_loss"].idxmin())
    assert len(history) == best + 1 + 3


def test_only_contacts_of_an_object_are_labelled(store, index):
    """Of the 12 contacts of eight octants, those of 1 and 2 are labelled."""
    contacts = describe_contacts(store.get(11), "unit")
    task = Lineage(index).task(0)
    rows, together = contact_labels([task, task], contacts)
    assert contacts.pairs[rows].tolist() == [[1, 2], [1, 3], [1, 5], [2, 4], [2, 6]]
    assert together.tolist() == [True, False, False, False, False]


def test_tasks_that_show_one_kind_of_contact_are_refused(store, make_index):
    rows = [
        {"task": task, "volume": volume, "seed": [1], "aggregate": range(1, 9),
         "split": split}
        for task, (volume, split) in enumerate(SPLITS.items())
    ]  # fmt: skip
    with pytest.raises(ModelError, match="0 of 24 contacts of 2 tasks"):
        train(make_index(*rows), store, MODEL, SETTINGS, 0)


def test_without_the_image_membranes_cannot_be_told(store, index):
    """Eight like cubes: nothing but the image says which belong together."""
    blind = replace(MODEL, image="none")
    model, _ = train(index, store, blind, SETTINGS, 0)
    model.membership = LINKAGE_ALONE
    found = answer(model, store, index, blind).segments
    assert np.ptp(found[2:9]) < 0.01


def test_validation_tasks_say_what_contact_and_company_add(store, index):
    """Nothing was rejected in them, so that this counts for nothing."""
    model, _ = train(index, store, MODEL, SETTINGS, 0)
    found = model.membership
    assert found.linkage > 0
    assert found.contact != 0
    assert found.company != 0
    assert found.rejected == 0


def test_no_more_validation_tasks_are_looked_at_than_settings_say(store, index):
    found = [
        train(index, store, MODEL, replace(SETTINGS, validation_tasks=count), 0)[0]
        for count in (4, 9, 1)
    ]
    all_four, more, one = (model.membership for model in found)
    assert all_four == more
    assert one != all_four


def test_what_ancestors_rejected_is_less_probable(store, make_index, index):
    """The task lies one stride along x from its parent, which saw 1, 3, 5 and 7."""
    model, _ = train(index, store, MODEL, SETTINGS, 0)
    model.membership = Membership(0.0, 1.0, 0.0, -3.0)
    index = make_index(
        {"task": 0, "volume": 13, "seed": [2], "aggregate": [2]},
        {"task": 12, "volume": 14, "seed": [1], "parent": 0, "min_x": 24},
    )
    labelled = replace(MODEL, context="ancestors_registered")
    blind, seeing = (answer(model, store, index, entry) for entry in (MODEL, labelled))
    less = blind.segments > seeing.segments
    assert np.flatnonzero(less).tolist() == [3, 5, 7]


def test_no_more_volumes_are_read_than_settings_say(store, index):
    """Of two training volumes one is missing: not every random seed draws it."""
    (store.folders[11] / "image.lzma").unlink()
    few = replace(SETTINGS, max_volumes=1, epochs=1)

    def is_read(random_seed):
        try:
            train(index, store, MODEL, few, random_seed)
        except FileError:
            return True
        return False

    assert {is_read(random_seed) for random_seed in range(8)} == {True, False}
