"""Judge answers on a tissue by what was learned and fitted on other tissues alone."""

from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.carry_over import judge_left_out
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.carry_over import EVIDENCE, EVIDENCE_TASKS
from eyewire_validator.storage.tables import read_table


def read_evidence(tasks: str, candidates: str) -> Evidence:
    """Read both tables of an evidence."""
    return Evidence(
        read_table(Path(tasks), EVIDENCE_TASKS), read_table(Path(candidates), EVIDENCE)
    )


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    others = map(read_evidence, files.other_tasks, files.other_candidates)
    row = judge_left_out(
        read_evidence(files.tasks, files.candidates),
        dict(zip(params.others, others, strict=True)),
        DecisionSettings.from_config(params.decisions),
        volume_voxels=params.volume_voxels,
        bootstrap=params.bootstrap,
    )
    names = {key: snakemake.wildcards[key] for key in ("tissue", "replicate")}
    write_json(Path(snakemake.output[0]), {**names, **row})
