"""Put into a checkpoint that never saw a tissue what was fitted to the others."""

from dataclasses import replace
from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.packaging import LeftOut, fit_without
from eyewire_validator.models.second_look import read_second_look

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    others = map(Evidence.read, files.other_tasks, files.other_candidates)
    left_out = LeftOut(
        Evidence.read(files.tasks, files.candidates),
        dict(zip(params.others, others, strict=True)),
    )
    settings = DecisionSettings.from_config(params.decisions)
    memberships, point = fit_without(snakemake.wildcards.tissue, left_out, settings)
    model, info = load_checkpoint(Path(files.checkpoint))
    model.membership = memberships.of_all
    model.second_look = read_second_look(Path(files.second_look))
    info = replace(
        info,
        familiar=memberships.familiar,
        memberships=memberships.of_tissue,
        operating_point=point,
    )
    save_checkpoint(Path(snakemake.output[0]), model, info)
    print(point.describe())
