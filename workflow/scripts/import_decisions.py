"""Take the decisions that came back, and say how far reviewers agree."""

from functools import cache
from pathlib import Path

import pandas as pd

from eyewire_validator.growth.stops import is_stop
from eyewire_validator.jobs.log import job_log
from eyewire_validator.review.agreement import (
    CONFLICT,
    agreement,
    blind_errors,
    settle,
)
from eyewire_validator.review.decisions import read_decisions
from eyewire_validator.review.question import data_hash
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import read_table, write_csv, write_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore


@cache
def data_of(task: int) -> str | None:
    """Return the hash of a task's data, none if there is no such task."""
    if task not in lineage or lineage.task(task).volume not in store:
        return None
    row = lineage.task(task)
    return data_hash(store.get(row.volume_id), row)


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    lineage = Lineage(read_table(Path(files.index), TASK_INDEX))
    store = VolumeStore(map(Path, files.volumes), VolumeGeometry(**params.geometry))
    decisions, refused = read_decisions(map(Path, files.decisions), data_of)
    settled = settle(decisions)
    conflicts = settled.loc[settled["verdict"] == CONFLICT, "item"]
    found = {
        "decisions": len(decisions),
        "settled": len(settled) - len(conflicts),
        "conflicts": conflicts.tolist(),
        "agreement": list(agreement(decisions)),
        "blind": blind_errors(decisions),
        "refused": [line._asdict() for line in refused],
    }
    about_stops = decisions["task"].map(is_stop).astype(bool)
    for name, rows in ("decisions", ~about_stops), ("stops", about_stops):
        write_table(Path(snakemake.output[name]), decisions[rows], DECISIONS)
    write_csv(Path(snakemake.output.decided), settled)
    write_json(Path(snakemake.output.summary), found)
    print(f"{len(decisions)} decisions; {len(refused)} lines refused")
    if refused:
        print(pd.DataFrame(refused).to_string())
