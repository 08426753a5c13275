"""Judge answers on a tissue by what was learned and fitted on other tissues alone."""

from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.carry_over import judge_left_out, risk_left_out
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.judge_peers import judge_peer
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.tables import write_csv

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    own = Evidence.read(files.tasks, files.candidates, files.contacts)
    tables = (files.other_tasks, files.other_candidates, files.other_contacts)
    read = map(Evidence.read, *tables)
    others = dict(zip(params.others, read, strict=True))
    measuring = {
        "volume_voxels": params.volume_voxels,
        "bootstrap": params.bootstrap,
    }
    rows = {
        "agglomeration": judge_left_out(
            own,
            others,
            DecisionSettings.from_config(params.decisions),
            **measuring,
        )
    }
    for peer in params.peers:
        rows[peer] = judge_peer(peer, own, [*others.values()], **measuring)
    names = {
        key: snakemake.wildcards[key] for key in ("tissue", "replicate", "network")
    }
    found = [{**names, "model": model, **row} for model, row in rows.items()]
    write_json(Path(snakemake.output.found), found)
    curve = risk_left_out(own, others).assign(**names)
    write_csv(Path(snakemake.output.risk), curve, exact=True)
