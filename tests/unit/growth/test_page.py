"""The page of grown cells."""

import numpy as np
import pandas as pd

from eyewire_validator.growth.page import SHADES, draw_cell, render_cells
from eyewire_validator.growth.shown import with_mergers
from eyewire_validator.growth.trees import lay_out

# Cell 5 leads into two cubes, of which the second stops; cell 6 ends at once.
GROWN = pd.DataFrame(
    {
        "cell": [5, 5, 5, 6],
        "cube": [0, 1, 2, 0],
        "parent": pd.array([None, 0, 0, None], "Int64"),
        "volume": [1, 3, 5, 3],
        "seed": [[1], [2], [3], [8]],
        "accepted": [[], [4], [], []],
        "risk": [0.0, 0.45, 1.0, 0.0],
        "outcome": ["went on", "ended", "stopped", "ended"],
        "why": ["leads into 2 cubes", "", "at <b>2 & more</b>", ""],
    }
)
# Segment 4 of volume 3 is not the cell's.
TRUTH = {5: {1: np.array([1]), 3: np.array([2]), 5: np.array([3])}}


def test_a_tree_shows_confidence_stops_and_known_false_merges():
    seed, merger, stop = draw_cell(with_mergers(GROWN, 5, TRUTH)).cubes
    assert [one.shade for one in (seed, merger, stop)] == [SHADES[n] for n in (5, 3, 0)]
    assert [one.is_stop for one in (seed, merger, stop)] == [False, False, True]
    assert [one.is_merger for one in (seed, merger, stop)] == [False, True, False]
    assert seed.parent is None
    assert merger.parent == stop.parent == (seed.x, seed.y)
    assert merger.x == stop.x > seed.x
    assert merger.y != stop.y


def test_all_cells_are_on_the_page_and_no_text_becomes_markup():
    page = "".join(render_cells(GROWN, TRUTH))
    assert "2 grown cells, 4 cubes, stopped in 1<" in page
    assert page.count("<circle") == 3
    assert page.count('class="stop"') == page.count('class="merger"') == 1
    assert page.count("<line ") == 2
    assert "<b>" not in page
    assert "at &lt;b&gt;2 &amp; more&lt;/b&gt;" in page


def test_without_a_truth_no_false_merge_is_spoken_of():
    page = "".join(render_cells(GROWN, {}))
    assert "alse merge" not in page
    assert 'class="merger"' not in page
    assert "0 grown cells" in "".join(render_cells(GROWN[:0], {}))


def test_no_two_leaves_of_a_tree_of_cubes_are_at_one_height():
    depth, height = lay_out(np.array([-1, 0, 1, 0, 3]))
    assert depth.tolist() == [0, 1, 2, 1, 2]
    assert height[2] != height[4]
    assert height[0] == (height[1] + height[3]) / 2
