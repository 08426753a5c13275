"""Write the report."""

from importlib.metadata import version
from itertools import islice
from pathlib import Path

from eyewire_validator.evaluation.comparison import from_csv
from eyewire_validator.figures import caption_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.report import Chapter, Picture, Report, render
from eyewire_validator.report.wording import FATE_WORDS
from eyewire_validator.storage.files import read_json, write_bytes
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.settings import require_settings
from eyewire_validator.storage.tables import read_table


def picture(png: str) -> Picture:
    """Read a figure; its file name says which caption is its own."""
    caption = caption_of(Path(png).stem)
    return Picture(caption.title, caption.how_to_read, Path(png).read_bytes())


with job_log(snakemake.log[0], snakemake.output):
    params, files = snakemake.params, snakemake.input
    registry = read_table(Path(files.registry), REGISTRY)
    counts = read_json(Path(files.counts))
    tables = {
        name: from_csv(Path(files[name]))
        for name in ("table", "neurons", "differences", "decisions")
    }
    for row in tables["table"].itertuples():
        expected = params.settings[row.model]
        require_settings(Path(files.table), row.settings, expected)
    label_fates = {}
    if files.manifest:
        for fate, found in read_json(Path(files.manifest))["labels"].items():
            label_fates[FATE_WORDS[fate]] = found["voxels"]
    growth = None
    if files.growth:
        growth = {**read_json(Path(files.growth)), "title": params.growing}
    figures = map(picture, files.figures)
    report = Report(
        **tables,
        audit=read_json(Path(files.audit)),
        title=params.focus["title"],
        leaked=params.focus["leaked"],
        split=params.focus["split"],
        summary=read_json(Path(files.summary)),
        split_rule=params.split_rule,
        bars=picture(files.bars),
        loops=picture(files.loops),
        trust=[picture(png) for png in files.trust],
        errors=[picture(png) for png in files.errors],
        chapters=[
            Chapter(
                chapter["title"],
                chapter["details"],
                chapter["leaked"],
                list(islice(figures, chapter["figures"])),
            )
            for chapter in params.chapters
        ],
        split_counts=counts["tasks"],
        task_exclusions=counts["excluded"],
        label_fates=label_fates,
        cell_exclusions=registry["reason"].value_counts().to_dict(),
        growth=growth,
        review=read_json(Path(files.review)) if files.review else None,
        left_out=read_json(Path(files.left_out)) if files.left_out else [],
        provenance={
            "source": params.source,
            "settings": settings_hash(sorted(tables["table"]["settings"].unique())),
            "split": file_hash(Path(files.counts))[:12],
            "eyewire-validator": version("eyewire-validator"),
        },
    )
    write_bytes(Path(snakemake.output[0]), render(report).encode())
