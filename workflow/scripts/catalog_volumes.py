"""List the distinct volumes of all cells' tasks."""

from pathlib import Path

import pandas as pd

from eyewire_validator.logs import job_log
from eyewire_validator.tables import CATALOG, CELL_TASKS, read_table, write_table
from eyewire_validator.tasks import catalog_volumes

with job_log(snakemake.log[0]):
    tables = map(Path, snakemake.input.tables)
    tasks = pd.concat(read_table(table, CELL_TASKS) for table in tables)
    catalog = catalog_volumes(tasks, snakemake.params.group_span)
    write_table(Path(snakemake.output[0]), catalog, CATALOG)
