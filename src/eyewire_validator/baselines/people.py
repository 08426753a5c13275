"""Players of the synthetic retina as a reference: one alone, and the crowd.

The sandbox keeps every player's answer in truth/tasks.json, with what really belongs.
"""

from functools import partial
from pathlib import Path
from typing import Any

from eyewire_validator.answers import Answer, MakeAnswerer, Resources
from eyewire_validator.baselines.masks import answer_given
from eyewire_validator.config.families import ModelSettings
from eyewire_validator.errors import ModelError, SandboxError
from eyewire_validator.storage.files import read_json
from eyewire_validator.tasks.answering import answer_tasks
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.store import VolumeStore

# Scythes and staff, who correct the others, weigh more.
PLAYER_WEIGHT = 1


def read_neurons(truth: Path) -> dict[int, frozenset[int]]:
    """Read the segments that really belong to each task, by the sandbox's truth.

    Raises:
        FileError: the file is missing or damaged.
    """
    return {
        int(task): frozenset(entry["truth"]) for task, entry in read_json(truth).items()
    }


def player(settings: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer as a single player did, another one in each replicate."""
    truth = _known_people(settings, resources)
    return partial(answer_tasks, Player(truth, resources.replicate, resources.store))


def crowd(settings: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer by the consensus of all players."""
    truth = _known_people(settings, resources)
    return partial(answer_tasks, Crowd(truth, resources.store))


def _known_people(settings: ModelSettings, resources: Resources) -> Path:
    if resources.people is None:
        raise ModelError(
            f"model {settings.title}: only the synthetic retina's people are known"
        )
    return resources.people


class Player:
    """Answers of one player per task, no scythe and no member of staff.

    Args:
        truth: truth/tasks.json of the sandbox.
        replicate: which of the task's players, counted round.
        store: the volumes.
    """

    def __init__(self, truth: Path, replicate: int, store: VolumeStore) -> None:
        """Read all answers."""
        self._entries = read_json(truth)
        self._replicate = replicate
        self._store = store

    def __call__(self, task: Task) -> Answer:
        """Answer as the player did.

        Raises:
            SandboxError: no player answered the task.
        """
        validations = _entry(self._entries, task)["validations"]
        played = [v["segments"] for v in validations if v["weight"] <= PLAYER_WEIGHT]
        if not played:
            raise SandboxError(
                f"task {task.task}: no player answered it; remove the player from "
                "models:"
            )
        return answer_given(task, played[self._replicate % len(played)], self._store)


class Crowd:
    """Answers by the consensus of all players of a task, by Eyewire's rule.

    Args:
        truth: truth/tasks.json of the sandbox.
        store: the volumes.
    """

    def __init__(self, truth: Path, store: VolumeStore) -> None:
        """Read all answers."""
        self._entries = read_json(truth)
        self._store = store

    def __call__(self, task: Task) -> Answer:
        """Answer as the crowd did."""
        return answer_given(task, _entry(self._entries, task)["consensus"], self._store)


def _entry(entries: dict[str, Any], task: Task) -> Any:
    try:
        return entries[str(task.task)]
    except KeyError:
        raise SandboxError(
            f"task {task.task}: the sandbox's truth does not know it; make it again"
        ) from None
