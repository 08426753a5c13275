"""The state of Neuroglancer that shows grown cells."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from eyewire_validator.growth.neuroglancer import make_state, point_in

SOURCES = {"grown": "precomputed://grown", "image": "precomputed://image"}


def test_the_first_cell_shows_over_the_truth_and_the_others_are_listed():
    known = {**SOURCES, "truth": "precomputed://truth"}
    state = make_state(known, (30, 18, 18), (1, 2, 3), [7, 9])
    assert [layer["name"] for layer in state["layers"]] == ["image", "truth", "grown"]
    for layer in state["layers"][1:]:
        assert layer["segments"] == ["7", "!9"]
    assert state["position"] == [3.5, 2.5, 1.5]
    assert state["dimensions"]["z"] == [30e-9, "m"]


def test_all_cells_show_where_none_is_known():
    state = make_state(SOURCES, None, (0, 0, 0), [])
    assert [layer["name"] for layer in state["layers"]] == ["image", "grown"]
    assert "segments" not in state["layers"][1]
    assert state["dimensions"]["x"] == [1e-9, "m"]


def test_it_is_centred_on_the_seed_that_a_cell_grew_from():
    coverage = SimpleNamespace(
        segments=pd.DataFrame({"segment": [4, 6]}),
        points=np.array([[0, 0, 0], [1, 2, 3]]),
    )
    store = SimpleNamespace(
        coverage=lambda volume: coverage, geometry=SimpleNamespace(factor=(1, 2, 2))
    )
    block = SimpleNamespace(store=store, corners={5: (10, 20, 40)})
    grown = pd.DataFrame(
        [(7, 1, 5, [4]), (7, 0, 5, [6]), (8, 0, 5, [4])],
        columns=["cell", "cube", "volume", "seed"],
    )
    assert point_in(grown, 7, block) == (11, 12, 23)
