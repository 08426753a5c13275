"""Questions about stops of growth, and what people say of them."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.growth.stops import (
    FIRST_STOP,
    is_stop,
    lineage_with_stops,
    stop_id,
)
from eyewire_validator.review.question import data_hash
from eyewire_validator.review.stops import (
    DecidedStops,
    ask_about_stops,
    find_stops,
    pairs_of_stops,
)
from eyewire_validator.storage.schemas.review import QUEUE
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.frame import Frame

STOP = stop_id(7, 11, [3, 1])
NO_TASKS = pd.DataFrame(columns=Lineage.COLUMNS)
GROWN = pd.DataFrame(
    {
        "cell": [7, 7],
        "volume": [11, 12],
        "min_z": [0, 0], "min_y": [0, 0], "min_x": [32, 64],
        "seed": [np.array([1, 3]), np.array([2])],
        "withheld": [np.array([8, 5]), np.array([], np.int64)],
        "withheld_probability": [np.array([0.9, 0.6]), np.array([])],
        "why": ["stopped at 2 segments", "nothing of it reaches a neighbouring cube"],
    }
)  # fmt: skip


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


def test_the_id_of_a_stop_hangs_on_cell_volume_and_seed():
    assert stop_id(7, 11, np.array([1, 3])) == STOP
    assert len({STOP, stop_id(8, 11, [1, 3]), stop_id(7, 12, [1, 3])}) == 3
    assert is_stop(STOP)
    assert not is_stop(FIRST_STOP - 1)
    # What a script on a page counts exactly.
    assert STOP < 2**53


def test_each_segment_at_which_growth_stopped_is_asked_about(store):
    lineage = lineage_with_stops(NO_TASKS, GROWN)
    asked = ask_about_stops(
        GROWN, lineage, store, Origins(), Frame((10.0, 10.0, 5.0), None)
    )
    assert set(asked) == {*QUEUE.names, "drawn"} - {"rank", "data", "checkpoint"}
    assert asked["item"].tolist() == [f"{STOP}-8", f"{STOP}-5"]
    assert asked["seeds"].tolist() == ["1 3"] * 2
    assert asked["supervoxel"].tolist() == [8, 5]
    assert asked["supervoxel"].dtype == asked["seed"].dtype == np.uint64
    assert asked["probability"].tolist() == [0.9, 0.6]
    assert asked["why"].tolist() == ["Growth stopped at 2 segments."] * 2
    assert (asked["x"] >= 32 + 16).tolist() == [True, False]
    np.testing.assert_allclose(asked["x_nm"], 5 * (asked["x"] + 0.5))


def test_decisions_count_for_the_data_that_were_shown(store):
    task = lineage_with_stops(NO_TASKS, GROWN).task(STOP)
    shown = data_hash(store.get(11), task)
    rows = [(8, "yes", shown), (5, "no", shown), (4, "unsure", shown), (2, "yes", "?")]
    decisions = pd.DataFrame(rows, columns=["segment", "verdict", "data"]).assign(
        task=STOP, cell=7, reviewer="Ada", seeds="", supervoxel=0,
        z_nm=0.0, y_nm=0.0, x_nm=0.0,
    )  # fmt: skip
    decisions["item"] = [f"{STOP}-{segment}" for segment in decisions["segment"]]
    assert DecidedStops(decisions, store).of(task) == {8: True, 5: False}
    assert DecidedStops(decisions.iloc[:0], store).of(task) == {}


def test_a_stop_is_found_again_by_its_decision_alone(store):
    lineage = lineage_with_stops(NO_TASKS, GROWN)
    frame = Frame((10.0, 10.0, 5.0), None)
    asked = ask_about_stops(GROWN, lineage, store, Origins(), frame)
    shown = data_hash(store.get(11), lineage.task(STOP))
    decisions = asked.assign(
        reviewer="Ada", verdict=["yes", "no"], data=[shown, "other data"]
    )
    # Both volumes hold the point: only in one of them is it this stop.
    corners = {12: (0, 0, 32), 11: (0, 0, 32)}
    stops = find_stops(decisions, store, corners, Origins())
    (row,) = stops.itertuples()
    assert (row.task, row.cell, row.volume, row.min_x) == (STOP, 7, 11, 32)
    assert row.seed.tolist() == [1, 3]
    pairs = pairs_of_stops(stops, decisions, store)
    assert pairs.to_numpy().tolist() == [[STOP, 8, True]]

    far = find_stops(decisions, store, {11: (0, 0, 320)}, Origins())
    moved = find_stops(decisions.assign(cell=8), store, corners, Origins())
    assert far.empty
    assert moved.empty
    assert pairs_of_stops(far, decisions, store).empty
