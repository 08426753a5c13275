"""Cut region graphs into objects as others do: peers of this project's linkage.

Each joins segments by the log odds of their contacts, less a bias: the higher it is,
the less is joined. All are of bioimage-cpp, an optional extra.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import NDArray

from eyewire_validator.errors import ModelError

if TYPE_CHECKING:
    from bioimage_cpp.graph import UndirectedGraph

INSTALL = "pip install 'eyewire-validator[peers]'"


@dataclass(frozen=True)
class RegionGraph:
    """The contacts of a volume, between places in a list of its segments.

    Attributes:
        segments: (nodes,) int64 ids of those that touch another one, ascending.
        nodes: (n, 2) uint64 places of both sides of each contact, no two twice.
        area: (n,) float64 area of each contact.
        level: (n,) float64 finite log odds that both sides belong together.
    """

    segments: NDArray[np.int64]
    nodes: NDArray[np.uint64]
    area: NDArray[np.float64]
    level: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        pairs: NDArray[np.int64],
        area: NDArray[np.float64],
        level: NDArray[np.float64],
    ) -> "RegionGraph":
        """Make the graph of contacts, given the (n, 2) segment ids of each."""
        segments, nodes = np.unique(pairs, return_inverse=True)
        return cls(segments, nodes.reshape(-1, 2).astype(np.uint64), area, level)


Peer = Callable[["UndirectedGraph", RegionGraph, float], NDArray[np.uint64]]


def cut(peer: str, contacts: RegionGraph, bias: float) -> NDArray[np.int64]:
    """Cut a region graph into objects.

    Args:
        peer: one of `PEERS`.
        contacts: those of a volume.
        bias: log odds above which a contact joins.

    Returns:
        (nodes,) int64 the object of each segment: numbers from 0 on.

    Raises:
        ModelError: the optional extra is not here.
    """
    try:
        from bioimage_cpp.graph import UndirectedGraph
    except ImportError:
        raise ModelError(
            f"carry_over.peers: {peer} is of bioimage-cpp, which is not here; {INSTALL}"
        ) from None
    graph = UndirectedGraph.from_unique_edges(len(contacts.segments), contacts.nodes)
    return PEERS[peer](graph, contacts, bias).astype(np.int64)


def _multicut(
    graph: "UndirectedGraph", contacts: RegionGraph, bias: float
) -> NDArray[np.uint64]:
    """Maximize the sum of the log odds inside objects.

    Greedy additive edge contraction (Keuper et al. 2015, doi:10.1109/ICCV.2015.204),
    then the moves of Kernighan and Lin.
    """
    from bioimage_cpp.graph.multicut import KernighanLinMulticut, MulticutObjective

    costs = contacts.area * (contacts.level - bias)
    labels: NDArray[np.uint64] = KernighanLinMulticut().optimize(
        MulticutObjective(graph, costs)
    )
    return labels


def _gasp(
    graph: "UndirectedGraph", contacts: RegionGraph, bias: float
) -> NDArray[np.uint64]:
    """Join by the mean of the log odds over all faces, the surest contact first.

    GASP with average linkage (Bailoni et al. 2022, doi:10.1109/CVPR52688.2022.01136).
    """
    return _agglomerate(graph, contacts.level - bias, contacts.area, "mean")


def _mean_affinity(
    graph: "UndirectedGraph", contacts: RegionGraph, bias: float
) -> NDArray[np.uint64]:
    """Join by the mean affinity over all faces, as waterz does.

    Funke et al. 2019, doi:10.1109/TPAMI.2018.2835450. Affinities are probabilities.
    """
    above = scipy.special.expit(contacts.level) - scipy.special.expit(bias)
    return _agglomerate(graph, above, contacts.area, "mean")


def _mutex_watershed(
    graph: "UndirectedGraph", contacts: RegionGraph, bias: float
) -> NDArray[np.uint64]:
    """Join or part for good, the contact of the largest log odds either way first.

    Wolf et al. 2020, doi:10.1109/TPAMI.2020.2980827, on the region graph.
    """
    return _agglomerate(graph, contacts.level - bias, contacts.area, "mutex_watershed")


def _agglomerate(
    graph: "UndirectedGraph",
    weight: NDArray[np.float64],
    area: NDArray[np.float64],
    linkage: str,
) -> NDArray[np.uint64]:
    from bioimage_cpp.graph.agglomeration import GaspClusterPolicy

    policy = GaspClusterPolicy(linkage=linkage)
    labels: NDArray[np.uint64] = policy.optimize(graph, weight, edge_sizes=area)
    return labels


PEERS: Mapping[str, Peer] = {
    "multicut": _multicut,
    "gasp": _gasp,
    "mutex_watershed": _mutex_watershed,
    "mean_affinity": _mean_affinity,
}
