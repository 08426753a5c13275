"""Training on contacts, and answering: membranes across two axes of the three."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.training import told_by
from eyewire_validator.answerers.agglomeration import agglomerate
from eyewire_validator.errors import FileError, ModelError
from eyewire_validator.files import write_array
from eyewire_validator.lineage import Lineage
from eyewire_validator.models.settings import ModelSettings, TrainingSettings
from eyewire_validator.trainers import train_model

MODEL = ModelSettings("contacts", "agglomeration")
SETTINGS = TrainingSettings(
    device="cpu", random_seed=0, epochs=12, batch_size=16, rotation=1,
    learning_rate=0.001, weight_decay=0.01, lr_step=10, lr_gamma=0.3, patience=12,
    validation_tasks=8, patch_size=8, symmetries=True, loss_on="every_loop",
    labels="hard",
)  # fmt: skip
SPLITS = {11: "train", 12: "train", 13: "validation", 14: "test"}
# Segments 1 and 2 are neighbours along x, and so on: these belong together.
CELLS = ([1, 2], [3, 4], [5, 6], [7, 8])


def train(index, store, model=MODEL, settings=SETTINGS, random_seed=0):
    cpu = torch.device("cpu")
    seeded = replace(settings, random_seed=random_seed)
    return train_model(index, store, model, seeded, None, 0, device=cpu, threads=1)


@pytest.fixture
def store(make_store, octants):
    store = make_store(dict.fromkeys(SPLITS, octants))
    for volume in SPLITS:
        generator = np.random.default_rng(volume)
        image = generator.integers(180, 220, octants.shape).astype(np.uint8)
        image[3:5], image[:, 3:5] = 40, 40
        write_array(store.folders[volume] / "image.lzma", image)
    return store


@pytest.fixture
def index(make_index):
    rows = [
        {"volume": volume, "seed": cell[:1], "aggregate": cell, "split": split}
        for volume, split in SPLITS.items()
        for cell in CELLS
    ]
    return make_index(*({"task": task, **row} for task, row in enumerate(rows)))


def test_it_learns_where_membranes_are(store, index):
    model, history = train(index, store, MODEL, SETTINGS, 0)
    answer = agglomerate(model, store, MODEL)
    lineage = Lineage(index)
    for task in index.loc[index["split"] == "test", "task"]:
        row = lineage.task(task)
        found = answer(row)
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
    task = Lineage(index).task(12)
    answers = [
        agglomerate(model, store, MODEL)(task).segments for model in (one, again, other)
    ]
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
    task = Lineage(index).task(12)
    np.testing.assert_array_equal(
        agglomerate(model, store, MODEL)(task).segments,
        agglomerate(kept, store, MODEL)(task).segments,
    )


def test_patience_ends_a_training_that_gets_no_better(store, index):
    wild = replace(SETTINGS, lr_step=1, lr_gamma=1000.0, epochs=12, patience=3)
    _, history = train(index, store, MODEL, wild, 0)
    best = int(history["validation_loss"].idxmin())
    assert len(history) == best + 1 + 3


def test_only_contacts_of_an_object_are_told_of(store, index):
    """Of the 12 contacts of eight octants, those of 1 and 2 are told by their task."""
    contacts = describe_contacts(store.get(11), "unit")
    task = Lineage(index).task(0)
    rows, together = told_by([task, task], contacts)
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
    found = agglomerate(model, store, blind)(Lineage(index).task(12)).segments
    assert np.ptp(found[2:9]) < 0.01


def test_single_linkage_takes_the_best_contact_alone(store, index):
    """One contact of two with the seed; the mean of both is lower than the better."""
    model, _ = train(index, store, MODEL, replace(SETTINGS, epochs=1), 0)
    single = agglomerate(model, store, replace(MODEL, linkage="single"))
    mean = agglomerate(model, store, MODEL)
    task = Lineage(index).task(12)
    assert (single(task).segments[2:9] >= mean(task).segments[2:9]).all()
    assert (single(task).segments[2:9] > mean(task).segments[2:9]).any()


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
