"""Learn the second look at contacts from whole labels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.contact_shapes import Shapes
from eyewire_validator.agglomeration.examples import Examples
from eyewire_validator.agglomeration.second_look import seen_again
from eyewire_validator.agglomeration.training import CLASSIFIER, train_classifier
from eyewire_validator.config.families import AgglomerationTraining

# A segment is of the object that holds so much of it, or nobody knows.
PURE = 0.8


class KnownContacts(NamedTuple):
    """Hold what is seen of contacts, and what labels say of them.

    Attributes:
        seen: (n, features) float32, see `seen_again`.
        together: (n,) bool, whether one object of the labels is on both sides.
    """

    seen: NDArray[np.float32]
    together: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        shapes: Shapes,
        evidence: NDArray[np.float32],
        segmentation: NDArray[np.uint16],
        labels: NDArray[np.integer],
    ) -> "KnownContacts":
        """Look the contacts of a volume up in its labels.

        Args:
            shapes: of the contacts.
            evidence: (members, contacts) float32 log odds of the first look.
            segmentation: (z, y, x) segment ids.
            labels: (z, y, x) objects, 0 where nobody said.
        """
        objects = _objects(segmentation, labels)[shapes.pairs]
        known = objects.all(axis=1)
        seen = seen_again(shapes, evidence)
        return cls(seen[known], (objects[:, 0] == objects[:, 1])[known])


def _objects(
    segmentation: NDArray[np.uint16], labels: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return the object of each segment, by its id: 0 where no one holds `PURE`."""
    names, numbers = np.unique(labels, return_inverse=True)
    ids = segmentation.ravel().astype(np.int64)
    codes, voxels = np.unique(ids * len(names) + numbers.ravel(), return_counts=True)
    segments, held = np.divmod(codes, len(names))
    share = voxels / np.bincount(ids)[segments]
    found = np.zeros(int(ids.max()) + 1, np.int64)
    sure = share >= PURE
    found[segments[sure]] = names[held[sure]]
    return found


def learn_second_look(
    tissues: Sequence[Sequence[KnownContacts]],
    settings: AgglomerationTraining,
    random_seed: int,
) -> ContactClassifier:
    """Learn to judge contacts again, from several tissues that count the same.

    Args:
        tissues: the volumes of each, with evidence of a network that never saw it, as
            it will be where nothing is known.
        settings: of which `training.CLASSIFIER` takes the place of most.
        random_seed: of weights, dropout and the order of the contacts.
    """
    seen, together, weights = [], [], []
    for volumes in tissues:
        seen += [one.seen for one in volumes]
        together += [one.together for one in volumes]
        contacts = sum(len(one.seen) for one in volumes)
        weights.append(np.full(contacts, 1 / max(1, contacts)))
    weight = np.concatenate(weights)
    examples = Examples(
        torch.from_numpy(np.concatenate(seen)),
        torch.from_numpy(np.concatenate(together).astype(np.float32)),
        torch.from_numpy((weight / weight.mean()).astype(np.float32)),
        tasks=0,
    )
    # No tissue is left to tell when to stop: it learns for as long as is said.
    own = replace(settings, **CLASSIFIER)
    perceptrons, _ = train_classifier(examples, examples, own, random_seed)
    return perceptrons
