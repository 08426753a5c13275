"""Judge answers on a tissue by what was learned and fitted on other tissues alone."""

from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.carry_over import judge_left_out
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.files import write_json

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    others = map(Evidence.read, files.other_tasks, files.other_candidates)
    row = judge_left_out(
        Evidence.read(files.tasks, files.candidates),
        dict(zip(params.others, others, strict=True)),
        DecisionSettings.from_config(params.decisions),
        volume_voxels=params.volume_voxels,
        bootstrap=params.bootstrap,
    )
    names = {key: snakemake.wildcards[key] for key in ("tissue", "replicate")}
    write_json(Path(snakemake.output[0]), {**names, **row})
