"""Put all models, and the split, to the leak tests."""

from itertools import islice
from pathlib import Path

from eyewire_validator.answers import Resources
from eyewire_validator.audit.model import audit_model
from eyewire_validator.audit.split import audit_split
from eyewire_validator.audit.verdict import model_verdict, to_text, verdict
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.evaluation.evaluate import EvaluationSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.hashes import file_hash
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    index_file = Path(snakemake.input.index)
    index_hash = file_hash(index_file)
    index = read_table(index_file, TASK_INDEX)
    store = VolumeStore.open(
        snakemake.input.volumes,
        snakemake.params.geometry,
        snakemake.params.voxel_nm,
        snakemake.input.manifest,
    )
    dust = EvaluationSettings(**snakemake.params.evaluation).dust
    resources = Resources(store=store, dust=dust)
    checkpoints = map(Path, snakemake.input.checkpoints)
    models = {}
    for name, model in snakemake.params.models.items():
        audit, doubts = audit_model(
            model_settings(model["entry"]),
            list(islice(checkpoints, model["checkpoints"])),
            index,
            index_hash,
            resources,
            snakemake.params.random_seed,
        )
        models[name] = model_verdict(
            audit, doubts, leaked=model["leaked"], trained_on=model["trained_on"]
        )
    outcome = verdict(models, audit_split(index))
    write_json(Path(snakemake.output[0]), outcome)
    print(to_text(outcome))
