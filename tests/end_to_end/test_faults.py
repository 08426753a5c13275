"""Every fault against every kind of request: nothing is lost, nothing made up.

``python tests/end_to_end/test_faults.py`` measures again, prints the tables and writes
them to docs/faults.md; the test holds them against what it measures.
"""

import asyncio
import json
import lzma
import os
import re
import tempfile
import textwrap
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyewire_validator.acquire.api.client import ApiSettings, open_client
from eyewire_validator.acquire.cells import download_cell
from eyewire_validator.acquire.volumes import download_volume
from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.sandbox.service import wire_faults
from eyewire_validator.sandbox.service.application import create_application
from eyewire_validator.sandbox.service.faults import Fault, FaultyApplication
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RAW_EDGE, RawVolume

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
GEOMETRY = VolumeGeometry(size=8, overlap=4, factor=4)
TOKEN = "right"
# So many cases are measured at the same time, each on a cell and a volume of its own.
PLACES = 8


def cell_at(place):
    return 100 + place


def tasks_at(place):
    return [1000 + 10 * place + number for number in range(3)]


def volume_at(place):
    return 501 + 2 * place


@dataclass(frozen=True)
class Kind:
    """A kind of request: its paths, with names of ids, and the faults it may meet."""

    path: str
    faults: dict

    def paths_at(self, place):
        tasks = "|".join(map(str, tasks_at(place)))
        return self.path.format(cell_at(place), f"({tasks})", volume_at(place))

    @property
    def is_of_cell(self):
        return self.path.startswith("/1.0")


JSON = wire_faults.ANY_FAULTS | wire_faults.JSON_FAULTS
FILE = wire_faults.ANY_FAULTS | wire_faults.FILE_FAULTS
KINDS = {
    "task list": Kind("/1.0/cell/{0}/tasks$", JSON),
    "task": Kind("/1.0/task/{1}$", JSON),
    "aggregate": Kind("/1.0/task/{1}/aggregate$", JSON),
    "image slice": Kind("-{2}/jpg/", FILE | wire_faults.IMAGE_FAULTS),
    "segmentation": Kind(
        "-{2}/segmentation.lzma$", FILE | wire_faults.SEGMENTATION_FAULTS
    ),
    "graph": Kind("-{2}/segmentation.graph$", FILE),
}
# When a fault hits: (first, every).
PASSING, LASTING, FLAPPING = (2, 1), (float("inf"), 1), (float("inf"), 2)
TITLES = {
    PASSING: "Passing: the first two requests for each path are hit",
    LASTING: "Lasting: all requests of the kind are hit",
    FLAPPING: "Flapping: every other request for each path is hit",
}


def settings(address):
    return ApiSettings(
        base_url=address,
        storage_hosts=["127.0.0.1"],
        requests_per_second=1,
        jobs=1,
        storage_requests_per_second=1,
        storage_jobs=1,
        concurrent_requests=4 * PLACES,
        tries=4,
        max_wait=0.02,
        connect_timeout=5,
        read_timeout=1,
        reply_timeout=2,
        failures_in_a_row=1,
    )


def draw_sandbox(folder):
    """Cells of three tasks, each with a volume: segment 9 in segment 2."""
    corner = {"x": 0, "y": 0, "z": 0}
    bounds = {"min": corner, "max": dict(zip("zyx", GEOMETRY.size, strict=True))}
    tasks = {task: place for place in range(PLACES) for task in tasks_at(place)}
    records = {
        "cells": {},
        "cell_tasks": {
            cell_at(place): {
                "tasks": [{"id": task, "bounds": bounds} for task in tasks_at(place)]
            }
            for place in range(PLACES)
        },
        "tasks": {task: draw_task(task, place) for task, place in tasks.items()},
        "aggregates": {
            task: {"segments": {"2": 0.25, "9": 1}, "weight": 3} for task in tasks
        },
    }
    (folder / "api").mkdir(parents=True)
    for name, content in records.items():
        (folder / "api" / f"{name}.json").write_text(json.dumps(content))
    for place in range(PLACES):
        draw_volume(folder / "bucket" / folder_name(volume_at(place)))


def folder_name(volume):
    return f"e2198_compressed/Volume-{volume - 1}-{volume}/"


def draw_task(task, place):
    volume = volume_at(place)
    return {
        "id": task,
        "cell": cell_at(place),
        "parent": None,
        "status": 0,
        "prior": {"segments": {"9": 1}},
        "data": {"channel": {"id": volume - 1}, "segmentation": {"id": volume}},
        "full_path": folder_name(volume),
    }


def draw_volume(folder):
    (folder / "jpg").mkdir(parents=True)
    z, y, _ = np.indices(GEOMETRY.size)
    for number, plane in enumerate((z * 8 + y).astype(np.uint8)):
        Image.fromarray(plane).save(folder / "jpg" / f"{number}.jpg", quality=90)
    segmentation = np.where(z < 4, 9, 2).astype("<u2").tobytes()
    packed = lzma.compress(segmentation, lzma.FORMAT_ALONE)
    (folder / "segmentation.lzma").write_bytes(packed)
    edges = np.array([(2, 9, 0.5), (9, 2, 0.25)], RAW_EDGE)
    (folder / "segmentation.graph").write_bytes(edges.tobytes())


class Bench:
    """Downloads from a service with faults, and tells what became of it."""

    def __init__(self, client, application, address):
        self.client = client
        self.application = application
        self.address = address

    async def outcome(self, kind, fault, times, place):
        """What becomes of an item when a fault hits; later it must be complete."""
        kind = KINDS[kind]
        wanted = await self.download(kind, place)
        first, every = times
        fault_at_place = Fault(fault, kind.paths_at(place), first, every)
        self.application.faults.append(fault_at_place)
        try:
            found = await self.download(kind, place)
        except EyewireValidatorError as error:
            found = error
        self.application.faults.remove(fault_at_place)
        if found == wanted:
            return "same"
        assert await self.download(kind, place) == wanted, "not completed later"
        return self.name(found, wanted, place)

    def name(self, found, wanted, place):
        if isinstance(found, Exception):
            tasks = "|".join(map(str, tasks_at(place)))
            item = f"cell {cell_at(place)}|task ({tasks})|volume {volume_at(place)}"
            assert re.match(item, str(found)), str(found)
            assert "\n" not in str(found)
            assert TOKEN not in str(found)
            return type(found).__name__
        different = [part for part in wanted if found[part] != wanted[part]]
        assert different == ["graph"], f"{different} changed without a word"
        assert found["graph"] is None, "graph changed without a word"
        return "no graph"

    async def download(self, kind, place):
        """Return the content by name."""
        if kind.is_of_cell:
            cell = await download_cell(self.client, cell_at(place))
            return {"table": cell.table.to_json()}
        volume = volume_at(place)
        url = f"{self.address}/storage/{folder_name(volume)}"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await download_volume(self.client, volume, url, folder, GEOMETRY)
            raw = RawVolume(folder, volume, GEOMETRY)
            edges = raw.edges()
            return {
                "image": raw.image().tobytes(),
                "segmentation": raw.segmentation().tobytes(),
                "graph": edges.tolist() or None,
            }


def measure(folder, serving):
    """Return the outcome of every case; ``serving`` is that of conftest.py."""
    draw_sandbox(folder)
    cases = deque(all_cases())
    outcomes = {}

    async def work(bench, place):
        while cases:
            case = times, fault, kind = cases.popleft()
            try:
                outcomes[case] = await bench.outcome(kind, fault, times, place)
            except AssertionError as error:
                outcomes[case] = f"WRONG: {error}"

    async def work_at_all_places(application, address):
        async with (
            open_client(
                settings(address),
                token=TOKEN,
                requests_per_second=float("inf"),
                failures=Path(os.devnull),
                sandbox=None,
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            bench = Bench(client, application, address)
            for place in range(PLACES):
                group.create_task(work(bench, place))

    application = FaultyApplication(create_application(folder, TOKEN))
    with serving(application) as address:
        asyncio.run(work_at_all_places(application, address))
    return {case: outcomes[case] for case in all_cases()}


def all_cases():
    for times in (PASSING, LASTING):
        for fault in wire_faults.FAULTS:
            for kind in KINDS:
                if fault in KINDS[kind].faults:
                    yield times, fault, kind
    for kind in KINDS:
        yield FLAPPING, "502 with HTML", kind


def written(outcomes):
    """The section of docs/faults.md that says what was measured."""
    lines = []
    for times, title in TITLES.items():
        lines += [f"### {title}", "", f"| fault | {' | '.join(KINDS)} |"]
        lines += ["|---" * (len(KINDS) + 1) + "|"]
        of_times = {
            case[1:]: name for case, name in outcomes.items() if case[0] == times
        }
        for fault in dict.fromkeys(fault for fault, _ in of_times):
            names = " | ".join(of_times.get((fault, kind), "") for kind in KINDS)
            lines.append(f"| {fault} | {names} |")
        counts = Counter(of_times.values()).most_common()
        shown = ", ".join(f"{count} {name}" for name, count in counts)
        total = f"{len(of_times)} cases: {shown}."
        lines += ["", *textwrap.wrap(total, width=100), ""]
    return "\n".join(lines)


START, END = "<!-- measured -->\n", "<!-- end of measured -->\n"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, serving):
    return measure(tmp_path_factory.mktemp("sandbox"), serving)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_and_nothing_made_up(outcomes, kind):
    of_kind = {case: name for case, name in outcomes.items() if case[2] == kind}
    assert of_kind
    assert [case for case, name in of_kind.items() if "WRONG" in name] == []


@pytest.mark.parametrize("times", [FLAPPING, PASSING])
def test_what_passes_changes_nothing_unless_it_speaks_of_the_token(outcomes, times):
    at_once = {
        name for case, name in outcomes.items() if case[0] == times and name != "same"
    }
    assert at_once <= {"AuthError", "ApiError", "MalformedReplyError"}


def test_the_document_says_what_was_measured(outcomes):
    documented = DOCUMENT.read_text().split(START)[1].split(END)[0]
    assert documented == written(outcomes), f"run: python {Path(__file__).name}"


def main():
    from conftest import serving

    with tempfile.TemporaryDirectory() as folder:
        text = written(measure(Path(folder), serving))
    print(text)
    before, rest = DOCUMENT.read_text().split(START)
    after = rest.split(END)[1]
    DOCUMENT.write_text(f"{before}{START}{text}{END}{after}")


if __name__ == "__main__":
    main()
