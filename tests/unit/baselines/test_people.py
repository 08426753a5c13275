import numpy as np
import pytest

from eyewire_validator.baselines.people import Crowd, Player, read_neurons
from eyewire_validator.errors import SandboxError
from eyewire_validator.storage.files import write_json
from eyewire_validator.tasks.lineage import Lineage

ENTRIES = {
    "1": {
        "truth": [1, 2],
        "consensus": [1, 2, 3],
        "validations": [
            {"weight": 3.0, "segments": [1, 8]},
            {"weight": 1.0, "segments": [1, 2]},
            {"weight": 0.1, "segments": [1, 4]},
        ],
    },
    "2": {"truth": [5], "consensus": [5], "validations": []},
}


@pytest.fixture
def truth(tmp_path):
    write_json(tmp_path / "tasks.json", ENTRIES)
    return tmp_path / "tasks.json"


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants})


@pytest.fixture
def lineage(make_index):
    tasks = [{"task": task, "volume": 11, "seed": [1]} for task in (1, 2, 3)]
    return Lineage(make_index(*tasks))


def chosen(answer):
    return np.flatnonzero(answer.segments).tolist()


@pytest.mark.parametrize(
    ("replicate", "segments"), [(0, [1, 2]), (1, [1, 4]), (2, [1, 2])]
)
def test_each_replicate_is_another_player_but_no_scythe(
    truth, store, lineage, replicate, segments
):
    answer = Player(truth, replicate, store)(lineage.task(1))
    assert chosen(answer) == segments
    assert answer.probability.sum() == 64 * len(segments)


def test_the_crowd_answers_with_its_consensus(truth, store, lineage):
    assert chosen(Crowd(truth, store)(lineage.task(1))) == [1, 2, 3]


def test_a_task_that_nobody_played_is_named(truth, store, lineage):
    with pytest.raises(SandboxError, match="task 2: no player"):
        Player(truth, 0, store)(lineage.task(2))
    with pytest.raises(SandboxError, match="task 3: the sandbox's truth"):
        Crowd(truth, store)(lineage.task(3))


def test_the_neuron_is_what_really_belongs(truth):
    assert read_neurons(truth) == {1: frozenset({1, 2}), 2: frozenset({5})}
