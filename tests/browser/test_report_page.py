"""The page of a finished workflow, as a browser shows it."""

import html
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from eyewire_validator.report.wording import HEADINGS

CHROMIUM = shutil.which("chromium")
PAGE = "results/report/index.html"
DESKTOP, PHONE = (1200, 1400), (390, 844)

# The page itself allows no script; a copy of it tells what the browser made of it, to
# the page that frames it: windows have a least width, frames do not.
PROBE = """<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((chapter) => { chapter.open = true })
  parent.postMessage(JSON.stringify({
    width: innerWidth,
    needed: document.documentElement.scrollWidth,
    images: [...document.images].map((image) => image.naturalWidth),
  }), "*")
})
</script>"""
FRAME = """<!DOCTYPE html><title></title>
<script>addEventListener("message", (told) => {{ document.title = told.data }})</script>
<iframe src="index.html" width="{}" height="{}" frameborder="0"></iframe>"""

Browse = Callable[..., bytes]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a browser: apt-get install chromium"
)


@pytest.fixture
def browse(tmp_path) -> Browse:
    """Return a function that opens a page in headless Chromium."""

    def open_page(page: Path, size: tuple[int, int], *options: str) -> bytes:
        command = [CHROMIUM, "--headless", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={tmp_path / 'profile'}"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        command += [f"--window-size={size[0]},{size[1]}", *options, page.as_uri()]
        done = subprocess.run(command, capture_output=True, check=True, timeout=600)
        return done.stdout

    return open_page


@pytest.fixture(scope="module")
def probed(finished, tmp_path_factory) -> Path:
    """A copy of the page that measures itself."""
    copy = tmp_path_factory.mktemp("probed") / "index.html"
    page = (finished / PAGE).read_text(encoding="utf-8")
    open_to_scripts = re.sub(r"<meta http-equiv=.*?>", PROBE, page, count=1)
    assert open_to_scripts != page
    copy.write_text(open_to_scripts, encoding="utf-8")
    return copy


def measure(browse: Browse, page: Path, size: tuple[int, int]) -> dict:
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.format(*size), encoding="utf-8")
    dom = browse(frame, DESKTOP, "--dump-dom", "--virtual-time-budget=10000").decode()
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    return json.loads(html.unescape(title[1]))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_first_screen_is_not_blank(finished, browse, tmp_path, size):
    screenshot = tmp_path / "screen.png"
    browse(finished / PAGE, size, f"--screenshot={screenshot}")
    with Image.open(io.BytesIO(screenshot.read_bytes())) as image:
        assert image.size == size
        ink = image.convert("L").point(lambda grey: 255 * (grey < 128)).getbbox()
    assert ink is not None
    left, top, right, bottom = ink
    assert right - left > 0.8 * size[0]
    assert bottom - top > 0.8 * size[1]


def test_it_shows_the_table_in_sections_and_the_verdict(finished, browse):
    dom = browse(finished / PAGE, DESKTOP, "--dump-dom").decode()
    table = dom.split('<section id="table"')[1].split("</table>")[0]
    bodies = re.findall(r'<tbody class="(\w+)">(.*?)</tbody>', table, re.DOTALL)
    assert [standing for standing, _ in bodies] == list(HEADINGS)
    for standing, body in bodies:
        assert HEADINGS[standing] in body
    assert ">seed only<" in bodies[0][1]
    assert "LEAKED: as published" in bodies[2][1]
    header = dom.split("<header>")[1].split("</header>")[0]
    assert re.search(r"On n = \d+ tasks of \d+ cells", header)
    assert "as expected" in header
    assert "“as published” fails, as it must" in header


def test_every_picture_is_there(finished, browse, probed):
    figures = set((finished / "results/figures").rglob("*.png"))
    widths = measure(browse, probed, DESKTOP)["images"]
    assert len(widths) == len(figures)
    assert min(widths) > 0


def test_nothing_sticks_out_on_a_phone(browse, probed):
    found = measure(browse, probed, PHONE)
    assert found["width"] == PHONE[0]
    assert found["needed"] <= found["width"]


def test_it_is_light_enough_to_send(finished):
    assert (finished / PAGE).stat().st_size < 8_000_000
