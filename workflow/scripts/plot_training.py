"""Draw the training curve."""

from pathlib import Path

from eyewire_validator.figures import Heading, draw_training, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import read_table

with job_log(snakemake.log[0], snakemake.output):
    history = read_table(Path(snakemake.input[0]), HISTORY)
    figure = draw_training(history, Heading(**snakemake.params.heading))
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
