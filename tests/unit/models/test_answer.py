"""People and finished segmentations answer; other answerers have tests of their own."""

import numpy as np
import pytest

from eyewire_validator.answers import Resources
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.errors import ModelError
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.storage.files import write_json
from eyewire_validator.volumes.dust import Dust


@pytest.fixture
def answers(make_index, make_store, octants):
    """Return a function that answers tasks 2 and 1; their seeds are segment 1."""
    index = make_index({"task": 1, "volume": 11}, {"task": 2, "volume": 11})
    store = make_store({11: octants})

    def answer(kind, keys=None, **people):
        entry = {"title": f"the {kind}", "kind": kind, **(keys or {})}
        resources = Resources(store=store, dust=Dust(0), **people)
        found = load_answerer(model_settings(entry), resources)(index)([2, 1])
        assert [list(by_loop) for by_loop in found] == [[1], [1]]
        return [by_loop[1] for by_loop in found]

    return answer


@pytest.fixture
def truth(tmp_path):
    """Two players of two tasks, and what the crowd made of it."""
    path = tmp_path / "tasks.json"
    played = {"1": ([1, 2], [1, 3], [1, 2, 3]), "2": ([1, 4], [1, 5], [1, 4, 5])}
    entries = {
        task: {
            "consensus": consensus,
            "validations": [{"weight": 1, "segments": each} for each in players],
        }
        for task, (*players, consensus) in played.items()
    }
    write_json(path, entries)
    return path


def chosen(answers):
    return [np.flatnonzero(answer.segments).tolist() for answer in answers]


@pytest.mark.parametrize(
    ("replicate", "expected"), [(0, [[1, 4], [1, 2]]), (1, [[1, 5], [1, 3]])]
)
def test_a_replicate_of_the_player_is_another_player(
    answers, truth, replicate, expected
):
    found = answers("player", people=truth, replicate=replicate)
    assert chosen(found) == expected


@pytest.mark.parametrize("replicate", [0, 1])
def test_the_crowd_is_all_players(answers, truth, replicate):
    found = answers("crowd", people=truth, replicate=replicate)
    assert chosen(found) == [[1, 4, 5], [1, 2, 3]]


@pytest.mark.parametrize("kind", ["player", "crowd"])
def test_people_are_known_in_the_sandbox_only(answers, kind):
    with pytest.raises(ModelError, match=f"model the {kind}: only the synthetic"):
        answers(kind)


def test_labels_come_from_the_file_that_the_entry_names(answers, octants, tmp_path):
    """One object: segments 1 to 4, the lower half of the volume."""
    full = np.zeros((32, 32, 32), np.uint8)
    full[:16] = 9
    np.savez(tmp_path / "made.npz", objects=full)
    found = answers("labels", {"labels": f"{tmp_path / 'made.npz'}::objects"})
    for answer in found:
        np.testing.assert_array_equal(answer.probability, octants <= 4)
