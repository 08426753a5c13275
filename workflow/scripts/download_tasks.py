"""Ask the API for tasks by their ids."""

import asyncio
import os
from pathlib import Path

from eyewire_validator.acquire.api.client import ApiSettings, open_client
from eyewire_validator.acquire.cells import CellDownload
from eyewire_validator.acquire.listed_tasks import download_tasks, read_task_ids
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_packed_json
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import write_table


async def download() -> CellDownload:
    """Ask with the share of the request rate that this job was given."""
    sandbox = snakemake.input.sandbox
    async with open_client(
        ApiSettings(**snakemake.config["api"]),
        token=os.environ.get("EW_OAUTH2"),
        requests_per_second=snakemake.resources.api_requests_per_second,
        failures=Path(snakemake.params.failures),
        sandbox=Path(sandbox[0]).parent if sandbox else None,
    ) as client:
        return await download_tasks(client, read_task_ids(Path(snakemake.input.ids)))


with job_log(snakemake.log[0], snakemake.output):
    tasks = asyncio.run(download())
    write_packed_json(Path(snakemake.output.replies), tasks.replies)
    write_table(Path(snakemake.output.tasks), tasks.table, CELL_TASKS)
