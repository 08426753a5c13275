"""Put all evaluations into the honest table, as text, CSV and figure."""

from pathlib import Path

from eyewire_validator.comparison import (
    Entry,
    against_neurons,
    decision_table,
    differences,
    honest_table,
    to_csv,
)
from eyewire_validator.figures import draw_bars, save_figure
from eyewire_validator.files import read_json, write_bytes
from eyewire_validator.logs import job_log
from eyewire_validator.report.text import to_text
from eyewire_validator.tables import SEGMENT_SCORES, TASK_ANSWERS, read_table

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    entries = [
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
    ]
    table = honest_table(entries, **params.bootstrap)
    neurons = against_neurons(entries, **params.bootstrap)
    text = to_text(table, neurons, split_rule=params.split_rule)
    write_bytes(Path(output.text), text.encode())
    for path, found in (
        (output.csv, table),
        (output.neurons, neurons),
        (output.decisions, decision_table(entries)),
        (output.differences, differences(entries, **params.shown, **params.bootstrap)),
    ):
        write_bytes(Path(path), to_csv(found).encode())
    figure = draw_bars(table, params.shown["split"])
    save_figure(figure, Path(output.png).with_suffix(""))
    print(text)
