"""Draw how one evaluation answered in segments, and write the tables behind it."""

from pathlib import Path

from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.evaluation.error_analysis import error_by_votes
from eyewire_validator.figures import (
    Heading,
    draw_reliability,
    draw_risk_coverage,
    draw_votes,
    reliability_data,
    risk_data,
    save_figure,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_ANSWERS
from eyewire_validator.storage.tables import read_table, read_tables, write_csv

with job_log(snakemake.log[0], snakemake.output):
    segments = read_tables(
        [Path(snakemake.input.segments)],
        SEGMENT_SCORES,
        ["probability", "truth", "vote_weight"],
    )
    answers = read_table(Path(snakemake.input.answers), TASK_ANSWERS)
    decisions = read_json(Path(snakemake.input.decisions))
    heading = Heading(**snakemake.params.heading)
    calibration = Calibration.from_json(decisions["calibration"])
    drawn = {
        "reliability": (draw_reliability, reliability_data(segments, calibration)),
        "risk_coverage": (draw_risk_coverage, risk_data(answers)),
        "votes": (draw_votes, error_by_votes(segments, decisions["threshold"])),
    }
    for csv in map(Path, snakemake.output.csv):
        draw, table = drawn[csv.stem]
        save_figure(draw(table, answers, heading), csv.with_suffix(""))
        write_csv(csv, table, exact=True)
