import math
from functools import partial

import numpy as np
import pytest

from eyewire_validator.errors import ConfigError, TableError
from eyewire_validator.evaluation.ranking import RankedSegments
from eyewire_validator.evaluation.risk import (
    BET,
    Risk,
    accept_ranked,
    choose_acceptance,
)

DRAWS = 1000
# What 12 cells can show, if nothing of them is wrong.
LOOSE = {"false_merge": 0.25, "confidence": 0.95}
ASKED = {"false_merge": 0.05, "confidence": 0.95}


def cells(number, drawn):
    """Draw segments of each of so many cells from a line such as ``9+ 8-``."""
    words = drawn.split()
    probability = [int(word[0]) / 10 for word in words] * number
    belongs = [word[1] == "+" for word in words] * number
    return probability, belongs, np.repeat(np.arange(number), len(words))


def together(*several):
    """Take the segments of different cells."""
    first = np.cumsum([0] + [len(set(cell)) for *_, cell in several])
    moved = [
        (p, t, c + add) for (p, t, c), add in zip(several, first[:-1], strict=True)
    ]
    return [np.concatenate(arrays) for arrays in zip(*moved, strict=True)]


def between(passing, below):
    return (np.float32(passing) + np.float32(below)) / np.float32(2)


def plainly(probability, belongs, clusters, false_merge, confidence):
    """Choose a threshold as the proof goes: one after the other, cell by cell."""
    passed = None
    need = math.log(1 / (1 - confidence))
    gain = math.log(1 + BET * false_merge / (1 - false_merge))
    for level in sorted({float(p) for p in probability if p > 0}, reverse=True):
        above = probability >= level
        shares = [
            np.mean(~belongs[above & (clusters == cell)])
            for cell in np.unique(clusters[above])
        ]
        if len(shares) < need / gain:
            continue
        stakes = [1 - BET * (s - false_merge) / (1 - false_merge) for s in shares]
        if sum(map(math.log, stakes)) < need:
            break
        passed = level
    return passed


def random_segments(random, number=40, size=12):
    """Draw cells of different sizes and errors, with ties of probability."""
    cell = np.repeat(np.arange(number), random.integers(1, size, number))
    probability = (random.integers(0, 30, len(cell)) / 30).astype(np.float32)
    worse = random.normal(0, 0.3, number)[cell]
    belongs = random.random(len(cell)) < 1.3 * probability**0.3 - 0.2 + worse
    return probability, belongs, cell


def test_the_lowest_threshold_that_keeps_the_risk_is_chosen():
    found = choose_acceptance(*cells(30, "9+ 8+ 7- 6-"), **LOOSE)
    assert found.threshold == between(0.8, 0.7)
    assert found.coverage == 1
    assert found.bound < 0.25
    assert (found.clusters, found.missing) == (30, 0)


def test_it_agrees_with_trying_one_threshold_after_the_other():
    random = np.random.default_rng(7)
    found = set()
    for _ in range(200):
        drawn = random_segments(random)
        chosen = choose_acceptance(*drawn, **LOOSE).threshold
        passed = plainly(*drawn, **LOOSE)
        assert (chosen is None) == (passed is None)
        if passed is not None:
            levels = np.append(np.unique(drawn[0]), 1)
            below = levels[levels < np.float32(passed)].max(initial=0)
            assert chosen == between(passed, below)
        found.add(passed)
    assert len(found) > 5


def test_parts_that_do_not_fit_into_memory_change_nothing():
    probability, belongs, cell = random_segments(np.random.default_rng(7), 300, 30)
    ranked = RankedSegments(most=100)
    for some in np.array_split(np.arange(len(cell)), 50):
        voxels = np.ones(len(some), np.int64)
        ranked.add(probability[some], belongs[some], voxels, cell[some])
    whole = choose_acceptance(probability, belongs, cell, **LOOSE)
    assert whole.threshold
    assert accept_ranked(ranked, Risk(**LOOSE)) == whole


def test_the_bound_is_the_risk_that_would_just_be_kept():
    drawn = together(cells(80, "9+ 8+"), cells(2, "9-"))
    bound = choose_acceptance(*drawn, **LOOSE).bound
    assert bound > 2 / 82
    assert choose_acceptance(*drawn, bound + 1e-6, 0.95).threshold
    assert choose_acceptance(*drawn, bound - 1e-6, 0.95).threshold is None


def test_too_few_cells_accept_nothing_and_say_how_many_are_missing():
    needed = Risk(**ASKED).clusters
    found = choose_acceptance(*cells(needed - 9, "9+ 8+"), **ASKED)
    assert found.threshold is found.bound is None
    assert (found.coverage, found.clusters, found.missing) == (0, needed - 9, 9)
    assert choose_acceptance(*cells(needed - 1, "9+ 8+"), **ASKED).missing == 1
    assert choose_acceptance(*cells(needed, "9+ 8+"), **ASKED).threshold


@pytest.mark.parametrize(
    ("false_merge", "clusters"), [(0.01, 332), (0.05, 65), (0.1, 32)]
)
def test_cells_that_a_risk_needs(false_merge, clusters):
    assert Risk(false_merge, 0.95).clusters == clusters


def test_many_segments_of_a_cell_are_one_observation():
    probability, belongs, cell = cells(100, "9+ 8+ 7+")
    assert choose_acceptance(probability, belongs, cell, **ASKED).threshold
    assert choose_acceptance(probability, belongs, cell * 0, **ASKED).missing == 64
    assert choose_acceptance(probability, belongs, cell % 50, **ASKED).missing == 15


def test_a_segment_of_probability_0_is_never_accepted():
    found = choose_acceptance(*cells(100, "9+ 0+"), **ASKED)
    assert found.threshold == between(0.9, 0)
    assert found.coverage == 0.5


def test_all_wrong_or_none_at_all_accept_nothing():
    assert choose_acceptance(*cells(100, "9- 8-"), **ASKED).threshold is None
    assert choose_acceptance(*cells(100, "9- 8-"), **ASKED).missing == 0
    assert choose_acceptance(*cells(0, "9+"), **ASKED).missing == 65


def test_segments_of_the_same_probability_are_accepted_together():
    found = choose_acceptance(*cells(100, "9+ 8+ 8- 7+ 7+ 7+"), **ASKED)
    assert found.threshold == between(0.9, 0.8)


def test_names_are_clusters_too():
    probability, belongs, cell = cells(100, "9+ 8-")
    names = [f"block/{number}" for number in cell]
    assert choose_acceptance(probability, belongs, names, **ASKED) == choose_acceptance(
        probability, belongs, cell, **ASKED
    )


@pytest.mark.parametrize("key", ["false_merge", "confidence"])
@pytest.mark.parametrize("value", [0, 1, 5, math.nan])
def test_a_risk_that_nothing_keeps_is_refused(key, value):
    with pytest.raises(ConfigError, match=rf"risk.{key} is {value}, expected more"):
        Risk(**{**ASKED, key: value})


def test_arrays_of_different_length_are_refused():
    with pytest.raises(TableError, match="2 probabilities, 2 truths and 1 clusters"):
        choose_acceptance([0.5, 0.6], [True, False], [1], **ASKED)


# Simulations. Cells are drawn again and again; what a threshold is worth is known.


def bad_cells(random, share, clusters=100):
    """Draw cells of which a share is wrong in all that it has, at any threshold."""
    cell = np.repeat(np.arange(clusters), random.integers(1, 10, clusters))
    belongs = (random.random(clusters) >= share)[cell]
    return random.random(len(cell)), belongs, cell


def like_cells(random, clusters=200):
    """Draw cells that differ in size and errors; the surer, the righter.

    Of the segments at p, a share of 2 (1 - p)**2 u is wrong, where u is the
    cell's own, with a mean of 1.
    """
    size = random.integers(1, 10, clusters)
    cell = np.repeat(np.arange(clusters), size)
    probability = random.random(len(cell))
    wrong = 2 * (1 - probability) ** 2 * random.exponential(1, clusters)[cell]
    return probability, random.random(len(cell)) >= wrong, cell


def true_risk(draw, threshold):
    probability, belongs, cell = draw
    kept = probability >= threshold
    accepted = np.bincount(cell[kept])
    wrong = np.bincount(cell[kept], ~belongs[kept])
    return np.mean(wrong[accepted > 0] / accepted[accepted > 0])


def violations(draw, is_violated, clusters=lambda cell: cell):
    """Count in how many draws a threshold is chosen whose risk is too high."""
    random = np.random.default_rng(20)
    count = 0
    for _ in range(DRAWS):
        probability, belongs, cell = draw(random)
        found = choose_acceptance(probability, belongs, clusters(cell), **ASKED)
        count += found.threshold is not None and is_violated(found.threshold)
    return count


def test_a_risk_just_too_high_is_accepted_in_no_more_draws_than_agreed():
    draw = partial(bad_cells, share=0.051)
    found = violations(draw, lambda threshold: True)
    assert 10 < found <= 0.05 * DRAWS


def test_single_segments_as_observations_would_break_the_promise():
    draw = partial(bad_cells, share=0.051, clusters=25)
    alone = violations(draw, lambda threshold: True, lambda cell: np.arange(len(cell)))
    assert alone > 0.2 * DRAWS


def test_the_risk_is_kept_where_it_depends_on_the_threshold():
    population = like_cells(np.random.default_rng(21), 100_000)
    tried = np.linspace(0.5, 1, 101)[:-1]
    risks = np.array([true_risk(population, threshold) for threshold in tried])
    limit = tried[risks <= ASKED["false_merge"]][0]
    assert 0.6 < limit < 0.9
    chosen = []

    def is_violated(threshold):
        chosen.append(threshold)
        return threshold < limit

    assert violations(like_cells, is_violated) <= 0.05 * DRAWS
    assert len(chosen) > 0.5 * DRAWS  # it is no use to accept nothing
