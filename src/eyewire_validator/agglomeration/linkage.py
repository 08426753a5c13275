"""Agglomerate segments with the seed by mean linkage, the surest contact first.

Agglomeration by the mean over the faces between two clusters is what is mostly done
with affinities of neurons (Lee et al. 2017, arXiv:1706.00120; Funke et al. 2019,
doi:10.1109/TPAMI.2018.2835450). Here it is the mean of log odds, as these are what
evidence adds up in, and one cluster is the seed from the start. What belongs to it
depends on where the joining is stopped, so each segment gets the level down to which it
must go on.

As a mean is never above the surer of the contacts that it is made of, no contact gets
surer in time. So each waits where it stood when it was last looked at, and is moved
back only when its turn comes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled

# Log odds are cut off here, at a probability of 0.999: one contact that the classifier
# is very sure of does not outweigh all others. At the lowest, nothing is joined.
HIGHEST = 7.0

# A contact between two clusters: sum of the log odds over its faces, faces, their
# mean, and the lowest code of the contacts that it was made of.
CONTACT = np.dtype([("total", "f8"), ("faces", "f8"), ("mean", "f8"), ("first", "i8")])
# One end of a contact; contact c has the ends 2 c and 2 c + 1. The ends at a cluster
# form a list, in which some may be of contacts that are gone.
END = np.dtype([("cluster", "i4"), ("following", "i4")])
# A cluster, which is known by one of its nodes: the first end in its list, how many of
# these are of contacts that are not gone, and the next node in the ring of its members.
CLUSTER = np.dtype([("leading", "i4"), ("degree", "i4"), ("after", "i4")])
# A contact in the queue, and what it was when it was put there.
WAITING = np.dtype([("mean", "f8"), ("first", "i8"), ("contact", "i4")])
# A slot of the table of all contacts: the code of its clusters.
SLOT = np.dtype([("code", "i8"), ("contact", "i4")])

NONE = -1  # no end, no code
GONE = -np.inf  # the mean of a contact that another one took in
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # spreads codes over a table


@dataclass(frozen=True)
class Linkage:
    """The contacts of a volume, prepared to be joined to any seed.

    Attributes:
        segments: (nodes,) int64 ids of those that touch another one, ascending.
        evidence: (members, n) float32 log odds of each contact.
        order: (members, n) int32 contacts, the surest first.
        contacts: (n,) `CONTACT` with the faces and codes, of no member yet.
        ends: (2 n,) `END`.
        clusters: (nodes,) `CLUSTER`, each a node alone.
        table: (slots,) `SLOT`, each where `_find` looks for it; slots are a power of
            two and twice the contacts or more.
    """

    segments: NDArray[np.int64]
    evidence: NDArray[np.float32]
    order: NDArray[np.int32]
    contacts: NDArray[np.void]
    ends: NDArray[np.void]
    clusters: NDArray[np.void]
    table: NDArray[np.void]

    @classmethod
    def prepare(
        cls,
        pairs: NDArray[np.int64],
        faces: NDArray[np.int64],
        evidence: NDArray[np.float32],
    ) -> "Linkage":
        """Do once what every seed needs.

        Args:
            pairs: (n, 2) int64 segment ids of each contact, the lower one first,
                ascending, none twice.
            faces: (n,) int64 faces of each.
            evidence: (members, n) float32 log odds that both sides belong together,
                from -HIGHEST to HIGHEST.
        """
        present = np.zeros(pairs.max(initial=0) + 1, np.bool_)
        present[pairs] = True
        segments = np.flatnonzero(present)
        nodes = (np.cumsum(present) - 1)[pairs]
        contacts = np.zeros(len(pairs), CONTACT)
        contacts["faces"] = faces
        contacts["first"] = nodes @ [len(segments), 1]
        ends = np.empty(nodes.size, END)
        ends["cluster"] = nodes.ravel()
        clusters = np.empty(len(segments), CLUSTER)
        table = np.empty(1 << (2 * len(pairs)).bit_length(), SLOT)
        _list_ends(ends, clusters)
        _tabulate(contacts, ends, len(segments), table)
        order = _surest_first(evidence)
        return cls(segments, evidence, order, contacts, ends, clusters, table)

    def levels(self, seed: NDArray[np.int64]) -> NDArray[np.float32]:
        """Join segments, by each member, until the seed has no contact left.

        Two clusters are as near as the mean of the evidence over the faces between
        them; the nearest two are joined first, of equals those whose contact comes
        first.

        Args:
            seed: ids of the segments that are one from the start.

        Returns:
            (members, nodes) float32 log odds of each of the segments: the lowest mean
            that was joined before it was one with the seed; infinite for the seed, and
            minus infinity where that never happens.
        """
        given = np.flatnonzero(np.isin(self.segments, seed))
        levels = np.full((len(self.evidence), len(self.segments)), -np.inf, np.float32)
        for found, evidence, order in zip(
            levels, self.evidence, self.order, strict=True
        ):
            if len(given):
                contacts = self.contacts.copy()
                contacts["total"] = contacts["faces"] * evidence
                contacts["mean"] = evidence
                _join(
                    evidence, order, given, found, contacts, self.ends.copy(),
                    self.clusters.copy(), self.table.copy(),
                )  # fmt: skip
        return levels


def _surest_first(evidence: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the order of (members, n) log odds, equal ones as they come.

    Sorting the bits of a number and its place as one integer takes a quarter of the
    time of a stable `numpy.argsort`.
    """
    bits = (0 - evidence).view(np.int32)
    ascending = (bits ^ (bits >> 31 & 0x7FFFFFFF)).astype(np.int64)
    places = np.arange(evidence.shape[1])
    found = np.sort(ascending << 32 | places, axis=1) & 0xFFFFFFFF
    return found.astype(np.int32)


@compiled()
def _list_ends(ends, clusters):  # type: ignore[no-untyped-def]
    """List the ends at each node."""
    for node in range(clusters.size):
        clusters[node].leading = NONE
        clusters[node].degree = 0
        clusters[node].after = node
    for end in range(ends.size):
        cluster = clusters[ends[end].cluster]
        ends[end].following = cluster.leading
        cluster.leading = end
        cluster.degree += 1


@compiled()
def _tabulate(contacts, ends, nodes, table):  # type: ignore[no-untyped-def]
    """Put the contacts that are not gone into the table; return how many."""
    table["code"][:] = NONE
    taken = 0
    for contact in range(contacts.size):
        if contacts[contact].mean != GONE:
            one, other = ends[2 * contact].cluster, ends[2 * contact + 1].cluster
            code = _code(nodes, one, other)
            slot = table[_find(table, code)]
            slot.code, slot.contact = code, contact
            taken += 1
    return taken


@compiled()
def _code(nodes, one, other):  # type: ignore[no-untyped-def]
    """Return one number for two clusters, ascending as sorted pairs are."""
    return np.int64(min(one, other)) * nodes + max(one, other)


@compiled()
def _find(table, code):  # type: ignore[no-untyped-def]
    """Return the slot that has a code, or else a free one for it."""
    last = table.size - 1
    slot = np.int64((np.uint64(code) * GOLDEN) >> np.uint64(32)) & last
    while table[slot].code != code and table[slot].code != NONE:
        slot = (slot + 1) & last
    return slot


@compiled()
def _join(evidence, order, seed, levels, contacts, ends, clusters, table):  # type: ignore[no-untyped-def]
    """Join clusters until that of the seed has no contacts; see `Linkage.levels`."""
    # All numbers are int64, or what takes them would be compiled for each type of them.
    queue, waiting = np.empty(3 * contacts.size, WAITING), np.int64(0)
    taken, root = contacts.size, seed[0]
    for segment in seed[1:]:
        taken = _tidy(segment, root, contacts, ends, clusters, table, taken)
        root, waiting, taken = _merge(
            root, segment, contacts, ends, clusters, table, taken, queue, waiting
        )
    waiting = _enter_seed(root, seed[0], contacts, ends, clusters, queue, waiting)
    _fill(levels, clusters, root, np.inf)
    level, place = np.inf, np.int64(0)
    while clusters[root].degree:
        contact, place, waiting = _surest(
            evidence, order, place, contacts, queue, waiting
        )
        level = min(level, contacts[contact].mean)
        if level <= -HIGHEST:
            break
        one = np.int64(ends[2 * contact].cluster)
        other = np.int64(ends[2 * contact + 1].cluster)
        joins_seed = one == root or other == root
        if joins_seed:
            _fill(levels, clusters, other if one == root else one, level)
        taken = _tidy(one, other, contacts, ends, clusters, table, taken)
        kept, waiting, taken = _merge(
            one, other, contacts, ends, clusters, table, taken, queue, waiting
        )
        if joins_seed:
            root = kept


@compiled()
def _fill(levels, clusters, first, level):  # type: ignore[no-untyped-def]
    """Set the level of all members of a cluster, of which ``first`` is one."""
    member = first
    while True:
        levels[member] = level
        member = clusters[member].after
        if member == first:
            break


@compiled()
def _enter_seed(root, name, contacts, ends, clusters, queue, waiting):  # type: ignore[no-untyped-def]
    """Order the contacts of the seed as if the node ``name`` were all of it."""
    end = clusters[root].leading
    while end != NONE:
        contact = contacts[end >> 1]
        if contact.mean != GONE:
            contact.first = _code(clusters.size, name, ends[end ^ 1].cluster)
            waiting = _push(np.int64(end >> 1), contacts, queue, waiting)
        end = ends[end].following
    return waiting


@compiled()
def _surest(evidence, order, place, contacts, queue, waiting):  # type: ignore[no-untyped-def]
    """Find the surest contact, in the order or in the queue.

    Returns:
        The contact, the next place in the order, and how many are waiting.
    """
    while place < order.size and contacts[order[place]].mean < evidence[order[place]]:
        if contacts[order[place]].mean != GONE:
            waiting = _push(np.int64(order[place]), contacts, queue, waiting)
        place += 1
    while waiting and contacts[queue[0].contact].mean < queue[0].mean:
        contact = np.int64(queue[0].contact)
        waiting = _pop(queue, waiting)
        if contacts[contact].mean != GONE:
            waiting = _push(contact, contacts, queue, waiting)
    if place == order.size or (waiting and _is_surer(queue[0], contacts[order[place]])):
        return np.int64(queue[0].contact), place, waiting
    return np.int64(order[place]), place, waiting


@compiled()
def _is_surer(one, other):  # type: ignore[no-untyped-def]
    return one.mean > other.mean or (one.mean == other.mean and one.first < other.first)


@compiled()
def _push(contact, contacts, queue, waiting):  # type: ignore[no-untyped-def]
    """Put a contact into the queue, a binary heap; return its new size."""
    now, place = contacts[contact], waiting
    while place > 0 and _is_surer(now, queue[(place - 1) >> 1]):
        queue[place] = queue[(place - 1) >> 1]
        place = (place - 1) >> 1
    queue[place].mean, queue[place].first = now.mean, now.first
    queue[place].contact = contact
    return waiting + 1


@compiled()
def _pop(queue, waiting):  # type: ignore[no-untyped-def]
    """Take the surest contact from the queue; return its new size."""
    size = waiting - 1
    last, place, below = queue[size], 0, 1
    while below < size:
        if below + 1 < size and _is_surer(queue[below + 1], queue[below]):
            below += 1
        if not _is_surer(queue[below], last):
            break
        queue[place] = queue[below]
        place, below = below, 2 * below + 1
    queue[place] = last
    return size


@compiled()
def _tidy(one, other, contacts, ends, clusters, table, taken):  # type: ignore[no-untyped-def]
    """Make the table anew where a merge might fill more than three quarters of it."""
    moved = min(clusters[one].degree, clusters[other].degree)
    if taken + moved > table.size // 4 * 3:
        taken = _tabulate(contacts, ends, clusters.size, table)
    return taken


@compiled()
def _merge(one, other, contacts, ends, clusters, table, taken, queue, waiting):  # type: ignore[no-untyped-def]
    """Move the contacts of the cluster that has fewer to the other one.

    Two contacts with the same third cluster become one, that of the surer.

    Returns:
        The cluster that is left, how many are waiting, and the slots taken.
    """
    kept, gone = one, other
    if clusters[one].degree < clusters[other].degree:
        kept, gone = other, one
    following = clusters[gone].leading
    while following != NONE:
        end, moved = following, following >> 1
        following = ends[end].following
        far = ends[end ^ 1].cluster
        if contacts[moved].mean == GONE:
            continue
        if far == kept:
            contacts[moved].mean = GONE
            clusters[kept].degree -= 1
            continue
        code = _code(clusters.size, kept, far)
        slot = table[_find(table, code)]
        is_new = slot.code == NONE
        if is_new:
            slot.code = code
            taken += 1
            clusters[kept].degree += 1
        else:
            clusters[far].degree -= 1
        surer, lesser = np.int64(slot.contact), moved
        if is_new or _is_surer(contacts[moved], contacts[surer]):
            surer, lesser = moved, surer
            slot.contact = moved
            ends[end].cluster = kept
            ends[end].following = clusters[kept].leading
            clusters[kept].leading = end
        if not is_new:
            waiting = _unite(surer, lesser, contacts, queue, waiting)
    after = clusters[kept].after
    clusters[kept].after = clusters[gone].after
    clusters[gone].after = after
    return kept, waiting, taken


@compiled()
def _unite(surer, lesser, contacts, queue, waiting):  # type: ignore[no-untyped-def]
    """Add a contact to a surer one, which goes on waiting at its old place.

    Returns:
        How many are waiting: by rounding alone it can get surer, and waits twice.
    """
    left, gone = contacts[surer], contacts[lesser]
    mean, first = left.mean, left.first
    left.total += gone.total
    left.faces += gone.faces
    left.mean = left.total / left.faces
    left.first = min(first, gone.first)
    gone.mean = GONE
    if left.mean > mean or (left.mean == mean and left.first < first):
        waiting = _push(surer, contacts, queue, waiting)
    return waiting
