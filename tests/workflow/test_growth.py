"""Growing cells of the tiny sandbox."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.agglomeration.membership import LINKAGE_ALONE
from eyewire_validator.growth.stops import stop_id
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.review.page import describe_items
from eyewire_validator.storage.schemas.carry_over import EVIDENCE
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.review import QUEUE
from eyewire_validator.storage.tables import read_table

MADE = [
    "results/growth/grown.parquet",
    "results/growth/cells.csv",
    "results/growth/growth.json",
    "results/figures/growth.png",
    "results/figures/growth_measures.png",
    "results/growth/neuroglancer.json",
    "results/growth/index.html",
    "results/growth/image/info",
    "results/growth/truth/info",
    "results/growth/labels/info",
    "results/growth/labels.zarr/zarr.json",
]
CANDIDATES = "results/learn/evidence/given/candidates.parquet"


def test_cells_grow_and_are_measured(run, finished_copy):
    done = run(finished_copy, "grow")
    assert done.returncode == 0, done.stdout
    grown = read_table(finished_copy / MADE[0], GROWN)
    assert grown["cube"].max() > 0
    assert grown["why"].str.len().min() > 0
    cells = pd.read_csv(finished_copy / MADE[1])
    assert set(cells["how"]) == {"grown", "unlimited", "teacher_forced"}
    assert (cells["recovered"] <= cells["path"] + 1e-9).all()
    for name in MADE:
        assert (finished_copy / name).stat().st_size > 0


READY_MADE = Path(__file__).resolve().parents[2] / "models/agglomeration.pt"
# A bound so low that growth stops early, in a block of which no answer is known.
FILES = {name: f"block.npz::{name}" for name in ("image", "supervoxels")}
CAUTIOUS = {
    "sandbox": {
        "made_from": "files",
        "files": {**FILES, "labels": None, "seeds": "seeds.csv"},
    },
    "volumes": {
        "size": 32, "overlap": 8, "factor": 1, "voxel_nm": [10, 10, 10],
        # One job for all of them.
        "group_span": None,
    },
    "evaluation": {"dust_voxels": 10},
    "models": {"ready_made": {"checkpoint": "calm.pt"}},
    "growth": {"path_risk": 0.001},
}  # fmt: skip


@pytest.fixture
def block(tmp_path):
    """Nine neurites along x, in pieces, and a model that no image alarms."""
    neurites = np.arange(9, dtype=np.uint64).reshape(3, 3, 1)
    pieces = 1 + 10 * neurites + np.arange(56, dtype=np.uint64) // 8
    pieces = np.kron(pieces, np.ones((11, 11, 1), np.uint64))
    image = np.full(pieces.shape, 160, np.uint8)
    image[::11] = image[:, ::11] = 50
    np.savez(tmp_path / "block.npz", image=image, supervoxels=pieces)
    (tmp_path / "seeds.csv").write_text("segment\n41\n")
    model, info = load_checkpoint(READY_MADE)
    # Nothing is sure enough for the bound, whatever it was fitted to.
    model.membership = LINKAGE_ALONE
    calm = replace(info, familiar=None, memberships={})
    save_checkpoint(tmp_path / "calm.pt", model, calm)
    return tmp_path


def decide(item, verdict):
    """Return the line that the page exports when a question is decided."""
    time = "2026-11-28T10:00:00.000Z"
    said = {"verdict": verdict, "time": time}
    about = {"queue": "q", "note": "", "active_ms": 900, "reviewer": "Ada"}
    return json.dumps({**item, **about, **said, "history": [said]})


def test_a_stop_is_asked_about_and_a_decision_lets_growth_go_on(run, block):
    done = run(block, "grow", config=CAUTIOUS)
    assert done.returncode == 0, done.stdout
    done = run(block, "review", config=CAUTIOUS)
    assert done.returncode == 0, done.stdout
    file = block / "results/review/queue.parquet"
    state = json.loads((block / "results/growth/neuroglancer.json").read_text())
    assert [layer["name"] for layer in state["layers"]] == ["image", "grown"]
    page = (block / "results/growth/index.html").read_text()
    assert 'class="stop"' in page
    assert "false merge" not in page
    queue = read_table(file, QUEUE)
    asked = queue[queue["reason"] == "stop"]
    assert asked["why"].str.startswith("Growth stopped at ").all()
    joined, left = describe_items(asked)[:2]
    lines = [decide(joined, "yes"), decide(left, "no")]
    (block / "ada.jsonl").write_text("\n".join(lines))

    decided = {**CAUTIOUS, "review": {"decisions": ["ada.jsonl"]}}
    done = run(block, "review", config=decided)
    assert done.returncode == 0, done.stdout
    assert "rule score_contacts:" not in done.stdout
    items = set(read_table(file, QUEUE)["item"])
    assert not {joined["item"], left["item"]} & items
    cubes = {
        stop_id(cube.cell, cube.volume, cube.seed): cube
        for cube in read_table(block / MADE[0], GROWN).itertuples()
    }
    by_yes, by_no = (cubes[int(one["task"])] for one in (joined, left))
    assert int(joined["segment"]) in by_yes.accepted
    assert by_yes.probability.max() == 1.0
    assert int(left["segment"]) not in {*by_no.accepted, *by_no.withheld}

    # Growth does not stop there any more, but what was said teaches.
    done = run(block, CANDIDATES, config=decided)
    assert done.returncode == 0, done.stdout
    taught = read_table(block / CANDIDATES, EVIDENCE)
    pairs = set(zip(taught["task"], taught["segment"], strict=True))
    assert {(int(one["task"]), int(one["segment"])) for one in (joined, left)} <= pairs
