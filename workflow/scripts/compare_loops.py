"""Put the networks' evaluations at every number of loops into one table and figure."""

from pathlib import Path

from eyewire_validator.evaluation.comparison import honest_table, read_entries
from eyewire_validator.figures import draw_loops, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.tables import write_csv

with job_log(snakemake.log[0], snakemake.output):
    params, files = snakemake.params, snakemake.input
    entries = read_entries(
        params.entries,
        files.summaries,
        files.answers,
        files.segments,
        volume_voxels=params.volume_voxels,
    )
    table = honest_table(entries, **params.bootstrap)
    write_csv(Path(snakemake.output.csv), table)
    save_figure(draw_loops(table), Path(snakemake.output.png).with_suffix(""))
