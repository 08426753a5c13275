"""Ask the API for the tasks of a group of cells."""

import asyncio
import os
from pathlib import Path

from eyewire_validator.acquire.api.client import (
    ApiSettings,
    EyewireClient,
    open_client,
)
from eyewire_validator.acquire.cells import (
    FORMAT,
    CellDownload,
    download_cell,
    table_of_cells,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.files import read_packed_json, write_packed_json
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import write_table

params, sandbox = snakemake.params, snakemake.input.sandbox


async def download() -> list[CellDownload]:
    """Ask with the share of the request rate that this job was given."""
    async with open_client(
        ApiSettings(**snakemake.config["api"]),
        token=os.environ.get("EW_OAUTH2"),
        requests_per_second=snakemake.resources.api_requests_per_second,
        failures=Path(params.failures),
        sandbox=Path(sandbox[0]).parent if sandbox else None,
    ) as client:
        return [
            await download_or_read(client, cell)
            for cell in Progress(params.cells, unit="cells")
        ]


async def download_or_read(client: EyewireClient, cell: int) -> CellDownload:
    """Ask for a cell, unless its replies were kept when another one was missing."""
    if not params.kept:
        return await download_cell(client, cell)
    # The name changes with all that the replies depend on.
    file = Path(params.kept) / f"{cell}" / f"{service}.json.xz"
    if file.exists():
        return CellDownload.of(cell, read_packed_json(file))
    downloaded = await download_cell(client, cell)
    write_packed_json(file, downloaded.replies)
    return downloaded


with job_log(snakemake.log[0], snakemake.output):
    manifest = [file_hash(Path(file)) for file in sandbox[:1]]
    service = settings_hash([FORMAT, params.source, params.base_url, *manifest])
    cells = asyncio.run(download())
    replies = [reply for cell in cells for reply in cell.replies]
    write_packed_json(Path(snakemake.output.replies), replies)
    write_table(Path(snakemake.output.tasks), table_of_cells(cells), CELL_TASKS)
