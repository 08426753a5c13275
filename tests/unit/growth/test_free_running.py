"""Free-running growth along a row of drawn volumes."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.membership import LINKAGE_ALONE
from eyewire_validator.agglomeration.scoring import ScoredContacts
from eyewire_validator.growth.block import Block
from eyewire_validator.growth.cube_answers import CubeAnswers
from eyewire_validator.growth.free_running import Limits, Seed, grow
from eyewire_validator.growth.seeds import seeds_of
from eyewire_validator.growth.table import grown_table
from eyewire_validator.growth.teacher_forced import follow_truth
from eyewire_validator.storage.schemas.growth import (
    ENDED,
    GROWN,
    STOPPED,
    WENT_ON,
)
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

# Three volumes along x that share 4 of 8 coarse voxels. In each, two bars run along x:
# the upper one is of segments 1 and 2, one behind the other, the lower one is 3.
CORNERS = {11: (0, 0, 0), 12: (0, 0, 16), 13: (0, 0, 32)}
LOOKS = Appearance(1.0, 120.0, 5.0, -2.0, -1.0, -1.0, 0.0)
PAIRS = np.array([[1, 2], [1, 3], [2, 3]])


@pytest.fixture
def geometry():
    return VolumeGeometry(size=32, overlap=16, factor=4)


def bars():
    ids = np.zeros((8, 8, 8), np.uint16)
    ids[1:7, 1:4, :4], ids[1:7, 1:4, 4:], ids[1:7, 4:7] = 1, 2, 3
    return ids


def log_odds(probability):
    return float(np.log(probability / (1 - probability)))


@pytest.fixture
def answers(make_store):
    """The answers of a model to whom 1 and 2 are one with this probability."""
    store = make_store(dict.fromkeys(CORNERS, bars()))

    def make(
        probability,
        leak=0.01,
        alarm=lambda volume: None,
        decided=lambda task: {},
    ):
        odds = [log_odds(p) for p in (probability, leak, leak)]
        contacts = ScoredContacts(
            PAIRS, np.ones(3), np.array([odds], np.float32), LOOKS, None
        )
        return CubeAnswers(
            Block(store, CORNERS, Dust(0)),
            lambda volume: contacts,
            lambda volume: LINKAGE_ALONE,
            alarm=alarm,
            decided=decided,
        )

    return make


SEED = [Seed(7, 11, np.array([1]))]


def test_a_cell_grows_to_the_end_of_the_block(answers):
    cubes = grow(answers(0.99), SEED, Limits(0.5))
    assert [cube.volume for cube in cubes] == [11, 12, 13]
    assert [cube.parent for cube in cubes] == [None, 0, 1]
    assert [cube.segments.tolist() for cube in cubes] == [[1, 2]] * 3
    assert [cube.outcome for cube in cubes] == [WENT_ON, WENT_ON, ENDED]


def test_risk_adds_up_along_a_path_until_it_stops(answers):
    # 0.8 twice is 0.64; with a third one it is 0.51.
    cubes = grow(answers(0.8), SEED, Limits(0.4))
    risks = [cube.risk for cube in cubes]
    np.testing.assert_allclose(risks, [0.2, 0.36, 0.36], atol=1e-6)
    assert [len(cube.withheld.segments) for cube in cubes] == [0, 0, 1]
    assert cubes[-1].outcome == STOPPED
    assert "wrong at 0.488, above 0.4" in cubes[-1].why


def test_small_risks_are_told_apart(answers):
    (cube,) = grow(answers(0.998), SEED, Limits(0.001))
    assert "wrong at 0.002, above 0.001" in cube.why


@pytest.mark.parametrize(("belongs", "last"), [(True, 13), (False, 12)])
def test_growth_goes_on_by_what_people_decided(answers, belongs, last):
    # Unasked, it would stop in volume 12.
    decided = answers(
        0.8, decided=lambda task: {2: belongs} if task.volume == 12 else {}
    )
    cubes = grow(decided, SEED, Limits(0.3))
    assert [cube.volume for cube in cubes] == [11, 12, 13][: last - 10]
    second = cubes[1]
    assert not len(second.withheld.segments)
    assert second.accepted.probability.tolist() == [1.0] * belongs
    np.testing.assert_allclose(second.risk, second.path_risk)


def test_what_is_unlikely_is_left_without_a_stop(answers):
    cubes = grow(answers(0.4), SEED, Limits(0.9))
    assert [cube.segments.tolist() for cube in cubes] == [[1]]
    assert cubes[0].outcome == ENDED


def test_the_alarm_stops_growth_where_it_rings(answers):
    strange = answers(0.99, alarm=lambda volume: "too dark" if volume == 12 else None)
    cubes = grow(strange, SEED, Limits(0.5))
    assert [cube.volume for cube in cubes] == [11, 12]
    assert cubes[-1].why == "the alarm rings: too dark"


def test_a_budget_stops_growth(answers):
    cubes = grow(answers(0.99), SEED, Limits(0.5, cubes=2))
    assert [cube.volume for cube in cubes] == [11, 12, 13]
    assert cubes[-1].why == "the budget of 2 cubes is spent"
    assert not len(cubes[-1].accepted.segments)


def test_equal_growth_makes_equal_tables(answers, tmp_path):
    tables = [
        grown_table(grow(answers(0.8), SEED, Limits(0.4)), CORNERS) for _ in range(2)
    ]
    for number, table in enumerate(tables):
        write_table(tmp_path / f"{number}.parquet", table, GROWN)
    assert len(read_table(tmp_path / "0.parquet", GROWN)) == 3
    written = [(tmp_path / f"{n}.parquet").read_bytes() for n in range(2)]
    assert written[0] == written[1]


def test_cells_grow_from_open_tasks_or_else_from_their_root(make_index):
    index = make_index(
        {"task": 1, "cell": 7, "volume": 11, "seed": [1]},
        {"task": 2, "cell": 7, "volume": 12, "seed": [1], "parent": 1},
        {"task": 3, "cell": 8, "volume": 11, "seed": [3]},
        {"task": 4, "cell": 8, "volume": 12, "seed": [5], "parent": 3, "state": "open"},
        {"task": 5, "cell": 9, "volume": 12, "seed": [6], "excluded": "empty seed"},
    )
    found = [(s.cell, s.volume, s.segments.tolist()) for s in seeds_of(index)]
    assert found == [(7, 11, [1]), (8, 12, [5])]


def test_the_truth_is_followed_task_by_task(answers, make_index):
    rows = [
        {"task": n, "volume": volume, "parent": n - 1 or None, "depth": n - 1,
         "seed": [1], "aggregate": [1, 2], "min_x": corner[2]}
        for n, (volume, corner) in enumerate(CORNERS.items(), start=1)
    ]  # fmt: skip
    cubes = follow_truth(answers(0.8), make_index(*rows), [7], Limits(1.0))
    assert [cube.parent for cube in cubes] == [None, 0, 1]
    assert cubes[0].segments.tolist() == [1, 2]
    assert [cube.outcome for cube in cubes] == [WENT_ON, WENT_ON, ENDED]
