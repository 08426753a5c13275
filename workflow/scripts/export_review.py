"""Export the first questions of the queue, and what is settled, to other tools."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.review.exports import neuvue_segments, webknossos_tasks
from eyewire_validator.review.merges import list_merges
from eyewire_validator.storage.files import write_text
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS, QUEUE
from eyewire_validator.storage.tables import read_table, write_csv
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    queue = read_table(Path(files.queue), QUEUE).head(params.page_items)
    lines = {"neuvue": list(neuvue_segments(queue))}
    if params.webknossos:
        lines["webknossos"] = list(webknossos_tasks(queue, params.webknossos))
    for path in map(Path, snakemake.output.questions):
        write_text(path, lines[path.stem])
        print(f"{path.name}: {len(lines[path.stem])} of {len(queue)} questions")
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    merges = list_merges(
        read_table(Path(files.decisions), DECISIONS),
        Lineage(read_table(Path(files.index), TASK_INDEX)),
        store,
        Origins(files.supervoxels),
    )
    write_csv(Path(snakemake.output.merges), merges)
    unknown = "" if store.voxel_nm else "; volumes.voxel_nm says how large a voxel is"
    print(f"merges.csv: {len(merges)} merges{unknown}")
