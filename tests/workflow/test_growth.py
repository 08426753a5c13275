"""Growing cells of the tiny sandbox."""

import pandas as pd

from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.tables import read_table

MADE = [
    "results/growth/grown.parquet",
    "results/growth/cells.csv",
    "results/growth/growth.json",
    "results/figures/growth.png",
]


def test_cells_grow_and_a_killed_run_goes_on_to_the_same_bytes(run, finished_copy):
    done = run(finished_copy, "grow")
    assert done.returncode == 0, done.stdout
    grown = read_table(finished_copy / MADE[0], GROWN)
    assert grown["cube"].max() > 0
    assert grown["why"].str.len().min() > 0
    cells = pd.read_csv(finished_copy / MADE[1])
    assert set(cells["how"]) == {"grown", "unlimited", "teacher_forced"}
    assert (cells["recovered"] <= cells["path"] + 1e-9).all()
    before = [(finished_copy / name).read_bytes() for name in MADE]

    scores = sorted((finished_copy / "results/growth/scores").iterdir())
    scores[0].unlink()
    for name in MADE:
        (finished_copy / name).unlink()
    again = run(finished_copy, "grow")
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("rule score_contacts:") == 1
    assert [(finished_copy / name).read_bytes() for name in MADE] == before
