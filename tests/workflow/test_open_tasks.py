"""Asking a block of files of which no answer is known."""

from pathlib import Path

import numpy as np
import pandas as pd

from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.fine_contacts import FineContacts

READY_MADE = Path(__file__).resolve().parents[2] / "models/agglomeration.pt"


def draw_block(folder):
    """An image of 64 rooms with dark walls, and supervoxels with ids of 64 bits."""
    rooms = np.arange(64, dtype=np.uint64).reshape(4, 4, 4) + np.uint64(2**60)
    supervoxels = np.kron(rooms, np.ones((12, 12, 12), np.uint64))
    image = np.full(supervoxels.shape, 140, np.uint8)
    image[::12] = image[:, ::12] = image[:, :, ::12] = 60
    np.savez(folder / "block.npz", image=image, supervoxels=supervoxels)


def config_of(**files):
    return {
        "sandbox": {
            "made_from": "files",
            "files": {
                "image": "block.npz::image",
                "supervoxels": "block.npz::supervoxels",
                "labels": None,
                **files,
            },
        },
        # One job for all cells, and one for some volumes.
        "registry": {"group_span": None},
        "volumes": {
            "size": 32, "overlap": 8, "factor": 1, "voxel_nm": [10, 10, 10],
            "group_span": None,
        },
        "evaluation": {"dust_voxels": 10},
    }  # fmt: skip


def test_seeds_are_answered_by_the_ready_made_model_alone(tmp_path, run):
    draw_block(tmp_path)
    (tmp_path / "seeds.csv").write_text(f"segment\n{2**60 + 5}\n{2**60 + 21}\n")
    done = run(tmp_path, config=config_of(seeds="seeds.csv"))
    assert done.returncode == 0, done.stdout
    assert "train_" not in done.stdout
    answers = read_table(
        tmp_path / "results/answers/ready_made/answers.parquet", ANSWERS
    )
    assert set(answers["seed"]) == {2**60 + 5, 2**60 + 21}
    assert answers["supervoxel"].min() >= 2**60
    assert (
        answers["thresholds"]
        .str.startswith("checkpoint, measured on tissue left out")
        .all()
    )
    assert answers[["z_nm", "y_nm", "x_nm"]].notna().all(axis=None)
    verdicts = pd.read_csv(tmp_path / "results/answers/ready_made/tasks.csv")
    assert set(verdicts["task"]) == set(answers["task"])
    listed = pd.read_csv(tmp_path / "results/answers/ready_made/decisions.csv")
    assert len(listed) == len(answers)
    for _, of_task in listed.groupby("task"):
        assert of_task["probability"].is_monotonic_decreasing


def test_contacts_are_scored_while_the_raw_volume_is_in_hand(tmp_path, run):
    draw_block(tmp_path)
    config = config_of(seeds="all")
    scoring = {"factor": 2, "evidence": "models/agglomeration.pt", "keep_raw": True}
    config["volumes"] |= scoring
    done = run(tmp_path, "answers", config=config)
    assert done.returncode == 0, done.stdout
    tables = sorted(tmp_path.glob("results/volumes/groups/*/*/contacts.parquet"))
    volumes = sorted(tmp_path.glob("results/volumes/groups/*/*/image.lzma"))
    assert [table.parent for table in tables] == [image.parent for image in volumes]
    fine = FineContacts.read(tables[0])
    assert fine.voxel_nm == (10.0, 10.0, 10.0)
    assert fine.scored_by == load_checkpoint(READY_MADE)[0].scored_by
    raw = tmp_path.glob("results/downloads/volumes/*/*/segmentation.lzma")
    assert len([*raw]) == len(volumes)


def test_a_typo_among_the_seeds_is_refused_before_any_job(tmp_path, run):
    draw_block(tmp_path)
    (tmp_path / "seeds.csv").write_text("segment\n12a\n")
    done = run(tmp_path, config=config_of(seeds=str(tmp_path / "seeds.csv")))
    assert done.returncode != 0
    assert "line 2: segment is '12a', expected a whole number" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()
