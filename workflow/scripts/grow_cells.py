"""Grow cells from their seeds: free-running, without limits, and teacher-forced."""

from pathlib import Path

from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.cube_answers import CubeAnswers
from eyewire_validator.growth.free_running import Limits, grow
from eyewire_validator.growth.scores import scores_in
from eyewire_validator.growth.seeds import seeds_of
from eyewire_validator.growth.table import grown_table
from eyewire_validator.growth.teacher_forced import follow_truth
from eyewire_validator.growth.truth import truth_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.alarm import alarm_of
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.thresholds import read_temperature
from eyewire_validator.review.stops import DecidedStops
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    checkpoint = Path(files.checkpoint)
    model, info = load_checkpoint(checkpoint)
    answers = CubeAnswers(
        Block(store, corners, Dust(**params.dust)),
        scores_in(map(Path, files.scores)),
        lambda seen: model.membership_on(seen.looks, seen.voxel_nm),
        read_temperature(Path(files.calibration)),
        alarm_of(checkpoint, store),
        DecidedStops(read_table(Path(files.decisions), DECISIONS), store).of,
        with_context=info.model_settings.context != "none",
    )
    seeds, known = seeds_of(index), truth_of(index)
    print(f"{len(seeds)} seeds of {len({seed.cell for seed in seeds})} cells")
    of_known = [seed for seed in seeds if seed.cell in known]
    cells = sorted({seed.cell for seed in of_known})
    # What it would do if it never stopped, and if all before a cube had been right.
    without = Limits(path_risk=1.0, cubes=params.limits["cubes"])
    for name, cubes in (
        ("grown", grow(answers, seeds, Limits(**params.limits))),
        ("unlimited", grow(answers, of_known, without)),
        ("teacher_forced", follow_truth(answers, index, cells, without)),
    ):
        table = grown_table(cubes, corners)
        write_table(Path(snakemake.output[name]), table, GROWN)
        print(name, table.groupby("outcome").size().to_dict())
