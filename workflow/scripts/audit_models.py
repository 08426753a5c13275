"""Put all models, and the split, to the leak tests."""

from itertools import islice
from pathlib import Path

from eyewire_validator.audit.own_answer import audit_answers, audit_inputs
from eyewire_validator.audit.split import audit_split
from eyewire_validator.audit.verdict import (
    audit_checkpoint,
    model_verdict,
    to_text,
    verdict,
)
from eyewire_validator.config.settings import BASELINES, ModelSettings
from eyewire_validator.evaluation.evaluate import EvaluationSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.choose import choose_answerer
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.hashes import file_hash
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    index_file = Path(snakemake.input.index)
    index_hash = file_hash(index_file)
    index = read_table(index_file, TASK_INDEX)
    store = VolumeStore(
        map(Path, snakemake.input.volumes),
        VolumeGeometry(**snakemake.params.geometry),
    )
    held_out = index.loc[index["split"].isin(["validation", "test"]), "task"].tolist()
    dust = EvaluationSettings(**snakemake.params.evaluation).dust
    checkpoints = map(Path, snakemake.input.checkpoints)
    models = {}
    for name, model in snakemake.params.models.items():
        settings = ModelSettings.from_config(model["entry"])
        own = list(islice(checkpoints, model["checkpoints"]))
        asked = (held_out, snakemake.params.random_seed)
        audit = (
            audit_answers(
                choose_answerer(
                    settings,
                    store,
                    dust=dust,
                    checkpoint=next(iter(own), None),
                ),
                index,
                store,
                *asked,
            )
            if settings.kind in (*BASELINES, "agglomeration")
            else audit_inputs(index, store, settings, *asked)
        )
        doubts = (
            audit_checkpoint(load_checkpoint(checkpoint)[1], index_hash)
            for checkpoint in own
        )
        models[name] = model_verdict(
            audit,
            list(filter(None, doubts)),
            leaked=model["leaked"],
            trained_on=settings.trained_on,
        )
    outcome = verdict(models, audit_split(index))
    write_json(Path(snakemake.output[0]), outcome)
    print(to_text(outcome))
