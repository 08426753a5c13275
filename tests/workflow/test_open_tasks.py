"""Asking a block of files of which no answer is known."""

import numpy as np
import pandas as pd

from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.tables import read_table


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
        "volumes": {"size": 32, "overlap": 8, "factor": 1, "voxel_nm": [10, 10, 10]},
        "evaluation": {"dust_voxels": 10},
    }


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


def test_a_typo_among_the_seeds_is_refused_before_any_job(tmp_path, run):
    draw_block(tmp_path)
    (tmp_path / "seeds.csv").write_text("segment\n12a\n")
    done = run(tmp_path, config=config_of(seeds=str(tmp_path / "seeds.csv")))
    assert done.returncode != 0
    assert "line 2: segment is '12a', expected a whole number" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()
