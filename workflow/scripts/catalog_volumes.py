"""List the distinct volumes of all cells' tasks."""

from pathlib import Path

from eyewire_validator.acquire.catalog import VOLUME_COLUMNS, catalog_volumes
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.cells import CATALOG, CELL_TASKS
from eyewire_validator.storage.tables import read_tables, write_table

with job_log(snakemake.log[0], snakemake.output):
    tasks = read_tables(
        map(Path, snakemake.input.tables), CELL_TASKS, ["volume", *VOLUME_COLUMNS]
    )
    catalog = catalog_volumes(tasks, snakemake.params.group_span)
    write_table(Path(snakemake.output[0]), catalog, CATALOG)
