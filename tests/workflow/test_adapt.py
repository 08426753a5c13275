"""Adapting the ready-made model to a block of which nothing is labelled."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.volumes.fine_contacts import FineContacts

READY_MADE = Path(__file__).resolve().parents[2] / "models/agglomeration.pt"
# Of the entry that is adapted.
ADAPTED = "results/models/ready_made/0/checkpoint.pt"
CONFIG = {
    "sandbox": {
        "made_from": "files",
        "files": {
            "image": "block.npz::image", "supervoxels": "block.npz::supervoxels",
            "labels": None, "seeds": "all",
        },
    },
    "volumes": {"size": 24, "overlap": 4, "factor": 1, "voxel_nm": [10, 10, 10]},
    "registry": {"group_span": None},
    "evaluation": {"dust_voxels": 10},
    "models": {"ready_made": {"adapt": 2, "checkpoint": "quick.pt"}},
}  # fmt: skip


def draw_block(path):
    """Nine neurites along x with dark membranes, in supervoxels of 11 voxels."""
    cells = np.kron(np.arange(1, 10).reshape(3, 3, 1), np.ones((8, 8, 44), int))
    image = np.random.default_rng(0).integers(150, 190, cells.shape).astype(np.uint8)
    image[::8] = image[:, ::8] = 50
    pieces = (10 * cells + np.arange(44) // 11).astype(np.uint32)
    np.savez(path, image=image, supervoxels=pieces)


def adapting_quickly(path):
    """Write the ready-made model, which is to be adapted by few and small patches."""
    model, info = load_checkpoint(READY_MADE)
    training = replace(info.adapted.training, epochs=2, patch_size=8)
    info = replace(info, adapted=info.adapted._replace(training=training))
    save_checkpoint(path, model, info)


def test_answers_are_those_of_the_adapted_network(tmp_path, run):
    draw_block(tmp_path / "block.npz")
    adapting_quickly(tmp_path / "quick.pt")
    done = run(tmp_path, "answers", config=CONFIG)
    assert done.returncode == 0, done.stdout
    given, before = load_checkpoint(READY_MADE)
    adapted, info = load_checkpoint(tmp_path / ADAPTED)
    assert adapted.scored_by != given.scored_by
    assert adapted.membership == before.adapted.membership
    assert info.operating_point == before.adapted.operating_point
    again = run(tmp_path, "answers", config=CONFIG)
    assert "Nothing to be done" in again.stdout
    weights = (tmp_path / ADAPTED).read_bytes()
    (tmp_path / ADAPTED).unlink()
    assert run(tmp_path, ADAPTED, config=CONFIG).returncode == 0
    assert (tmp_path / ADAPTED).read_bytes() == weights


def test_contacts_are_scored_in_raw_volumes_by_an_adapted_network(tmp_path, run):
    draw_block(tmp_path / "block.npz")
    adapting_quickly(tmp_path / "quick.pt")
    scoring = CONFIG["volumes"] | {"factor": 2, "evidence": "quick.pt"}
    finely = CONFIG | {"volumes": scoring}
    done = run(tmp_path, "answers", config=finely)
    assert done.returncode == 0, done.stdout
    adapted, info = load_checkpoint(tmp_path / ADAPTED)
    assert adapted.scored_by != load_checkpoint(READY_MADE)[0].scored_by
    assert info.adapted is None
    tables = [*tmp_path.glob("results/volumes/groups/*/*/contacts.parquet")]
    assert {FineContacts.scored_by_of(table) for table in tables} == {adapted.scored_by}
    again = run(tmp_path, "answers", config=finely)
    assert "Nothing to be done" in again.stdout


def test_it_adapts_to_supervoxels_that_it_made(tmp_path, run):
    draw_block(tmp_path / "block.npz")
    adapting_quickly(tmp_path / "quick.pt")
    files = CONFIG["sandbox"]["files"] | {"supervoxels": "make"}
    made = CONFIG | {"sandbox": CONFIG["sandbox"] | {"files": files}}
    done = run(tmp_path, ADAPTED, config=made)
    assert done.returncode == 0, done.stdout
    assert "rule make_supervoxels" in done.stdout
    again = run(tmp_path, ADAPTED, config=made)
    assert "Nothing to be done" in again.stdout


def test_a_checkpoint_that_cannot_be_adapted_says_so(tmp_path, run):
    draw_block(tmp_path / "block.npz")
    model, info = load_checkpoint(READY_MADE)
    save_checkpoint(tmp_path / "quick.pt", model, replace(info, adapted=None))
    done = run(tmp_path, ADAPTED, config=CONFIG)
    assert done.returncode == 1
    assert "nothing was fitted to adapted networks of this checkpoint" in done.stdout
    assert "Traceback" not in done.stdout
