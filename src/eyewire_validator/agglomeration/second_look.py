"""Look at contacts a second time: at each among those around it, and at shapes.

The network judges each contact by the image next to it. Where that leaves a doubt,
others know more: what the same two segments have beside them, and whether they go on in
each other. So perceptrons judge every contact again, by the evidence on it, that on the
contacts of both its segments, and `contact_shapes`. They learn from whole labels of
other tissue: no grey value is among what they see.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.contact_shapes import Shapes
from eyewire_validator.agglomeration.features import RELATIONS
from eyewire_validator.agglomeration.linkage import HIGHEST
from eyewire_validator.volumes.compiled import compiled

# The evidence of the surest of no contacts.
NONE_SURER = -3.0


def related(shapes: Shapes, evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe the evidence on each contact beside that on those around it.

    Args:
        shapes: of n contacts.
        evidence: (n,) float32 log odds that both sides belong together.

    Returns:
        (n, len(RELATIONS)) float32.
    """
    ids, nodes = np.unique(shapes.pairs, return_inverse=True)
    ends = nodes.reshape(shapes.pairs.shape)
    # The contacts of each segment, one after the other, by the segment beyond.
    around = np.concatenate([ends, ends[:, ::-1]])
    order = np.lexsort(around.T[::-1])
    starts = np.searchsorted(around[order, 0], np.arange(len(ids) + 1))
    beyond = around[order, 1]
    contacts = order % max(1, len(ends))
    swapped = shapes.voxels[:, 0] > shapes.voxels[:, 1]
    sides = np.where(swapped[:, None], ends[:, ::-1], ends)
    found = np.zeros((len(ends), len(RELATIONS)), np.float32)
    _relate(sides, starts, beyond, contacts, evidence, found)
    return found


@compiled()
def _relate(sides, starts, beyond, contacts, evidence, found):  # type: ignore[no-untyped-def]
    for contact in range(len(sides)):
        row = found[contact]
        row[0] = evidence[contact]
        for side in range(2):
            segment = sides[contact, side]
            others = starts[segment + 1] - starts[segment] - 1
            surest, total = np.float32(NONE_SURER), np.float32(0)
            for place in range(starts[segment], starts[segment + 1]):
                other = contacts[place]
                if other != contact:
                    surest = max(surest, evidence[other])
                    total += evidence[other]
            row[1 + side] = evidence[contact] - surest
            row[3 + side] = total / max(others, 1)
            row[5 + side] = np.log1p(others)
        row[7], row[8] = _by_a_third(
            sides[contact, 0], sides[contact, 1], starts, beyond, contacts, evidence
        )


@compiled()
def _by_a_third(one, other, starts, beyond, contacts, evidence):  # type: ignore[no-untyped-def]
    """Follow all ways over a third segment; both lists are by the segment beyond."""
    surest, difference = np.float32(NONE_SURER), np.float32(0)
    here, there = starts[one], starts[other]
    while here < starts[one + 1] and there < starts[other + 1]:
        if beyond[here] < beyond[there]:
            here += 1
        elif beyond[here] > beyond[there]:
            there += 1
        else:
            first, second = evidence[contacts[here]], evidence[contacts[there]]
            surest = max(surest, min(first, second))
            difference = max(difference, abs(first - second))
            here += 1
            there += 1
    return surest, difference


def look_again(
    perceptrons: ContactClassifier, shapes: Shapes, evidence: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Judge contacts again: by the mean of the log odds of both looks.

    Either errs alone where it is off its ground: the first in tissue of other grey
    values, the second where segments have other shapes.

    Args:
        perceptrons: from `second_look_training`.
        shapes: of n contacts.
        evidence: (members, n) float32 log odds of the first look.

    Returns:
        (members, n) float32 log odds that both sides belong together, of as many
        members as there are perceptrons.
    """
    device = perceptrons.mean.device
    seen = torch.from_numpy(seen_again(shapes, evidence)).to(device)
    with torch.inference_mode():
        logits = perceptrons(seen)
    again = logits.clamp(-HIGHEST, HIGHEST).cpu().numpy()
    both: NDArray[np.float32] = (again + evidence.mean(axis=0, dtype=np.float32)) / 2
    return both


def seen_again(shapes: Shapes, evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is seen of n contacts: (n, len(SEEN)) float32, see `features.SEEN`.

    Args:
        shapes: of the contacts.
        evidence: (members, n) float32 log odds of the first look, of which the mean
            counts.
    """
    mean = evidence.mean(axis=0, dtype=np.float64).astype(np.float32)
    return np.concatenate([related(shapes, mean), shapes.described], axis=1)
