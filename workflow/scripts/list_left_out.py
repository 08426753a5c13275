"""List how good models were on tissue left out, as far as their checkpoints say so."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.storage.files import write_json

with job_log(snakemake.log[0], snakemake.output):
    found = []
    for title, checkpoint in zip(snakemake.params.titles, snakemake.input, strict=True):
        info = load_checkpoint(Path(checkpoint))[1]
        if info.left_out:
            scores = [score.as_plain() for score in info.left_out]
            found.append({"title": title, "scores": scores})
    write_json(Path(snakemake.output[0]), found)
