"""What peers make of small region graphs."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from eyewire_validator.baselines.peers import PEERS, RegionGraph, cut
from eyewire_validator.errors import ModelError

SCHEMA = Path(__file__).resolve().parents[3] / "config" / "schema.yaml"

# A chain of segments: the contacts 3-5 and 8-9 hold, 5-8 does not.
CHAIN = [[3, 5], [5, 8], [8, 9]]
LEVELS = [4.0, -2.0, 3.0]


def graph(pairs, level, area=None):
    area = np.ones(len(level)) if area is None else np.array(area, np.float64)
    return RegionGraph.of(np.array(pairs, np.int64), area, np.array(level, np.float64))


def objects(peer, contacts, bias=0.0):
    """Return the sets of segments that a peer calls one object."""
    found = cut(peer, contacts, bias)
    return {frozenset(contacts.segments[found == one].tolist()) for one in {*found}}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        (-3.0, [{3, 5, 8, 9}]),
        (0.0, [{3, 5}, {8, 9}]),
        (3.5, [{3, 5}, {8}, {9}]),
        (5.0, [{3}, {5}, {8}, {9}]),
    ],
)
def test_the_bias_is_what_a_contact_must_exceed(peer, bias, expected):
    assert objects(peer, graph(CHAIN, LEVELS), bias) == {*map(frozenset, expected)}


@pytest.mark.parametrize("peer", PEERS)
def test_a_volume_without_contacts_has_no_object(peer):
    nothing = graph(np.empty((0, 2)), [])
    assert len(cut(peer, nothing, 0.0)) == 0


# 1 and 2 are one; 3 touches both, and one contact speaks for it, the other against.
TRIANGLE = [[1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize(
    ("peer", "level", "area", "joins"),
    [
        # What all faces together say.
        ("multicut", [5.0, 1.0, -2.0], [1, 3, 1], True),
        ("multicut", [5.0, 1.0, -2.0], [1, 1, 1], False),
        ("gasp", [5.0, 1.0, -2.0], [1, 3, 1], True),
        ("gasp", [5.0, 1.0, -2.0], [1, 1, 1], False),
        # Three faces of 0.88 and two of 0.001: 0.53, though log odds are -1.6.
        ("mean_affinity", [9.0, 2.0, -7.0], [1, 3, 2], True),
        ("gasp", [9.0, 2.0, -7.0], [1, 3, 2], False),
        # What is surest decides for good, whatever the area.
        ("mutex_watershed", [5.0, 1.0, -2.0], [1, 9, 1], False),
        ("mutex_watershed", [5.0, 2.0, -1.0], [1, 1, 9], True),
    ],
)
def test_peers_differ_in_what_they_make_of_contradictions(peer, level, area, joins):
    found = objects(peer, graph(TRIANGLE, level, area))
    apart = {frozenset({1, 2}), frozenset({3})}
    assert found == ({frozenset({1, 2, 3})} if joins else apart)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bioimage_cpp.graph", None)
    with pytest.raises(ModelError, match=r"gasp .*pip install 'eyewire-validator\[pee"):
        cut("gasp", graph(CHAIN, LEVELS), 0.0)


def test_a_configuration_may_name_each():
    study = yaml.safe_load(SCHEMA.read_text())["properties"]["carry_over"]
    assert set(study["properties"]["peers"]["items"]["enum"]) == set(PEERS)
