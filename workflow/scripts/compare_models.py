"""Put all evaluations into the honest table, as text, CSV and figure."""

from pathlib import Path

from eyewire_validator.comparison import Entry, honest_table, to_csv, to_text
from eyewire_validator.figures import draw_bars, save_figure
from eyewire_validator.files import read_json, write_bytes
from eyewire_validator.logs import job_log

with job_log(snakemake.log[0]):
    table = honest_table(
        Entry(**entry, summary=read_json(Path(summary)))
        for entry, summary in zip(
            snakemake.params.entries, snakemake.input, strict=True
        )
    )
    text = to_text(table, split_rule=snakemake.params.split_rule)
    write_bytes(Path(snakemake.output.text), text.encode())
    write_bytes(Path(snakemake.output.csv), to_csv(table).encode())
    figure = draw_bars(table, snakemake.params.shown["split"])
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
    print(text)
