"""Measure grown cells where the truth is known, and draw the best and the worst."""

from pathlib import Path

import pandas as pd

from eyewire_validator.figures import (
    Heading,
    draw_grown_cells,
    draw_growth_measures,
    save_figure,
)
from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.measures import (
    NM_OF_UM,
    Skeletons,
    measure_cells,
    summarize,
)
from eyewire_validator.growth.shown import describe_summary, show_cells
from eyewire_validator.growth.truth import truth_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.growth import GROWN, SKELETON_NODES
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table, write_csv
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    nodes = read_table(Path(files.skeletons), SKELETON_NODES)
    skeletons = Skeletons.place(nodes, Block(store, corners, Dust(0)))
    truth = truth_of(read_table(Path(files.index), TASK_INDEX))
    unit = NM_OF_UM if store.voxel_nm else 1.0
    measured, summaries = {}, {}
    for how in ("grown", "unlimited", "teacher_forced"):
        grown = read_table(Path(files[how]), GROWN)
        measured[how] = measure_cells(grown, truth, skeletons, unit)
        summaries[how] = summarize(measured[how], **params.bootstrap)
        print(how, *describe_summary(summaries[how]), sep="\n  ")
    cells = pd.concat(
        [rows.assign(how=how) for how, rows in measured.items()], ignore_index=True
    )
    write_csv(Path(snakemake.output.csv), cells)
    found = {
        "cells": len(measured["grown"]),
        "unit": "um" if store.voxel_nm else "voxels",
        **summaries,
    }
    write_json(Path(snakemake.output.summary), found)
    grown = read_table(Path(files.grown), GROWN)
    shown = show_cells(grown, measured["grown"], truth)
    details, heading = f"{len(measured['grown'])} cells", Heading(**params.heading)
    for name, figure in (
        ("png", draw_grown_cells(shown, details, heading)),
        ("measures_png", draw_growth_measures(summaries, details, heading)),
    ):
        save_figure(figure, Path(snakemake.output[name]).with_suffix(""))
