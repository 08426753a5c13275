"""Ask the API for a cell's tasks."""

import asyncio
import os
from pathlib import Path

from eyewire_validator.acquire.api.client import ApiSettings, open_client
from eyewire_validator.acquire.cells import CellDownload, download_cell
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_packed_json
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import write_table


async def download() -> CellDownload:
    """Ask with the share of the request rate that this job was given."""
    async with open_client(
        ApiSettings(**snakemake.config["api"]),
        token=os.environ.get("EW_OAUTH2"),
        requests_per_second=snakemake.resources.api_requests_per_second,
        failures=Path(snakemake.params.failures),
        sandbox=Path(snakemake.input[0]).parent if snakemake.input else None,
    ) as client:
        return await download_cell(client, int(snakemake.wildcards.cell))


with job_log(snakemake.log[0], snakemake.output):
    cell = asyncio.run(download())
    write_packed_json(Path(snakemake.output.replies), cell.replies)
    write_table(Path(snakemake.output.tasks), cell.table, CELL_TASKS)
