"""The page of a finished workflow, as a browser shows it."""

import io
import re

import pytest
from PIL import Image

from eyewire_validator.report.wording import HEADINGS

PAGE = "results/report/index.html"
DESKTOP, PHONE = (1200, 1400), (390, 844)


@pytest.fixture
def browse(finished, tab):
    """Return a function that opens the page in a window of a size."""

    def open_page(size):
        tab.resize(*size)
        return tab.open((finished / PAGE).as_uri())

    return open_page


def open_chapters(tab):
    """Open what is folded, and wait for the pictures in it."""
    tab.run("document.querySelectorAll('details').forEach((part) => part.open = true)")
    tab.wait_for("[...document.images].every((image) => image.complete)")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_first_screen_is_not_blank(browse, size):
    with Image.open(io.BytesIO(browse(size).screenshot())) as image:
        assert image.size == size
        ink = image.convert("L").point(lambda grey: 255 * (grey < 128)).getbbox()
    assert ink is not None
    left, top, right, bottom = ink
    assert right - left > 0.8 * size[0]
    assert bottom - top > 0.8 * size[1]


def test_it_shows_the_table_in_sections_and_the_verdict(browse):
    dom = browse(DESKTOP).run("document.documentElement.outerHTML")
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


def test_every_picture_is_there(finished, browse):
    figures = set((finished / "results/figures").rglob("*.png"))
    page = browse(DESKTOP)
    open_chapters(page)
    widths = page.run("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) == len(figures)
    assert min(widths) > 0


def test_nothing_sticks_out_on_a_phone(browse):
    page = browse(PHONE)
    open_chapters(page)
    assert page.run("innerWidth") == PHONE[0]
    assert page.run("document.documentElement.scrollWidth") <= PHONE[0]


def test_it_is_light_enough_to_send(finished):
    assert (finished / PAGE).stat().st_size < 8_000_000
