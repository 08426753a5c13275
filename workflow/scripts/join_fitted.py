"""Join what was fitted to a network as it is, and to adapted ones, in a checkpoint."""

from dataclasses import replace
from pathlib import Path

from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import (
    Adapted,
    load_checkpoint,
    save_checkpoint,
)

with job_log(snakemake.log[0], snakemake.output):
    model, info = load_checkpoint(Path(snakemake.input.given))
    fitted, about = load_checkpoint(Path(snakemake.input.adapted))
    adapted = Adapted(
        AgglomerationTraining.from_mapping(
            snakemake.params.training, "carry_over.adaptation"
        ),
        fitted.membership,
        about.memberships,
        about.operating_point,
    )
    save_checkpoint(Path(snakemake.output[0]), model, replace(info, adapted=adapted))
