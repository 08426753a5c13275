"""Who answers for an entry of ``models:`` in one pass: all but networks."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from eyewire_validator.answers import Answer, Answerer
from eyewire_validator.baselines import masks
from eyewire_validator.baselines.labels import Labels
from eyewire_validator.baselines.people import Crowd, Player
from eyewire_validator.config.settings import ModelSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.coverage import Dust
from eyewire_validator.volumes.store import VolumeStore

TaskAnswerer = Callable[[Task], Answer]


def answer_each(answer: TaskAnswerer, lineage: Lineage) -> Answerer:
    """Let one who answers a task at a time answer many, as loop 1."""

    def answer_all(tasks: Sequence[int]) -> list[dict[int, Answer]]:
        return [{1: answer(lineage.task(task))} for task in tasks]

    return answer_all


def answer_in_lineage(
    answer: Callable[[Task, Lineage], Answer], index: pd.DataFrame
) -> Answerer:
    """Let one who looks at a task's ancestors, too, answer many, as loop 1."""
    lineage = Lineage(index)
    return answer_each(lambda task: answer(task, lineage), lineage)


def choose_answerer(
    settings: ModelSettings,
    store: VolumeStore,
    *,
    dust: Dust,
    people: Path | None = None,
    replicate: int = 0,
    checkpoint: Path | None = None,
) -> Callable[[pd.DataFrame], Answerer]:
    """Return what makes an answerer of an index, for an entry that does not loop.

    The index is a table in the schema `TASK_INDEX`: the tasks to answer, and all
    that may be ancestors; for ``geometry``, which is trained then, those of the split
    train, too. What needs no index is done once, however many indexes follow.

    Args:
        settings: the entry.
        store: the volumes.
        dust: segments that are no candidates.
        people: truth/tasks.json of the sandbox; only for ``player`` and ``crowd``.
        replicate: which player.
        checkpoint: of a trained model; only for ``agglomeration``.

    Raises:
        ModelError: the kind is a network, or lacks something.
    """
    if settings.kind == "agglomeration":
        answer = _agglomeration(settings, store, checkpoint)
        return partial(answer_in_lineage, answer)
    make = _choose(settings, store, dust, people, replicate)
    return lambda index: answer_each(make(index), Lineage(index))


def _choose(
    settings: ModelSettings,
    store: VolumeStore,
    dust: Dust,
    people: Path | None,
    replicate: int,
) -> Callable[[pd.DataFrame], TaskAnswerer]:
    match settings.kind:
        case "geometry":
            # scikit-learn takes a second to import.
            from eyewire_validator.baselines.boosted_trees import GeometryTrainer

            return GeometryTrainer(store, dust).train
        case "copy_previous":
            return lambda index: partial(
                masks.copy_previous, store=store, lineage=Lineage(index)
            )
        case "msty" | "msty_oracle":
            return partial(_msty, settings.kind, store, dust)
        case "player" | "crowd":
            answer = _person(settings, people, replicate, store)
        case "labels":
            answer = Labels(settings.labels or "", store)
        case _:
            answer = _rule(settings, store)
    return lambda index: answer


def _agglomeration(
    settings: ModelSettings, store: VolumeStore, checkpoint: Path | None
) -> Callable[[Task, Lineage], Answer]:
    # torch, skimage and numba take seconds to import.
    from eyewire_validator.agglomeration.answerer import agglomerate
    from eyewire_validator.agglomeration.contact_model import ContactModel
    from eyewire_validator.models.checkpoint import load_checkpoint

    if checkpoint is None:
        raise ModelError(f"model {settings.title}: needs a checkpoint; train it first")
    model, info = load_checkpoint(checkpoint)
    if not isinstance(model, ContactModel):
        raise ModelError(f"{checkpoint}: is of a network, not of kind agglomeration")
    return agglomerate(model, store, info.model_settings)


def _person(
    settings: ModelSettings, people: Path | None, replicate: int, store: VolumeStore
) -> TaskAnswerer:
    if people is None:
        raise ModelError(
            f"model {settings.title}: only the synthetic retina's people are known"
        )
    if settings.kind == "player":
        return Player(people, replicate, store)
    return Crowd(people, store)


def _rule(settings: ModelSettings, store: VolumeStore) -> TaskAnswerer:
    """Return a rule that needs no index."""
    match settings.kind:
        case "empty":
            return partial(masks.empty, store=store)
        case "seed_only":
            return partial(masks.seed_only, store=store)
        case "dilated_seed":
            return masks.dilated_seed(store, settings.dilation)
        case "perfect_mask":
            return partial(masks.perfect_mask, store=store)
        case "contact_greedy":
            # Numba takes half a second to import.
            from eyewire_validator.baselines import floods

            return floods.contact_greedy(store)
    raise ModelError(f"model {settings.title}: kind {settings.kind} is no baseline")


def _msty(
    kind: str, store: VolumeStore, dust: Dust, index: pd.DataFrame
) -> TaskAnswerer:
    from eyewire_validator.baselines import floods

    if kind == "msty":
        return floods.msty(store, index)
    return floods.msty_oracle(store, index, dust)
