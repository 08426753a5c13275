"""Valid input, mutated at random: every parser takes it or refuses it by name.

A few hundred cases a parser, the same in every run. For more, with others each time:

    FUZZ_CASES=100000 pytest tests/unit/test_fuzz.py
"""

import asyncio
import csv
import io
import json
import lzma
import os
import struct
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
import tifffile
import torch
import yaml
from chunked_arrays import write_zarr3_level
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from snakemake.utils import update_config

from eyewire_validator.acquire.api.breaker import Breaker
from eyewire_validator.acquire.api.client import (
    ApiSettings,
    EyewireClient,
    seconds_to_wait,
)
from eyewire_validator.acquire.api.limiter import Limiter
from eyewire_validator.acquire.api.replies import parse_task, parse_task_list
from eyewire_validator.acquire.registry import RegistrySettings, read_registry
from eyewire_validator.config.check import check_config, volume_geometry
from eyewire_validator.config.entries import complete_training
from eyewire_validator.config.families import (
    NetworkSettings,
)
from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.learning.tensor_files import save_plain
from eyewire_validator.models.checkpoint import FORMAT, load_checkpoint
from eyewire_validator.plan.models import plan_models
from eyewire_validator.storage.array_files import open_array
from eyewire_validator.storage.files import decompress
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import check_file
from eyewire_validator.voxel_network.lwunet import LWUNet

CASES = int(os.environ.get("FUZZ_CASES", "200"))
FEW = 200
fuzz = settings(
    max_examples=CASES,
    derandomize=CASES == FEW,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
refused_by_name = suppress(EyewireValidatorError)

CONFIG = Path(__file__).resolve().parents[2] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())
DEFAULT: dict = {}
for name in ("defaults", "config"):
    update_config(DEFAULT, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))


# One draw a case: hypothesis would take longer for many than most parsers for a case.
programs = st.binary(min_size=48, max_size=48)


def mutate(content, program, near=None):
    """Flip bits, and cut and replace parts, as the bytes of a program say.

    Most places are among the first and last ``near`` bytes, if given.
    """
    mutant, near = bytearray(content), near or len(content)
    for what, side, where, much, new in struct.iter_unpack("<BBIH4s", program):
        place = where % (len(mutant) + 1 if side & 2 else near)
        if side & 3 == 1:
            place = max(0, len(mutant) - place)
        match what % 16:
            case 1 | 2 if place < len(mutant):
                mutant[place] ^= 1 << much % 8
            case 3 | 4:
                mutant[place : place + much % 5] = new[: what // 64 + 1]
            case 5:
                mutant[place : place + much] = content[much:][: what // 4]
            case 6 if much % 4 == 0:
                del mutant[place:]
    return bytes(mutant)


def mutants(*contents):
    """Return a strategy for mutants of valid contents, and for any bytes."""
    mutations = (programs.map(partial(mutate, content)) for content in contents)
    return st.one_of(*mutations, st.binary(max_size=200))


def places(tree, place=()):
    """Yield the keys that lead to every value of a tree of JSON."""
    yield place
    if isinstance(tree, dict | list):
        children = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, child in children:
            yield from places(child, (*place, key))


def nested(leaf, depth):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


ODD = [
    None, True, False, 0, -1, 1, 7, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400,
    0.0, -0.5, 1.5, 1e300, 31.0, float("nan"), float("inf"), "", "0", "7", "-1", "1.5",
    "9" * 5000, "nan", "1e999", "\0", "\ud800", "٣", "../..", "<b>", "$x$", "{}",
    [], {}, [None], {"": None}, {"5": None}, {"x": 1}, [[]], [{}], {"id": 1},
    {"5": [1]}, ["a"], [1, "a", None], {"5": float("nan")}, {str(2**64): 1},
    nested(5, 300),
]  # fmt: skip


def changed(tree):
    """Return a strategy for a tree of JSON with odd values, or none, at some places."""
    ways = list(places(tree))
    text = json.dumps(tree)

    def change(program):
        mutant = {"": json.loads(text)}
        for what, where, value in struct.iter_unpack("<BHB", program):
            home, (*way, last) = mutant, ("", *ways[where % len(ways)])
            with suppress(KeyError, IndexError, TypeError):
                for key in way:
                    home = home[key]
                if what % 8 == 1:
                    del home[last]
                elif what % 8 < 4:
                    home[last] = deepcopy(ODD[value % len(ODD)])
        return mutant.get("")

    return st.binary(min_size=16, max_size=16).map(change)


REPLIES = {
    "entry": {"id": 31, "status": 6, "weight": 2, "bounds": {"min": {"x": 3}}},
    "task": {
        "id": 31,
        "cell": 7,
        "parent": 30,
        "status": 0,
        "prior": {"segments": {"12": 1, "5": 1}},
        "data": {"channel": {"id": 40}, "segmentation": {"id": 41}},
        "bounds": {"min": {"x": 3, "y": 2}, "max": {"x": 19}},
        "full_path": "https://storage.googleapis.com/e2198_compressed/Volume-40-41/",
    },
    "aggregate": {
        "segments": {"12": 0.5, "5": 1, "100": 0.25},
        "weight": 3.5,
        "votes": {"total": 1, "max": 2},
        "task_family": {"parent": 30, "children": [33, 32]},
    },
}


@fuzz
@given(changed(REPLIES), changed({"tasks": [{"id": 8}, {"id": 9}]}))
def test_replies_of_any_form(replies, task_list):
    with refused_by_name:
        parse_task_list(as_reply(task_list), 7)
    with refused_by_name:
        tree = as_reply(replies)
        given_replies = [as_reply(tree.get(name)) for name in REPLIES]
        in_a_table(parse_task(7, 31, *given_replies))


def in_a_table(row):
    pa.Table.from_pylist([row], CELL_TASKS).validate(full=True)


def as_reply(value):
    """Let a JSON value come as the client lets it through: as an object, or not."""
    return value if isinstance(value, dict) else {}


@fuzz
@given(mutants(json.dumps(REPLIES["task"]).encode(), b'{"tasks": [{"id": 8}]}'))
def test_replies_of_any_bytes(ask, content):
    reply = {}
    with refused_by_name:
        reply = ask(content)
        parse_task_list(reply, 7)
    with refused_by_name:
        in_a_table(parse_task(7, 31, REPLIES["entry"], reply, {}))


@pytest.fixture(scope="module")
def ask():
    """A function that takes the client's way from bytes to a reply."""
    api = ApiSettings(**DEFAULT["api"] | {"tries": 1, "failures_in_a_row": 10**9})

    def respond(_):
        return httpx.Response(200, headers=headers, content=contents.pop())

    contents, headers = [], {"Content-Type": "application/json"}
    http = httpx.AsyncClient(
        base_url=api.base_url, transport=httpx.MockTransport(respond)
    )
    breaker = Breaker(Path(os.devnull), api.failures_in_a_row)
    client = EyewireClient(api, http, "token", Limiter(float("inf")), breaker)
    with asyncio.Runner() as runner:

        def ask(content):
            contents.append(content)
            return runner.run(client.task(31))

        yield ask


@fuzz
@given(
    st.text(max_size=30)
    | mutants(b"Wed, 21 Oct 2015 07:28:00 GMT", b"120").map(
        lambda content: content.decode("latin-1")
    )
)
def test_retry_after_of_any_text(text):
    assert seconds_to_wait(text) >= 0


def registry_csv(encoding="utf-8", **options):
    text = io.StringIO()
    writer = csv.writer(text, **options)
    writer.writerow(["Cell ID", "Name", "Status", "Size", "Tags"])
    writer.writerow([5, "a", "Completed", 9, "{}"])
    writer.writerow([6, 'b, "c"', "Completed", 9, '["mystic", {"a": [1]}]'])
    writer.writerow([7, "c", "Completed", "1.234,0", "{}"])
    return text.getvalue().encode(encoding)


@fuzz
@given(mutants(registry_csv(), registry_csv("utf-16", delimiter=";")))
def test_a_registry_of_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.write_bytes(content)
    filters = RegistrySettings(["Completed"], ["SN-"], 1, ["mystic"], "keep")
    with refused_by_name:
        read_registry([path], filters)


GEOMETRY = VolumeGeometry(size=16, overlap=8, factor=4)


def jpeg(**options):
    grey = np.random.default_rng(3).integers(0, 256, (16, 16), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@fuzz
@given(
    mutants(
        jpeg(),
        jpeg(progressive=True),
        jpeg(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0", dpi=(1, 1), comment=b"x"),
    )
)
@pytest.mark.filterwarnings("ignore")
def test_a_jpeg_of_any_bytes(content):
    with refused_by_name:
        check_file("jpg/0.jpg", content, "volume 41", GEOMETRY)


IDS = np.arange(16**3, dtype="<u2").tobytes()


@fuzz
@given(mutants(lzma.compress(IDS, lzma.FORMAT_ALONE), lzma.compress(IDS)))
def test_lzma_of_any_bytes(content):
    with refused_by_name:
        assert len(decompress(content, len(IDS))) == len(IDS)
    with refused_by_name:
        check_file("segmentation.lzma", content, "volume 41", GEOMETRY)


def written(write):
    """Return the bytes that a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


VOXELS = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
# HDF5 is left out: its library can crash on damaged files.
ARRAYS = {
    ".npy": written(lambda file: np.save(file, VOXELS)),
    ".npz": written(lambda file: np.savez_compressed(file, gt=VOXELS)),
    ".tif": written(lambda file: tifffile.imwrite(file, VOXELS, imagej=True)),
    ".png": written(lambda file: Image.fromarray(VOXELS[0]).save(file, "png")),
}


@pytest.mark.parametrize("suffix", ARRAYS)
@fuzz
@given(program=programs)
@pytest.mark.filterwarnings("ignore")
def test_an_array_of_any_bytes(tmp_path_factory, suffix, program):
    folder = tmp_path_factory.getbasetemp() / suffix
    folder.mkdir(exist_ok=True)
    (folder / f"z1{suffix}").write_bytes(mutate(ARRAYS[suffix], program))
    inside = "::gt" if suffix == ".npz" else ""
    source = folder if suffix == ".png" else folder / f"z1{suffix}"
    with refused_by_name:
        open_array(f"{source}{inside}").read()


CHUNKS = {
    "info": {
        "type": "segmentation",
        "data_type": "uint16",
        "num_channels": 1,
        "scales": [
            {
                "key": "a",
                "encoding": "raw",
                "chunk_sizes": [[5, 4, 3]],
                "resolution": [4, 4, 40],
                "voxel_offset": [1, 2, 3],
                "size": [5, 4, 3],
            }
        ],
    },
    "attributes.json": {
        "dimensions": [5, 4, 3],
        "blockSize": [5, 4, 3],
        "dataType": "uint16",
        "compression": {"type": "gzip"},
        "pixelResolution": {"unit": "um", "dimensions": [0.004, 0.004, 0.04]},
        "downsamplingFactors": [1, 1, 1],
        "units": ["nm", "nm", "nm"],
        "offset": [4, 4, 40],
        "axes": ["x", "y", "z"],
    },
    "zarr.json": {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            "ome": {
                "version": "0.5",
                "multiscales": [
                    {
                        "axes": [{"name": axis, "unit": "nanometer"} for axis in "zyx"],
                        "datasets": [
                            {
                                "path": "s0",
                                "coordinateTransformations": [
                                    {"type": "scale", "scale": [40, 4, 4]},
                                    {"type": "translation", "translation": [4, 4, 4]},
                                ],
                            }
                        ],
                    }
                ],
            }
        },
    },
}
FORMS = {"info": "precomputed", "attributes.json": "n5", "zarr.json": "zarr"}


@pytest.mark.parametrize("name", CHUNKS)
@fuzz
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_chunks_of_any_metadata(tmp_path_factory, name, data):
    folder = tmp_path_factory.getbasetemp() / f"{name} of chunks"
    if not folder.exists():
        write_zarr3_level(folder / "s0", VOXELS)
    (folder / name).write_text(json.dumps(data.draw(changed(CHUNKS[name]))))
    with refused_by_name:
        opened = open_array(f"{FORMS[name]}://{folder}")
        if opened.array.shape == VOXELS.shape:
            opened.read()


@fuzz
@given(mutants(struct.pack("<HHf", 3, 65535, 0.5) * 3))
def test_a_graph_of_any_bytes(content):
    with refused_by_name:
        check_file("segmentation.graph", content, "volume 41", GEOMETRY)


MODEL = NetworkSettings(
    title="m", context="ancestors", context_channels=1, loops=3, image="raw"
)
CHECKPOINT = {
    "format": FORMAT,
    "model_settings": asdict(MODEL),
    "training_settings": complete_training(DEFAULT, "lwunet"),
    "provenance": {"index": "abc"},
}
WEIGHTS = LWUNet.from_settings(MODEL).state_dict()
ODD_TENSORS = [
    torch.zeros(()), torch.zeros(16), torch.zeros(16, dtype=torch.int64),
    torch.zeros(16, dtype=torch.complex64), torch.zeros(1).expand(16),
    torch.full((16,), torch.nan), torch.zeros(16).to_sparse(), torch.zeros(0),
    torch.zeros(16, dtype=torch.bfloat16), None, "text", [0.0] * 16,
]  # fmt: skip


def checkpoint():
    buffer = io.BytesIO()
    torch.save(CHECKPOINT | {"weights": WEIGHTS}, buffer)
    return buffer.getvalue()


WHOLE = checkpoint()


@fuzz
@given(programs)
def test_a_checkpoint_of_any_bytes(tmp_path_factory, program):
    path = tmp_path_factory.getbasetemp() / "checkpoint.pt"
    # The pickle comes first, the list of members last, the weights between them.
    path.write_bytes(mutate(WHOLE, program, near=3000))
    with refused_by_name:
        load_checkpoint(path)


@fuzz
@given(changed(CHECKPOINT), st.binary(min_size=4, max_size=4))
def test_a_checkpoint_of_any_content(tmp_path_factory, content, choice):
    path = tmp_path_factory.getbasetemp() / "checkpoint.pt"
    name = [*WEIGHTS, "other"][choice[0] % 13]
    weights = {name: ODD_TENSORS[choice[1] % len(ODD_TENSORS)]} if choice[2] & 1 else {}
    with refused_by_name:
        save_plain(path, as_reply(content) | {"weights": WEIGHTS | weights})
        load_checkpoint(path, settings=MODEL if choice[3] & 1 else None)


@fuzz
@given(changed(DEFAULT))
def test_a_config_of_any_values(config):
    with refused_by_name:
        check_config(config, SCHEMA)
        volume_geometry(config)
        settings_hash(config)
        for model in plan_models(config).values():
            assert model.settings.title == config["models"][model.name]["title"]
