"""Floods of drawn graphs, against a plain reading of their rule."""

import numpy as np
import pytest

from eyewire_validator.answers import Resources
from eyewire_validator.config.families import ModelSettings
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.graph import Graph, flood


def scores_of(edges, seed):
    """Scores above 0 by segment, of edges (one, other, weight)."""
    pairs = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    weights = np.array([edge[2] for edge in edges], np.float32)
    scores = flood(Graph(pairs, weights), np.array(seed))
    return {int(segment): float(scores[segment]) for segment in np.flatnonzero(scores)}


@pytest.mark.parametrize(
    ("edges", "seed", "expected"),
    [
        pytest.param([], [7], {7: 1}, id="no edges"),
        pytest.param(
            [(1, 2, 0.5), (2, 3, 0.75)], [1], {1: 1, 2: 0.5, 3: 0.5}, id="weakest edge"
        ),
        pytest.param(
            [(1, 2, 0.75), (2, 3, 0.5)], [1], {1: 1, 2: 0.75, 3: 0.5}, id="in order"
        ),
        pytest.param(
            [(1, 2, 0.25), (1, 3, 0.75), (3, 2, 0.5)],
            [1],
            {1: 1, 2: 0.5, 3: 0.75},
            id="way round",
        ),
        pytest.param(
            [(1, 2, 0.5), (2, 9, 0.75)], [1, 9], {1: 1, 2: 0.75, 9: 1}, id="two seeds"
        ),
        pytest.param(
            [(4, 5, 0.5), (5, 4, 0.75)], [4], {4: 1, 5: 0.75}, id="the same edge twice"
        ),
        pytest.param([(1, 2, 0), (4, 5, 1)], [1], {1: 1}, id="not reached"),
    ],
)
def test_floods_by_hand(edges, seed, expected):
    assert scores_of(edges, seed) == expected


def reached(pairs, weights, seed, threshold):
    """Flood along edges at or above the threshold, word by word."""
    found = set(seed)
    strong = [set(pair) for pair in pairs[weights >= threshold].tolist()]
    while joined := [pair for pair in strong if pair & found and pair - found]:
        found |= set.union(*joined)
    return found


def test_a_flood_at_each_threshold_is_the_plain_flood():
    generator = np.random.default_rng(6)
    pairs = generator.integers(1, 60, (90, 2))
    weights = generator.integers(1, 20, 90).astype(np.float32) / 20
    scores = flood(Graph(pairs, weights), np.array([1, 2]))
    for threshold in np.unique(weights):
        found = reached(pairs, weights, [1, 2], threshold)
        assert set(np.flatnonzero(scores >= threshold).tolist()) == found


@pytest.fixture
def answer_with(make_index, make_store, octants):
    """Return a function that answers task 1 (seed 1) in a volume with this graph."""

    def answer_with(kind, graph, aggregate=(1,)):
        index = make_index(
            {"task": 1, "volume": 11, "aggregate": list(aggregate), "split": "test"}
        )
        store = make_store({11: octants}, {11: graph})
        settings = ModelSettings(title=kind, kind=kind)
        return load_answerer(settings, Resources(store=store, dust=Dust(0)))(index)(
            [1]
        )[0][1]

    return answer_with


def test_msty_floods_the_affinities_of_the_volume(answer_with, octants):
    answer = answer_with("msty", [(1, 2, 0.75), (2, 3, 0.5), (4, 5, 1)])
    assert np.flatnonzero(answer.segments).tolist() == [1, 2, 3]
    assert answer.segments[[1, 2, 3]].tolist() == [1, 0.75, 0.5]
    np.testing.assert_array_equal(answer.probability, answer.segments[octants])


def test_affinities_are_cut_off_at_0_and_1(answer_with):
    answer = answer_with("msty", [(1, 2, 1.5), (1, 3, -0.5)])
    assert answer.segments[[2, 3]].tolist() == [1, 0]


def test_without_a_graph_msty_answers_the_seed_and_says_so(
    answer_with, octants, caplog
):
    answer = answer_with("msty", [])
    np.testing.assert_array_equal(answer.probability, octants == 1)
    assert "1 of 1 volumes have no segmentation.graph" in caplog.text


@pytest.mark.parametrize(
    ("aggregate", "chosen"),
    [
        ((1, 2, 3), [2, 3]),
        ((1, 2), [2]),
        ((1, 4), []),  # to get it costs two others
        ((1, 2, 4), [2]),
        ((1, 3, 4), [2, 3, 4]),
        ((1, 8), []),  # the flood does not reach it
    ],
)
def test_the_oracle_has_the_fewest_wrong_voxels(answer_with, aggregate, chosen):
    chain = [(1, 2, 0.75), (2, 3, 0.5), (3, 4, 0.25)]
    answer = answer_with("msty_oracle", chain, aggregate)
    assert np.flatnonzero(answer.segments).tolist() == chosen
    assert set(answer.segments[chosen]) <= {1.0}


def test_the_oracle_takes_all_of_equal_scores_or_none(answer_with):
    star = [(1, 2, 0.5), (1, 3, 0.5), (1, 4, 0.5)]
    assert not answer_with("msty_oracle", star, (1, 2)).segments.any()
    several = answer_with("msty_oracle", star, (1, 2, 3)).segments
    assert np.flatnonzero(several).tolist() == [2, 3, 4]


def test_contact_greedy_follows_the_largest_share_of_contact(
    make_index, make_store, geometry
):
    row = np.zeros(geometry.coarse_shape, np.uint16)
    row[0, 0, :] = [1, 1, 2, 2, 2, 3, 0, 4]
    store = make_store({11: row})
    index = make_index({"task": 1, "volume": 11, "seed": [1, 99]})
    settings = ModelSettings(title="", kind="contact_greedy")
    answer = load_answerer(settings, Resources(store=store, dust=Dust(0)))(index)([1])[
        0
    ][1]
    # A voxel at the edge of the volume has two faces with 0, and one at either end.
    np.testing.assert_allclose(answer.segments[[2, 3, 4]], [1 / 5, 1 / 5, 0])
