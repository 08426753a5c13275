"""Put the networks' evaluations at every number of loops into one table and figure."""

from pathlib import Path

from eyewire_validator.comparison import Entry, honest_table, to_csv
from eyewire_validator.figures import draw_loops, save_figure
from eyewire_validator.files import read_json, write_bytes
from eyewire_validator.logs import job_log
from eyewire_validator.tables import SEGMENT_SCORES, TASK_ANSWERS, read_table

with job_log(snakemake.log[0]):
    params = snakemake.params
    table = honest_table(
        (
            Entry.of(
                about,
                read_json(Path(summary)),
                read_table(Path(answers), TASK_ANSWERS),
                read_table(Path(segments), SEGMENT_SCORES),
                volume_voxels=params.volume_voxels,
            )
            for about, summary, answers, segments in zip(
                params.entries,
                snakemake.input.summaries,
                snakemake.input.answers,
                snakemake.input.segments,
                strict=True,
            )
        ),
        **params.bootstrap,
    )
    write_bytes(Path(snakemake.output.csv), to_csv(table).encode())
    save_figure(draw_loops(table), Path(snakemake.output.png).with_suffix(""))
