"""Growing cells of the tiny sandbox."""

import json

import pandas as pd

from eyewire_validator.review.page import describe_items
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.review import QUEUE
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


# So low that it stops early.
CAUTIOUS = {"growth": {"path_risk": 0.001}}


def decide(item, verdict):
    """Return the line that the page exports when a question is decided."""
    time = "2026-11-28T10:00:00.000Z"
    said = {"verdict": verdict, "time": time}
    about = {"queue": "q", "note": "", "active_ms": 900, "reviewer": "Ada"}
    return json.dumps({**item, **about, **said, "history": [said]})


def test_a_stop_is_asked_about_and_a_decision_lets_growth_go_on(run, finished_copy):
    done = run(finished_copy, "grow", config=CAUTIOUS)
    assert done.returncode == 0, done.stdout
    done = run(finished_copy, "review", config=CAUTIOUS)
    assert done.returncode == 0, done.stdout
    file = finished_copy / "results/review/queue.parquet"
    queue = read_table(file, QUEUE)
    asked = queue[queue["reason"] == "stop"]
    assert asked["why"].str.startswith("Growth stopped at ").all()
    joined, left = describe_items(asked)[:2]
    lines = [decide(joined, "yes"), decide(left, "no")]
    (finished_copy / "ada.jsonl").write_text("\n".join(lines))

    decided = {**CAUTIOUS, "review": {"decisions": ["ada.jsonl"]}}
    done = run(finished_copy, "review", config=decided)
    assert done.returncode == 0, done.stdout
    assert "rule score_contacts:" not in done.stdout
    assert not {joined["item"], left["item"]} & set(read_table(file, QUEUE)["item"])
    grown = read_table(finished_copy / MADE[0], GROWN)
    accepted = [
        (segment, probability)
        for row in grown[grown["cell"] == int(joined["cell"])].itertuples()
        for segment, probability in zip(row.accepted, row.probability, strict=True)
    ]
    assert (int(joined["segment"]), 1.0) in accepted
    again = run(finished_copy, "grow", config=decided)
    assert "Nothing to be done" not in again.stdout
    assert "rule grow_cells:" not in again.stdout
