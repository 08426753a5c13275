"""Write a page of the grown cells."""

from pathlib import Path

from eyewire_validator.growth.page import render_cells
from eyewire_validator.growth.truth import truth_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_text
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table

with job_log(snakemake.log[0], snakemake.output):
    grown = read_table(Path(snakemake.input.grown), GROWN)
    truth = truth_of(read_table(Path(snakemake.input.index), TASK_INDEX))
    write_text(Path(snakemake.output[0]), render_cells(grown, truth))
    print(f"{grown['cell'].nunique()} cells, {len(grown)} cubes")
