"""The answer command on a real block, whatever form it has and wherever it lies."""

import subprocess
import sys
from pathlib import Path

import chunked_arrays as write
import h5py
import numpy as np
import pandas as pd
import pytest
from file_server import served

from eyewire_validator.__main__ import main

BLOCK = Path(__file__).resolve().parents[3] / "shared" / "data" / "mouse_ac4.npz"
SIZE = (30.0, 18.0, 18.0)
# Ids above 2^53 are rounded by whoever takes them for floats.
FIRST = 2**53
CROP = np.s_[20:44, 100:180, 120:200]


@pytest.fixture(scope="module")
def crop():
    if not BLOCK.is_file():
        pytest.skip(f"{BLOCK} is not there")
    with np.load(BLOCK) as block:
        ids = block["supervoxels"][CROP].astype(np.uint64)
        ids[ids > 0] += np.uint64(FIRST)
        return {"image": block["image"][CROP], "segments": ids}


@pytest.fixture(scope="module")
def patch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def folder(crop, tmp_path_factory, patch_module):
    """The crop as OME-Zarr 0.5, as precomputed and as HDF5, at 0 nm."""
    folder = tmp_path_factory.mktemp("mouse")
    patch_module.setattr(write, "CHUNK", 20)
    for name, array in crop.items():
        write.write_zarr3(folder / "zarr" / name, array, True, SIZE, (0, 0, 0))
        encoding = "png" if name == "image" else "compressed_segmentation"
        write.write_precomputed(
            folder / "pre" / name, array, encoding, False, SIZE, (0, 0, 0)
        )
        with h5py.File(folder / "block.h5", "a") as file:
            file[name] = array
            file[name].attrs["resolution"] = SIZE
    return folder


def options(form, seed, output):
    """Return the command line, without the program."""
    image, segments = form.format("image"), form.format("segments")
    given = ["--image", image, "--segments", segments, "--seed", str(seed)]
    return ["answer", *given, "--output", str(output)]


@pytest.mark.filterwarnings("error")
def test_the_same_table_of_three_forms(crop, folder, tmp_path, capsys):
    ids, counts = np.unique(crop["segments"], return_counts=True)
    seed = int(ids[1:][counts[1:].argmax()])
    kept = ["--cache", str(tmp_path / "kept")]
    with served(folder) as server:
        over_http = f"zarr://{server.url}/zarr/{{}}"
        # As a user does, in another folder.
        command = options(over_http, seed, "answer.csv") + kept
        subprocess.run(
            [sys.executable, "-m", "eyewire_validator", *command],
            cwd=tmp_path,
            check=True,
        )
        asked = len(server.asked)
        main(options(over_http, seed, tmp_path / "again.csv") + kept)
        chunks = [path for path in server.asked[asked:] if "/c/" in path]
    assert chunks == []
    # Shards of Zarr hold several chunks, of each of which one block is kept.
    assert len(list((tmp_path / "kept").rglob("*.xz"))) == 2 * 2 * 4 * 4
    main(options(f"precomputed://{folder}/pre/{{}}", seed, tmp_path / "pre.csv"))
    main(options(f"{folder}/block.h5::{{}}", seed, tmp_path / "h5.csv"))
    # The ready-made model knows this tissue, and voxels of this size.
    assert "unlike all" not in capsys.readouterr().err
    tables = [path.read_bytes() for path in tmp_path.glob("*.csv")]
    assert len(tables) == 4
    assert len(set(tables)) == 1
    found = pd.read_csv(tmp_path / "h5.csv", dtype={"segment": np.uint64})
    assert set(found["segment"]) == set(ids[1:]) - {seed}
