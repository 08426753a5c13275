"""Join what was fitted to a network as it is, and to adapted ones, in a checkpoint."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.evaluation.left_out import scores_left_out
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import (
    Adapted,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.storage.files import read_json

with job_log(snakemake.log[0], snakemake.output):
    files = snakemake.input
    model, info = load_checkpoint(Path(files.given))
    fitted, about = load_checkpoint(Path(files.adapted))
    scores = {"given": (), "adapted": ()}
    if found := files.get("left_out"):
        table = pd.DataFrame([row for file in found for row in read_json(Path(file))])
        scores = {network: scores_left_out(table, network) for network in scores}
    adapted = Adapted(
        AgglomerationTraining.from_mapping(
            snakemake.params.training, "carry_over.adaptation"
        ),
        fitted.membership,
        about.memberships,
        about.operating_point,
        fitted.second_look,
        scores["adapted"],
    )
    info = replace(info, adapted=adapted, left_out=scores["given"])
    save_checkpoint(Path(snakemake.output[0]), model, info)
