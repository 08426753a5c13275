"""Attacks by a service, a file or a config: refused by name, at bounded cost."""

import asyncio
import csv
import gzip
import io
import json
import lzma
import math
import os
import resource
import struct
import zipfile
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import httpx
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from snakemake.utils import update_config

from eyewire_validator.acquire.api import client as client_module
from eyewire_validator.acquire.api.breaker import Breaker
from eyewire_validator.acquire.api.client import ApiSettings, EyewireClient
from eyewire_validator.acquire.api.limiter import Limiter
from eyewire_validator.acquire.api.replies import parse_task, parse_task_list
from eyewire_validator.acquire.registry import RegistrySettings, read_registry
from eyewire_validator.config.check import check_config
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.errors import (
    ApiError,
    AuthError,
    ConfigError,
    FileError,
    MalformedReplyError,
    ModelError,
    VolumeError,
)
from eyewire_validator.figures import Heading, draw_no_task, save_figure
from eyewire_validator.learning.tensor_files import save_plain
from eyewire_validator.models.checkpoint import (
    FORMAT,
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.storage.files import decompress
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import make_frame
from eyewire_validator.tasks.index import build_index
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.voxel_network.lwunet import LWUNet

MIB = 1 << 20
TOKEN = "s3cret-t0ken"
CONFIG = Path(__file__).resolve().parents[2] / "config"
DEFAULT: dict = {}
for name in ("defaults", "config"):
    update_config(DEFAULT, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
SETTINGS = ApiSettings(**DEFAULT["api"])
BUCKET = "https://storage.googleapis.com/e2198_compressed/Volume-1-2/"


class Service:
    """Gives one answer to everybody, and remembers who asked for what."""

    def __init__(self, **answer):
        self.answer = answer
        self.requests = []

    def respond(self, request):
        self.requests.append(request)
        return httpx.Response(**{"status_code": 200, **self.answer})

    def ask(self, ask):
        async def run():
            transport = httpx.MockTransport(self.respond)
            base_url = SETTINGS.base_url
            async with httpx.AsyncClient(
                base_url=base_url, transport=transport
            ) as http:
                limiter = Limiter(float("inf"))
                breaker = Breaker(Path(os.devnull), 1)
                client = EyewireClient(
                    SETTINGS, http, TOKEN, limiter, breaker, self.do_not_wait
                )
                return await ask(client)

        return asyncio.run(run())

    async def do_not_wait(self, seconds):
        """Sleep no time between two tries."""

    def task(self):
        return self.ask(lambda client: client.task(31))

    def fetch(self, url):
        return self.ask(lambda client: client.fetch(url, "volume 2"))


def json_answer(content, **headers):
    return {
        "content": content,
        "headers": {"Content-Type": "application/json", **headers},
    }


@pytest.mark.parametrize(
    "full_path",
    [
        "https://evil.example/Volume-1-2/",
        "https://storage.googleapis.com.evil.example/Volume-1-2/",
        "https://storage.googleapis.com@evil.example/Volume-1-2/",
        "https://evil.example/storage.googleapis.com/",
        "https://evil.example\\@storage.googleapis.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://eyewire.org/1.0/task/31/",
        "http://storage.googleapis.com/Volume-1-2/",
        "https://storage.googleapis.com:8443/Volume-1-2/",
        "ftp://storage.googleapis.com/Volume-1-2/",
        "file:///etc/",
        "gopher://storage.googleapis.com/",
        "//evil.example/",
        "/1.0/task/31/",
        "../../../1.0/",
        "javascript:alert(1)",
        "https://storage.googleapis.com\r\nHost: evil.example/",
        "https://[",
    ],
)
def test_full_path_on_another_host_or_scheme_is_never_asked(full_path):
    service = Service(content=b"x")
    with pytest.raises(ApiError, match=r"^volume 2: "):
        service.fetch(f"{full_path}jpg/0.jpg")
    assert service.requests == []


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://evil.example/", "//evil.example/", "/"])
def test_redirects_are_followed_by_neither_token_nor_request(status_code, location):
    service = Service(status_code=status_code, headers={"Location": location})
    with pytest.raises(AuthError, match=f"HTTP {status_code}"):
        service.task()
    with pytest.raises(ApiError, match=f"HTTP {status_code}, expected 200"):
        service.fetch(BUCKET)
    hosts = [request.url.host for request in service.requests]
    assert hosts == ["eyewire.org", "storage.googleapis.com"]
    assert TOKEN not in str(service.requests[1].url)


class Endless(httpx.AsyncByteStream):
    """A body that goes on for a gigabyte, and counts what was read of it."""

    def __init__(self):
        self.read = 0

    async def __aiter__(self):
        while self.read < 1 << 30:
            self.read += MIB
            yield b" " * MIB


@pytest.mark.parametrize(
    ("ask", "limit"),
    [
        (Service.task, client_module.MAX_JSON),
        (lambda service: service.fetch(BUCKET), client_module.MAX_FILE),
    ],
)
def test_a_reply_of_a_gigabyte_is_not_read_to_its_end(ask, limit):
    body = Endless()
    json_type = {"Content-Type": "application/json"}
    with pytest.raises(MalformedReplyError, match=f"longer than {limit // MIB} MiB"):
        ask(Service(stream=body, headers=json_type))
    assert body.read == limit + MIB


def test_a_small_reply_that_unpacks_to_a_long_one_is_refused():
    packed = gzip.compress(bytes(client_module.MAX_JSON + 1))
    assert len(packed) < MIB
    with pytest.raises(MalformedReplyError, match="longer than 16 MiB"):
        Service(**json_answer(packed, **{"Content-Encoding": "gzip"})).task()


def test_a_reply_that_is_packed_more_than_once_is_refused():
    twice = {"Content-Encoding": "gzip, gzip"}
    with pytest.raises(MalformedReplyError, match="packed as gzip, gzip"):
        Service(**json_answer(gzip.compress(gzip.compress(b"{}")), **twice)).task()


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_nested_100_000_deep_is_refused(opening):
    with pytest.raises(MalformedReplyError, match="task 31: the reply is not JSON"):
        Service(**json_answer(opening * 100_000)).task()


def test_a_number_of_a_million_digits_is_refused():
    reply = b'{"id": ' + b"9" * MIB + b"}"
    with pytest.raises(MalformedReplyError, match="task 31: the reply is not JSON"):
        Service(**json_answer(reply)).task()


def test_numbers_that_json_does_not_know_reach_nobody():
    reply = json.dumps({"id": float("nan")}).encode()
    assert str(Service(**json_answer(reply)).task()["id"]) == "nan"


# What the API may say of task 31 of cell 7, with one value changed.
TASK = {
    "id": 31,
    "cell": 7,
    "parent": 30,
    "prior": {"segments": {"5": 1}},
    "data": {"channel": {"id": 40}, "segmentation": {"id": 41}},
    "full_path": BUCKET,
}
AGGREGATE = {"segments": {"5": 1}, "task_family": {"children": []}}


def parse(task=TASK, aggregate=AGGREGATE):
    return parse_task(7, 31, {"id": 31}, task, aggregate)


BAD_IDS = [2**63, -1, 10**4000, "9" * 5000, 1e300, math.inf, "../../../etc", "5\n", "٣"]


@pytest.mark.parametrize("bad_id", BAD_IDS)
def test_ids_beyond_int64_or_with_a_path_in_them_are_refused(bad_id):
    volume = {"segmentation": {"id": bad_id}}
    with pytest.raises(MalformedReplyError, match=r"segmentation.id is .*whole number"):
        parse(task=TASK | {"data": volume})
    with pytest.raises(MalformedReplyError, match=r"task list: id is .*whole number"):
        parse_task_list({"tasks": [{"id": bad_id}]}, 7)
    with pytest.raises(MalformedReplyError, match="whole number"):
        parse(aggregate={"segments": {str(bad_id)[:4000]: 1}})


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 10**400, "nan"])
def test_weights_that_are_not_finite_are_refused(weight):
    with pytest.raises(MalformedReplyError, match="weight of segment 5 is"):
        parse(aggregate={"segments": {"5": weight}})


@pytest.mark.parametrize(
    "full_path", ["https://host/\ud800/", "https://host/\nTOKEN/", "\x1b[2J", "ä"]
)
def test_text_that_could_garble_a_log_is_no_full_path(full_path):
    with pytest.raises(MalformedReplyError, match=r"full_path is .* expected a URL"):
        parse(task=TASK | {"full_path": full_path})


@pytest.mark.parametrize("children", [5, 1.5, "12", {"1": 2}, True])
def test_children_of_another_form_are_refused(children):
    with pytest.raises(MalformedReplyError, match="children is"):
        parse(aggregate={"segments": {}, "task_family": {"children": children}})


def test_segments_beyond_the_volumes_select_nothing_and_exclude_the_task():
    ids = np.array([-1, 0, 1, 65535, 65536, 65537, 2**40, 2**63 - 1])
    coarse = CoarseVolume(np.zeros((1, 1, 2), np.uint8), np.array([[[0, 1]]], "u2"))
    assert coarse.mask(ids).tolist() == [[[False, True]]]
    far = str(2**63 - 1)
    row = parse(aggregate={"segments": {"5": 1, "65541": 1, far: 1}})
    of_volume = pd.DataFrame({"segment": [5], "coarse_voxels": [3]})
    index = build_index(make_frame([row], CELL_TASKS), [(41, of_volume)])
    assert index["excluded"].item() == "names a segment that its volume lacks"
    assert index["aggregate_voxels"].item() == 3


FILTERS = RegistrySettings(["Completed"], [], 1, ["mystic"], "keep")
SCRIPT = "<script>alert(1)</script>"
NESTED = "[" * 60_000 + "]" * 60_000


@pytest.mark.parametrize(
    ("column", "text", "kept"),
    [
        ("Cell ID", "../../etc", False),
        ("Cell ID", "9" * 40, False),
        ("Cell ID", "-5", False),
        ("Name", "../../../etc/passwd", True),
        ("Name", SCRIPT, True),
        ("Tags", NESTED, True),
        ("Tags", NESTED.replace("]", '"mystic"]', 1), False),
    ],
)
def test_a_hostile_row_of_the_registry_harms_no_other(tmp_path, column, text, kept):
    row = {"Cell ID": 5, "Name": "a", "Status": "Completed", "Size": 9, "Tags": "{}"}
    path = tmp_path / "cells.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerows([row | {"Cell ID": 4}, row | {column: text}])
    registry = read_registry([path], FILTERS)
    assert registry["kept"].tolist() == [True, kept]


def test_no_text_of_the_registry_is_among_what_the_report_shows(tmp_path):
    """Of a cell left out it shows the reason, and of one that is kept, its id."""
    path = tmp_path / "cells.csv"
    names = dict.fromkeys(("Name", "Status", "Size", "Tags"), SCRIPT)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Cell ID", *names])
        writer.writerow([SCRIPT, *names.values()])
        writer.writerow([4, SCRIPT, "Completed", 9, SCRIPT])
    registry = read_registry([path], FILTERS)
    assert registry["name"].tolist() == [SCRIPT, SCRIPT]
    assert registry["reason"].fillna("kept").tolist() == ["status", "kept"]
    assert registry["cell"].tolist() == [-1, 4]


@pytest.mark.parametrize(
    "title", [SCRIPT, r"$\frac{1}{0$", "--><script>alert(1)</script>"]
)
def test_a_hostile_title_is_mere_text_in_a_figure(tmp_path, title):
    figure = draw_no_task(Heading(title, "", leaked=False), 5)
    save_figure(figure, tmp_path / "figure")
    svg = ElementTree.parse(tmp_path / "figure.svg")
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert "path" in tags
    assert not {"script", "image", "a", "foreignObject"} & tags
    assert (tmp_path / "figure.png").stat().st_size > 1000


@pytest.fixture
def few_megabytes():
    """Leave 160 MiB of address space beyond what is taken by now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + 160 * MIB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def bomb(container):
    """Pack 256 MiB into a few kilobytes."""
    packer = lzma.LZMACompressor(container, preset=0)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()


@pytest.mark.parametrize("container", [lzma.FORMAT_ALONE, lzma.FORMAT_XZ])
def test_an_lzma_bomb_is_not_unpacked(few_megabytes, container):
    packed = bomb(container)
    assert len(packed) < MIB
    with pytest.raises(FileError, match="unpacks to more than the expected 1048576"):
        decompress(packed, MIB)


def test_an_lzma_header_cannot_claim_the_memory(few_megabytes):
    packed = lzma.compress(b"abc", lzma.FORMAT_ALONE)
    asks_for_4_gib = packed[:1] + struct.pack("<I", 2**32 - 1) + packed[5:]
    with pytest.raises(FileError, match=r"not lzma data .Memory usage limit exceeded"):
        decompress(asks_for_4_gib, 3)


def raw_volume(folder, slice_):
    (folder / "jpg").mkdir()
    (folder / "jpg" / "0.jpg").write_bytes(slice_)
    return RawVolume(folder, 41, VolumeGeometry(size=256, overlap=32, factor=4))


def jpeg(edge, **options):
    buffer = io.BytesIO()
    Image.new("L", (edge, edge)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("edge", [60_000, 12_000, 257])
def test_a_jpeg_of_60_000_by_60_000_is_not_unpacked(few_megabytes, tmp_path, edge):
    small = jpeg(256)
    size = small.index(b"\xff\xc0") + 5
    large = small[:size] + struct.pack(">HH", edge, edge) + small[size + 4 :]
    with pytest.raises(VolumeError, match=r"volume 41: .*0\.jpg: .*; expected"):
        raw_volume(tmp_path, large).image()


def test_a_jpeg_of_a_million_scans_is_not_decoded(tmp_path):
    content = jpeg(256, progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    long = content[:-2] + scan * 10**6 + content[-2:]
    with pytest.raises(VolumeError, match=r"bytes; expected at most 196608"):
        raw_volume(tmp_path, long).image()


SETTINGS_OF_MODEL = NetworkSettings(
    title="m", context="ancestors", context_channels=1, loops=3, image="raw"
)


def checkpoint(path, **changes):
    weights = LWUNet.from_settings(SETTINGS_OF_MODEL).state_dict()
    content = {
        "format": FORMAT,
        "model_settings": asdict(SETTINGS_OF_MODEL),
        "training_settings": None,
        "provenance": {},
        "weights": weights,
    }
    save_plain(path, content | changes)
    return path


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return Path.mkdir, (self.folder,)


def test_a_checkpoint_with_a_pickle_payload_is_refused_and_nothing_is_run(tmp_path):
    payload = Payload(tmp_path / "harm")
    path = checkpoint(tmp_path / "checkpoint.pt", provenance={"index": payload})
    with pytest.raises(ModelError, match="nothing in it was run"):
        load_checkpoint(path)
    assert not payload.folder.exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_checkpoint_with_nan_weights_is_refused(tmp_path, value):
    model = LWUNet.from_settings(SETTINGS_OF_MODEL)
    with torch.no_grad():
        model.c1.bias[3] = value
    save_checkpoint(tmp_path / "c.pt", model, CheckpointInfo(SETTINGS_OF_MODEL))
    with pytest.raises(ModelError, match=r"c1\.bias are not all finite"):
        load_checkpoint(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        (torch.zeros(16, dtype=torch.int64), "torch.int64"),
        (torch.zeros(16, dtype=torch.complex64), "torch.complex64"),
        (torch.zeros(16).to_sparse(), "torch.sparse_coo"),
        (torch.zeros(1).expand(16), "repeat what they hold"),
        (torch.zeros(5), "shape"),
        ("text", "shape <class 'str'>"),
    ],
)
def test_a_checkpoint_with_other_weights_is_refused(tmp_path, weight, found):
    weights = LWUNet.from_settings(SETTINGS_OF_MODEL).state_dict() | {"c1.bias": weight}
    path = checkpoint(tmp_path / "checkpoint.pt", weights=weights)
    with pytest.raises(ModelError, match=rf"c1\.bias .*{found}"):
        load_checkpoint(path)


def test_a_checkpoint_with_more_than_weights_is_refused(tmp_path):
    weights = LWUNet.from_settings(SETTINGS_OF_MODEL).state_dict() | {"more": None}
    path = checkpoint(tmp_path / "checkpoint.pt", weights=weights)
    with pytest.raises(ModelError, match=r"weights more have shape .*NoneType"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"model_settings": ["no", "mapping"]},
        {"model_settings": asdict(SETTINGS_OF_MODEL) | {"context_channels": 10**9}},
        {"model_settings": asdict(SETTINGS_OF_MODEL) | {"loops": "3"}},
        {"model_settings": asdict(SETTINGS_OF_MODEL) | {"title": torch.zeros(3)}},
        {"training_settings": {"epochs": torch.zeros(3)}},
        {"training_settings": [1]},
        {"provenance": ["no", "mapping"]},
        {"weights": None},
    ],
)
def test_a_checkpoint_with_other_settings_is_refused(tmp_path, changes):
    with pytest.raises(ModelError, match=r"checkpoint\.pt: "):
        load_checkpoint(checkpoint(tmp_path / "checkpoint.pt", **changes))


def test_a_checkpoint_that_unpacks_to_256_mib_is_refused(few_megabytes, tmp_path):
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        with archive.open("archive/data/0", "w") as member:
            for _ in range(256):
                member.write(bytes(MIB))
    with pytest.raises(ModelError, match="is compressed"):
        load_checkpoint(path)


SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("evaluation", "threshold", math.nan),
        ("api", "max_wait", math.inf),
        ("report", "resamples", 2.0),
        ("report", "resamples", True),
        ("models", "../../etc", {"title": "a", "kind": "empty"}),
        ("models", "a\n", {"title": "a", "kind": "empty"}),
        ("models", 5, {"title": "a", "kind": "empty"}),
        ("models", "a", {"title": "a\x1b[2J", "kind": "empty"}),
        ("models", "a", {"title": "a\x00", "kind": "empty"}),
        ("api", "base_url", "https://eyewire.org\n.evil.example"),
        ("api", "base_url", "https://eyewire.org@evil.example"),
    ],
)
def test_a_config_value_that_could_do_harm_is_refused(section, key, value):
    config = deepcopy(DEFAULT)
    config[section][key] = value
    with pytest.raises(ConfigError, match=f"config: {section}"):
        check_config(config, SCHEMA)


def test_a_config_nested_without_end_is_refused():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    config = DEFAULT | {"source": nested}
    with pytest.raises(ConfigError, match="nested too deep"):
        check_config(config, SCHEMA)
    # Python would count down the list in as many calls.
    while nested:
        nested = nested.pop()
