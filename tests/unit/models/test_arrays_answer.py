"""One question about arrays that are named: by function and by command line."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from eyewire_validator.__main__ import main
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.errors import EyewireValidatorError, ModelError
from eyewire_validator.models import cutout
from eyewire_validator.models.arrays_answer import READY_MADE, answer
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.volumes.appearance import Appearance, Familiar

# Ids of the octants, above 2^53; the first voxel lies at (20, 40, 60) nm.
FIRST = 2**53 + 1
SIZE, OFFSET = (4.0, 2.0, 2.0), (20.0, 40.0, 60.0)


@pytest.fixture
def checkpoint(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ContactModel("features")
    model.classifier.standardize_by(
        torch.randn(9, 109, generator=torch.Generator().manual_seed(0))
    )
    noise = np.random.default_rng(1).integers(0, 256, (8, 8, 8), np.uint8)
    bright = Appearance.of_image(noise)._replace(mean=900)
    info = CheckpointInfo(
        AgglomerationSettings(title="contacts"),
        familiar=Familiar.of({"bright": [bright] * 3}, {}),
    )
    save_checkpoint(tmp_path / "checkpoint.pt", model, info)
    return tmp_path / "checkpoint.pt"


@pytest.fixture
def ids(octants):
    """Octants 1 to 8 as ids from FIRST; a corner voxel of the first is background."""
    ids = octants.astype(np.uint64) + np.uint64(FIRST - 1)
    ids[0, 0, 0] = 0
    return ids


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 8)).astype(np.uint8)


@pytest.fixture
def sources(tmp_path, image, ids):
    with h5py.File(tmp_path / "block.h5", "w") as file:
        for name, array in (("image", image), ("ids", ids)):
            file[name] = array
            file[name].attrs.update(resolution=SIZE, offset=OFFSET)
    block = tmp_path / "block.h5"
    return {"image": f"{block}::image", "segments": f"{block}::ids"}


@pytest.fixture
def ask(sources, checkpoint):
    def ask(*seed, **options):
        return answer(**sources, seed=seed, model=checkpoint, **options)

    return ask


each_warns = pytest.mark.filterwarnings("ignore:this volume is unlike")


@each_warns
def test_it_is_what_the_validator_answers_with_points(ask, checkpoint, image, ids):
    found = ask(FIRST, FIRST + 1)
    scored = load_segment_validator(checkpoint).score(image, ids, SIZE)
    expected = scored.answer([FIRST, FIRST + 1])
    columns = ["segment", "probability", "deviation", "decision"]
    pd.testing.assert_frame_equal(found[columns], expected)
    points = (found[["z_nm", "y_nm", "x_nm"]].to_numpy() - OFFSET) / SIZE
    np.testing.assert_array_equal(points % 1, 0.5)
    z, y, x = points.astype(int).T
    np.testing.assert_array_equal(ids[z, y, x], found["segment"])


@each_warns
def test_a_point_is_as_good_as_the_id_there(ask):
    at_second = (22.0, 42.0, 70.0)
    pd.testing.assert_frame_equal(ask(seed_point=at_second), ask(FIRST + 1))


@each_warns
def test_a_box_is_counted_from_0_nm_and_keeps_places(ask):
    # The array starts at voxel (5, 20, 30).
    found = ask(FIRST + 1, box=((5, 9), (20, 28), (32, 38)))
    assert set(found["segment"]) == {FIRST, FIRST + 2, FIRST + 3}
    assert found["x_nm"].between(64, 76).all()
    assert found["z_nm"].between(20, 36).all()


def test_the_alarm_warns(ask):
    with pytest.warns(UserWarning, match="it is darker; do not .+ label some 20"):
        ask(FIRST)


@pytest.mark.parametrize(
    ("seed", "options", "error"),
    [
        ((), {}, "no seed: give ids"),
        ((0,), {}, "seed 0 is background"),
        ((17,), {}, "seed 17 is not in what is looked at"),
        ((-1,), {}, "seed -1 is not in"),
        ((2**64,), {}, "seed 18446744073709551616 is not in"),
        ((FIRST + 7,), {"box": ((5, 9), (20, 24), (30, 34))}, "name the box that"),
        ((), {"seed_point": (21, 41, 61)}, "lies on background, in no segment"),
        ((), {"seed_point": (19, 41, 61)}, r"outside .*, \(20, 40, 60\) to \(52, 56,"),
        ((FIRST,), {"box": ((5, 9), (20, 24), (29, 34))}, "5:13,20:28,30:38"),
        ((FIRST,), {"box": ((5, 5), (20, 24), (30, 34))}, "is not inside the data"),
        ((FIRST,), {"voxel_nm": (5, 2, 2)}, r"voxels are \(4, 2, 2\) nm"),
        ((FIRST,), {"voxel_nm": (4, 2, -2)}, r"expected three lengths above 0"),
        ((), {"seed_point": (float("nan"), 41, 61)}, "outside of what is looked at"),
        ((1.0,), {}, "expected ids of segments"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ask, seed, options, error):
    with pytest.raises(EyewireValidatorError, match=error):
        ask(*seed, **options)


def test_arrays_have_no_name(image, ids):
    with pytest.raises(ModelError, match=r"not a ndarray; .*load_segment_validator"):
        answer(image, ids, [FIRST])


def test_too_large_a_volume_asks_for_a_box(ask, monkeypatch):
    # Voxels of 4 x 2 x 2 nm are shown as twice as many cubes.
    monkeypatch.setattr(cutout, "MOST_VOXELS", 1023)
    monkeypatch.setattr(cutout, "EDGE", 4)
    with pytest.raises(ModelError, match=r"1,024 voxels, .* --box 5:7,20:24,30:34"):
        ask(FIRST)


@each_warns
def test_a_voxel_size_that_no_source_says_must_be_given(
    tmp_path, image, ids, checkpoint
):
    np.savez(tmp_path / "block.npz", image=image, ids=ids)
    block = tmp_path / "block.npz"
    question = (f"{block}::image", f"{block}::ids", [FIRST])
    with pytest.raises(ModelError, match=r"no voxel size: .* --voxel-nm"):
        answer(*question, model=checkpoint)
    found = answer(*question, model=checkpoint, voxel_nm=SIZE)
    # The third voxel of the last octants, counted from 0 nm.
    assert found["z_nm"].max() == 4 * 6.5


def test_the_ready_made_model_comes_with_the_package():
    assert load_segment_validator(READY_MADE).info.model_settings.kind == (
        "agglomeration"
    )


@pytest.fixture
def command(sources, checkpoint):
    """Return a function that runs the command line with further options."""

    def run(*options):
        given = {**sources, "model": checkpoint}
        named = [part for key, one in given.items() for part in (f"--{key}", one)]
        main(["answer", *map(str, [*named, *options])])

    return run


def test_the_command_adapts_where_that_is_asked_for(command):
    with pytest.raises(SystemExit, match="nothing was fitted to adapted networks"):
        command("--seed", FIRST, "--adapt")


def test_the_command_prints_and_writes_the_table(command, ask, tmp_path, capsys):
    for suffix in ("csv", "json"):
        command("--seed", FIRST, "--output", tmp_path / f"answer.{suffix}")
    printed, warned = capsys.readouterr()
    with pytest.warns(UserWarning, match="unlike"):
        expected = ask(FIRST)
    assert str(FIRST + 1) in printed
    assert warned.startswith("warning: this volume is unlike")
    written = pd.read_csv(tmp_path / "answer.csv", dtype={"segment": np.uint64})
    np.testing.assert_array_equal(written["segment"], expected["segment"])
    rows = json.loads((tmp_path / "answer.json").read_text())
    assert [int(row["segment"]) for row in rows] == expected["segment"].tolist()
    assert all(isinstance(row["segment"], str) for row in rows)
    assert rows[0].keys() == set(expected.columns)


@each_warns
def test_a_seed_without_other_segments_is_answered_in_words(
    command, tmp_path, ids, capsys
):
    np.save(tmp_path / "one.npy", ids * 0 + 7)
    command("--segments", tmp_path / "one.npy", "--seed", 7, "--voxel-nm", "4,2,2")
    assert capsys.readouterr().out == "there is no other segment\n"


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    command, tmp_path, monkeypatch
):
    (tmp_path / "a.csv").mkdir()
    monkeypatch.setattr("eyewire_validator.models.arrays_answer.answer", None)
    with pytest.raises(SystemExit, match=r"a\.csv: is a folder; name a file in it"):
        command("--seed", FIRST, "--output", tmp_path / "a.csv")
    with pytest.raises(SystemExit, match=r"block\.h5/a\.csv: cannot be written"):
        command("--seed", FIRST, "--output", tmp_path / "block.h5" / "a.csv")


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        (["--seed", "1"], 1, "error: seed 1 is not in what is looked at"),
        (["--seed", "1;2"], 2, "argument --seed: invalid ids value: '1;2'"),
        (["--seed-point", "1,2"], 2, "invalid z,y,x value"),
        (["--box", "0:1,0:1"], 2, "invalid z0:z1,y0:y1,x0:x1 value"),
        (["--output", "a.txt"], 2, r"invalid .csv or .json value"),
        (["--seeds", "1"], 2, "unrecognized arguments"),
    ],
)
def test_the_command_refuses_in_one_line(command, options, status, error, capsys):
    with pytest.raises(SystemExit) as left:
        command(*options)
    said = str(left.value.code) + capsys.readouterr().err
    assert error in said
    assert left.value.code == status or status == 1
