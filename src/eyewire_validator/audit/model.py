"""Put a model to the leak tests, whatever its kind."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from eyewire_validator.answers import Resources
from eyewire_validator.audit.own_answer import LeakAudit, audit_answers, audit_inputs
from eyewire_validator.audit.verdict import audit_checkpoint
from eyewire_validator.config.families import ModelSettings, NetworkSettings
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.models.checkpoint import load_checkpoint

HELD_OUT = ("validation", "test")


def audit_model(
    settings: ModelSettings,
    checkpoints: Sequence[Path],
    index: pd.DataFrame,
    index_hash: str,
    resources: Resources,
    random_seed: int,
) -> tuple[LeakAudit, list[str]]:
    """Audit a model on held-out tasks; a network by its inputs, as answers take long.

    Args:
        settings: the model's entry.
        checkpoints: of its replicates, the first of which answers; empty if it has
            none.
        index: table in the schema `TASK_INDEX`.
        index_hash: SHA-256 of its file.
        resources: what it answers with.
        random_seed: for the segments that take the place of an aggregate.

    Returns:
        What was found, and the doubts about what its checkpoints were trained on.
    """
    tasks = index.loc[index["split"].isin(HELD_OUT), "task"].tolist()
    if isinstance(settings, NetworkSettings):
        audit = audit_inputs(index, resources.store, settings, tasks, random_seed)
    else:
        answerer = load_answerer(settings, resources, next(iter(checkpoints), None))
        audit = audit_answers(answerer, index, resources.store, tasks, random_seed)
    doubts = (
        audit_checkpoint(load_checkpoint(checkpoint)[1], index_hash)
        for checkpoint in checkpoints
    )
    return audit, list(filter(None, doubts))
