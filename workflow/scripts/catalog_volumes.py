"""List the distinct volumes of all cells' tasks."""

from pathlib import Path

from eyewire_validator.logs import job_log
from eyewire_validator.tables import CATALOG, CELL_TASKS, read_tables, write_table
from eyewire_validator.tasks import PLACE, catalog_volumes

with job_log(snakemake.log[0], snakemake.output):
    tasks = read_tables(
        map(Path, snakemake.input.tables), CELL_TASKS, ["volume", *PLACE]
    )
    catalog = catalog_volumes(tasks, snakemake.params.group_span)
    write_table(Path(snakemake.output[0]), catalog, CATALOG)
