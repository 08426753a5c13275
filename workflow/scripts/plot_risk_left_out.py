"""Draw how many false merges come with what is accepted on tissue left out."""

from pathlib import Path

import pandas as pd

from eyewire_validator.figures import draw_left_out_risk, save_figure
from eyewire_validator.jobs.log import job_log

with job_log(snakemake.log[0], snakemake.output):
    files = snakemake.input
    curves = pd.concat(map(pd.read_csv, files.curves), ignore_index=True)
    figure = draw_left_out_risk(curves, pd.read_csv(files.table))
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
