"""Draw what answers save on tissues that were left out."""

from pathlib import Path

import pandas as pd

from eyewire_validator.figures import draw_left_out, save_figure
from eyewire_validator.jobs.log import job_log

with job_log(snakemake.log[0], snakemake.output):
    table = pd.read_csv(snakemake.input[0])
    table = table[table["tissue"].isin(snakemake.params.tissues)]
    save_figure(draw_left_out(table), Path(snakemake.output.png).with_suffix(""))
