"""Put all evaluations into the honest table, as text, CSV and figure."""

from pathlib import Path

from eyewire_validator.evaluation.comparison import (
    against_neurons,
    decision_table,
    differences,
    honest_table,
    read_entries,
)
from eyewire_validator.figures import draw_bars, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.report.text import to_text
from eyewire_validator.storage.files import read_json, write_bytes
from eyewire_validator.storage.tables import write_csv

with job_log(snakemake.log[0], snakemake.output):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    entries = list(
        read_entries(
            params.entries,
            files.summaries,
            files.answers,
            files.segments,
            volume_voxels=params.volume_voxels,
        )
    )
    table = honest_table(entries, **params.bootstrap)
    neurons = against_neurons(entries, **params.bootstrap)
    left_out = read_json(Path(files.left_out)) if files.left_out else []
    text = to_text(table, neurons, left_out, split_rule=params.split_rule)
    write_bytes(Path(output.text), text.encode())
    for path, found in (
        (output.csv, table),
        (output.neurons, neurons),
        (output.decisions, decision_table(entries)),
        (output.differences, differences(entries, **params.shown, **params.bootstrap)),
    ):
        write_csv(Path(path), found)
    figure = draw_bars(table, params.shown["split"])
    save_figure(figure, Path(output.png).with_suffix(""))
    print(text)
