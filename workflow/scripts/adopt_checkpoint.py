"""Take the weights that a model's entry names."""

from pathlib import Path

from eyewire_validator.config.kinds import model_settings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint

with job_log(snakemake.log[0], snakemake.output):
    settings = model_settings(snakemake.params.model)
    module, info = load_checkpoint(Path(snakemake.input[0]), settings=settings)
    save_checkpoint(Path(snakemake.output[0]), module, info)
