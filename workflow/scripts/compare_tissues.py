"""Gather what came of the tissues that were left out, a row each and model."""

from pathlib import Path

import pandas as pd

from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.tables import write_csv

with job_log(snakemake.log[0], snakemake.output):
    rows = [row for file in snakemake.input for row in read_json(Path(file))]
    write_csv(Path(snakemake.output[0]), pd.DataFrame(rows), exact=True)
