"""Learning a tissue from labels, on the tiny sandbox."""

import json

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.storage.schemas.carry_over import EVIDENCE
from eyewire_validator.storage.tables import read_table, write_table

LEARNED = "results/learn/agglomeration.pt"
# In such a small grid, the training volumes are too few to know a tissue by.
LEARN = {
    "learn": {
        "splits": ["train", "validation", "test"],
        "training": {"epochs": 1, "patch_size": 8},
    },
    "models": {
        "learned": {
            "title": "learned here",
            "kind": "agglomeration",
            "evidence": "affinities",
            "checkpoint": LEARNED,
        }
    },
}


def test_the_ready_made_model_learns_and_another_entry_takes_it(finished_copy, run):
    adopted = "results/models/learned/0/checkpoint.pt"
    done = run(finished_copy, "learn", adopted, config=LEARN)
    assert done.returncode == 0, done.stdout
    record = json.loads((finished_copy / "results/learn/learned.json").read_text())
    assert record["text"] in done.stdout
    assert record["labels"]["labelled_tasks"] > 10
    given = finished_copy / "results/models/ready_made/0/checkpoint.pt"
    before = load_checkpoint(given)[0].scored_by
    for name in (LEARNED, adopted):
        model, info = load_checkpoint(finished_copy / name)
        assert ("synthetic retina" in info.familiar.tissues) == record["taken"]
        assert (model.scored_by != before) == (record["taken"] and record["tuned"])
    networks = {
        load_checkpoint(file)[0].scored_by
        for file in (finished_copy / "results/learn/networks").iterdir()
    }
    assert len(networks - {before}) == 3
    again = run(finished_copy, "learn", adopted, config=LEARN)
    assert "Nothing to be done" in again.stdout
    see_the_truth(finished_copy / "results/learn/evidence")
    best = run(finished_copy, "learn", config=LEARN)
    assert best.returncode == 0, best.stdout
    assert "the network was tuned" in best.stdout.lower()
    taken, info = load_checkpoint(finished_copy / LEARNED)
    by_all = load_checkpoint(finished_copy / "results/learn/networks/by_all.pt")[0]
    assert taken.scored_by == by_all.scored_by
    record = json.loads((finished_copy / "results/learn/learned.json").read_text())
    assert taken.membership._asdict() == pytest.approx(record["membership_after"])
    assert taken.by_tissue is None
    assert set(info.familiar.tissues) == {"synthetic retina"}


def see_the_truth(evidence):
    """Make the evidence of tuned networks right everywhere."""
    for half in ("half_0", "half_1"):
        file = evidence / half / "candidates.parquet"
        found = read_table(file, EVIDENCE)
        members = len(found["levels"].iloc[0])
        levels = [np.full(members, 9.0 if t else -9.0, "f4") for t in found["truth"]]
        found["levels"] = pd.Series(levels, found.index, dtype=object)
        write_table(file, found, EVIDENCE)


def test_where_nothing_is_known_nothing_is_started(tmp_path, run):
    arrays = {
        name: np.zeros((32, 32, 32), np.uint8) for name in ("image", "supervoxels")
    }
    np.savez(tmp_path / "block.npz", **arrays)
    files = {name: f"block.npz::{name}" for name in arrays}
    config = {
        "sandbox": {
            "made_from": "files",
            "files": {**files, "labels": None, "seeds": "all"},
        },
        "volumes": {"size": 32, "overlap": 8, "factor": 1, "voxel_nm": [10, 10, 10]},
    }
    done = run(tmp_path, "learn", config=config)
    assert done.returncode != 0
    assert "learn: no answer is known here; name what people decided" in done.stdout
    assert not (tmp_path / "results").exists()
