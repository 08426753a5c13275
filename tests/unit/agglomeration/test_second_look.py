from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.contact_classifier import (
    ContactClassifier,
    second_look_of,
    unlearned_second_look,
)
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.contact_shapes import Shapes, describe_shapes
from eyewire_validator.agglomeration.features import RELATIONS, SEEN, SHAPES
from eyewire_validator.agglomeration.linkage import HIGHEST
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.agglomeration.second_look import (
    NONE_SURER,
    look_again,
    related,
)
from eyewire_validator.agglomeration.second_look_training import (
    KnownContacts,
    learn_second_look,
)
from eyewire_validator.agglomeration.training import CLASSIFIER
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.volumes.store import CoarseVolume

SETTINGS = AgglomerationTraining(
    **CLASSIFIER, device="cpu", random_seed=0, patch_size=8, validation_tasks=8
)


def random_contacts(random_seed, segments=30, contacts=90):
    draw = np.random.default_rng(random_seed)
    every = np.stack(np.triu_indices(segments, 1), axis=1)
    kept = np.sort(draw.choice(len(every), contacts, replace=False))
    # Ids are neither small nor next to each other.
    pairs = every[kept] * 1000 + 7
    voxels = draw.integers(1, 500, segments)[every[kept]]
    described = draw.random((contacts, len(SHAPES)), np.float32)
    evidence = draw.normal(0, 2, contacts).astype(np.float32)
    return Shapes(pairs, voxels, described), evidence


def related_plainly(shapes, evidence):
    """Do the same with dictionaries."""
    around = {}
    for (one, other), value in zip(shapes.pairs.tolist(), evidence, strict=True):
        around.setdefault(one, {})[other] = value
        around.setdefault(other, {})[one] = value
    rows = []
    for (one, other), sizes, value in zip(
        shapes.pairs.tolist(), shapes.voxels.tolist(), evidence, strict=True
    ):
        sides = (one, other) if sizes[0] <= sizes[1] else (other, one)
        others = [
            [v for key, v in around[side].items() if key not in (one, other)]
            for side in sides
        ]
        both = [
            (around[one][key], around[other][key])
            for key in around[one].keys() & around[other].keys()
        ]
        rows.append(
            [
                value,
                *(value - max([NONE_SURER, *values]) for values in others),
                *(np.mean(values) if values else 0 for values in others),
                *(np.log1p(len(values)) for values in others),
                max([NONE_SURER, *map(min, both)]),
                max([0, *(abs(first - second) for first, second in both)]),
            ]
        )
    return rows


@pytest.mark.parametrize("random_seed", range(4))
def test_relations_are_those_of_the_plain_twin(random_seed):
    shapes, evidence = random_contacts(random_seed)
    found = related(shapes, evidence)
    assert found.shape == (len(evidence), len(RELATIONS))
    expected = related_plainly(shapes, evidence)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_no_contacts_have_no_relations():
    none = Shapes(
        np.empty((0, 2), np.int64),
        np.empty((0, 2), np.int64),
        np.empty((0, len(SHAPES)), np.float32),
    )
    assert related(none, np.empty(0, np.float32)).shape == (0, len(RELATIONS))
    again = look_again(unlearned_second_look(), none, np.empty((8, 0), np.float32))
    assert again.shape[1] == 0


def known(random_seed):
    """Return contacts of one object where a third segment says so."""
    shapes, evidence = random_contacts(random_seed)
    seen = np.concatenate([related(shapes, evidence), shapes.described], axis=1)
    by_a_third = seen[:, RELATIONS.index("weaker_step")]
    return KnownContacts(seen, by_a_third > np.median(by_a_third))


def test_it_learns_what_the_first_look_did_not_see():
    taught = [[known(seed) for seed in range(n, n + 8)] for n in (10, 20)]
    perceptrons = learn_second_look(taught, SETTINGS, 0)
    shapes, evidence = random_contacts(99)
    again = look_again(perceptrons, shapes, evidence[None])
    assert np.abs(again).max() <= HIGHEST
    # Both looks count alike.
    alone = 2 * again.mean(axis=0) - evidence
    assert ((alone > 0) == known(99).together).mean() > 0.85
    # It is the same on every run, and the evidence counts by its mean alone.
    same = learn_second_look(taught, SETTINGS, 0)
    turns = np.stack([evidence - 1, evidence + 1])
    np.testing.assert_allclose(look_again(same, shapes, turns), again, atol=1e-4)


def test_tissues_count_the_same():
    shapes, evidence = random_contacts(1)
    seen = np.zeros((600, len(SEEN)), np.float32)
    seen[:, 0] = np.arange(600) % 2
    many = KnownContacts(seen, np.ones(600, np.bool_))
    few = KnownContacts(seen[:40], np.zeros(40, np.bool_))
    learned = learn_second_look([[many], [few]], SETTINGS, 0)
    odds = look_again(learned, shapes, 0 * evidence[None])
    # By contacts it would be half of the logarithm of 15.
    assert np.abs(odds.mean(axis=0)).mean() < 0.5


def test_labels_say_what_is_known():
    segmentation = np.zeros((4, 4, 16), np.uint16)
    for place, segment in enumerate((1, 2, 3, 4)):
        segmentation[:, :, 4 * place : 4 * place + 4] = segment
    labels = np.zeros(segmentation.shape, np.uint64)
    labels[:, :, :8] = 2**40  # 1 and 2
    labels[:, :, 8:11] = 5  # three quarters of 3
    labels[:, :, 12:] = 6
    shapes = describe_shapes(CoarseVolume(segmentation.astype(np.uint8), segmentation))
    evidence = np.zeros((2, len(shapes.pairs)), np.float32)
    found = KnownContacts.of(shapes, evidence, segmentation, labels)
    assert found.together.tolist() == [True]
    assert found.seen.shape == (1, len(SEEN))
    labels[:, :, 8:12] = 5
    found = KnownContacts.of(shapes, evidence, segmentation, labels)
    assert found.together.tolist() == [True, False, False]


def test_a_model_scores_by_its_second_look(membranes_store):
    volume = membranes_store.get(next(iter(membranes_store.folders)))
    torch.manual_seed(0)
    model = ContactModel("affinities").eval()
    first, hashed = score_contacts(model, volume, "stretched"), model.scored_by
    other = ContactModel("affinities").eval()
    other.network = model.network
    other.second_look = unlearned_second_look().eval()
    again = score_contacts(other, volume, "stretched")
    expected = look_again(other.second_look, describe_shapes(volume), first.evidence)
    np.testing.assert_array_equal(again.evidence, expected)
    assert replace(again, evidence=first.evidence).pairs.tolist() == (
        first.pairs.tolist()
    )
    # What was kept of the one is not taken for the other.
    assert other.scored_by != hashed


def test_weights_of_something_else_are_refused():
    with pytest.raises(ValueError, match="second look"):
        second_look_of(ContactClassifier().state_dict())
    weights = unlearned_second_look().state_dict()
    weights["mean"] = weights["mean"] * float("nan")
    with pytest.raises(ValueError, match="not all finite"):
        second_look_of(weights)
