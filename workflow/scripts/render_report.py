"""Write the report."""

from importlib.metadata import version
from pathlib import Path

from eyewire_validator.comparison import Entry, honest_table
from eyewire_validator.figures import CAPTIONS
from eyewire_validator.files import read_json, write_bytes
from eyewire_validator.logs import job_log
from eyewire_validator.report import Chapter, Picture, render
from eyewire_validator.tables import REGISTRY, read_table


def picture(png: str) -> Picture:
    """Read a figure; its file name says which caption is its own."""
    caption = CAPTIONS[Path(png).stem]
    return Picture(caption.title, caption.how_to_read, Path(png).read_bytes())


with job_log(snakemake.log[0]):
    registry = read_table(Path(snakemake.input.registry), REGISTRY)
    counts = read_json(Path(snakemake.input.counts))
    page = render(
        honest_table(
            Entry(**entry, summary=read_json(Path(summary)))
            for entry, summary in zip(
                snakemake.params.entries, snakemake.input.summaries, strict=True
            )
        ),
        split_rule=snakemake.params.split_rule,
        bars=picture(snakemake.input.bars),
        chapters=[
            Chapter(
                chapter["title"],
                chapter["details"],
                chapter["leaked"],
                [picture(png) for png in chapter["figures"]],
            )
            for chapter in snakemake.params.chapters
        ],
        split_counts=counts["tasks"],
        task_exclusions=counts["excluded"],
        cell_exclusions=registry["reason"].value_counts().to_dict(),
        provenance={
            **snakemake.params.provenance,
            "eyewire-validator": version("eyewire-validator"),
        },
    )
    write_bytes(Path(snakemake.output[0]), page.encode())
