"""Leaving one tissue out, on small blocks."""

import re
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.models.checkpoint import load_checkpoint

KINDS = ("agglomeration", "lwunet")
TISSUES = ("one", "two", "three")
PEERS = ("gasp", "multicut")


def draw_block(path, random_seed):
    """Nine neurites along x, with dark membranes, in supervoxels of 8 voxels."""
    draw = np.random.default_rng(random_seed)
    cells = np.kron(
        np.arange(1, 10, dtype=np.uint32).reshape(3, 3, 1), np.ones((8, 8, 64))
    )
    cells = cells.astype(np.uint32)
    image = draw.integers(150, 190, cells.shape).astype(np.uint8)
    image[::8] = image[:, ::8] = 50
    pieces = 10 * cells + np.arange(64, dtype=np.uint32) // 8
    np.savez(path, image=image, labels=cells, supervoxels=pieces)


def tissue(name):
    files = {part: f"{name}.npz::{part}" for part in ("image", "labels", "supervoxels")}
    return {
        "teaches": "all",
        "part_of": None,
        "labels": None,
        "run": {
            "sandbox": {"made_from": "files", "files": files},
            "volumes": {
                "size": 16, "overlap": 4, "factor": 1, "voxel_nm": [10, 10, 10]
            },
            "evaluation": {"dust_voxels": 10},
            # By cell: each of them runs through all volumes.
            "split": {
                "rule": "published", "published_first_test_cell": 6,
                "validation_share": 0.3,
            },
            "kinds": {kind: {"training": {"patch_size": 16}} for kind in KINDS},
        },
    }  # fmt: skip


DRAWN = {
    "teaches": "nothing",
    "part_of": None,
    "labels": None,
    "run": {
        "sandbox": {
            "made_from": "synthetic_retina",
            "retina": {
                "grid": [1, 2, 5], "cells": 10, "neurite_diameter": 14, "players": 5
            },
        },
        "volumes": {"size": 64, "overlap": 16, "factor": 2, "voxel_nm": None},
    },
}  # fmt: skip
STUDY = {
    "carry_over": {
        "tissues": {**{name: tissue(name) for name in TISSUES}, "drawn": DRAWN},
        "replicates": 1, "patches": 8, "volumes": 2, "peers": PEERS,
        "training": {"epochs": 1, "patch_size": 16},
        "adaptation": {"epochs": 1, "patch_size": 8},
    }
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(TISSUES):
        draw_block(tmp_path / f"{name}.npz", number)
    return tmp_path


def test_networks_learn_from_drawings_too(folder, run):
    network = "results/carry_over/models/one+two/0/checkpoint.pt"
    study = {"carry_over": STUDY["carry_over"] | {"drawings": [24]}}
    done = run(folder, network, config=study)
    assert done.returncode == 0, done.stdout
    _, info = load_checkpoint(folder / network)
    assert info.provenance["tissues"] == "three, drawn 24"


def test_each_tissue_is_answered_by_what_never_saw_it(folder, run):
    packaged = "results/carry_over/agglomeration.pt"
    done = run(folder, "carry_over", packaged, config=STUDY)
    assert done.returncode == 0, done.stdout
    table = pd.read_csv(folder / "results/carry_over/table.csv")
    assert set(table["tissue"]) == {*TISSUES, "drawn"}
    assert (table["tasks"] > 0).all()
    assert set(table["model"]) == {"agglomeration", *PEERS}
    assert set(table["network"]) == {"given", "adapted"}
    assert len(table) == 2 * (len(TISSUES) + 1) * (1 + len(PEERS))
    ours = table["model"] == "agglomeration"
    assert table.loc[ours, "pr_auc"].between(0, 1).all()
    assert table.loc[~ours, "pr_auc"].isna().all()
    # All are judged on the same tasks.
    assert (table.groupby("tissue")["edits_unanswered"].nunique() == 1).all()
    assert table["edits"].between(table["edits_low"], table["edits_high"]).all()
    for name in TISSUES:
        model = folder / f"results/carry_over/models/{name}/0/checkpoint.pt"
        learned = load_checkpoint(model)[1].provenance["tissues"]
        assert set(learned.split(", ")) == set(TISSUES) - {name}
        ready_made = folder / f"results/carry_over/left_out/{name}/0.pt"
        info = load_checkpoint(ready_made)[1]
        assert info.operating_point.tasks > 0
        assert info.adapted.training.patch_size == 8
        assert set(info.adapted.memberships) == set(TISSUES) - {name}
        assert info.adapted.memberships != info.memberships
        assert info.adapted.second_look is not None
    module, info = load_checkpoint(folder / packaged)
    assert set(info.familiar.tissues) == set(TISSUES)
    assert info.operating_point.tasks > 0
    assert module.membership.linkage > 0
    assert module.second_look is not None
    assert (folder / "results/carry_over/left_out_risk.png").stat().st_size > 10_000
    own = table[ours].set_index(["network", "tissue"])["pr_auc"]
    for network, scores in {"given": info, "adapted": info.adapted}.items():
        found = {score.tissue: score.pr_auc.value for score in scores.left_out}
        assert found == own[network][list(TISSUES)].to_dict()
    again = run(folder, "carry_over", packaged, config=STUDY)
    assert "Nothing to be done" in again.stdout


def reads(output, rule, pattern):
    """Find what all jobs of a rule read, in the output of a dry run."""
    inputs = re.findall(rf"^rule {rule}:\n    input: (.+)$", output, re.MULTILINE)
    return set(re.findall(pattern, " ".join(inputs)))


@pytest.mark.parametrize("asked", [*TISSUES, "few", "stranger", "corner"])
def test_who_answers_a_tissue_was_taught_by_others_alone(folder, asked, run):
    study = deepcopy(STUDY)
    for name, changes in {
        "few": {"teaches": "network"},
        "stranger": {"teaches": "nothing"},
        "corner": {"teaches": "nothing", "part_of": "three"},
    }.items():
        draw_block(folder / f"{name}.npz", 3)
        study["carry_over"]["tissues"][name] = tissue(name) | changes
    target = f"results/carry_over/left_out/{asked}/0-adapted.json"
    plan = run(folder, "--dry-run", target, config=study).stdout
    unseen = "three" if asked == "corner" else asked
    learned, fitted = {*TISSUES, "few"}, {*TISSUES} - {unseen}
    assert reads(plan, "train_tissue", r"(\w+)\.npz") == learned - {unseen}
    assert reads(plan, "fit_second_look", r"(\w+)\.npz") == fitted
    assert reads(plan, "fit_second_look", r"scores/\w+/(\w+)") == fitted
    judged = reads(plan, "leave_tissue_out", r"evidence/\w+/(\w+)/([\w+]+)")
    assert judged == {
        (one, "+".join(sorted({one, unseen} & learned)) or "none") for one in fitted
    } | {(asked, unseen if unseen in learned else "none")}
