"""Gather what came of the tissues that were left out, a row each and model."""

from pathlib import Path

import pandas as pd

from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json, write_text

with job_log(snakemake.log[0], snakemake.output):
    rows = [row for file in snakemake.input for row in read_json(Path(file))]
    write_text(Path(snakemake.output[0]), [pd.DataFrame(rows).to_csv(index=False)])
