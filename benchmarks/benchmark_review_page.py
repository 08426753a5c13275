"""Measure the review page in a real Chromium, and kill it again and again.

    python benchmarks/benchmark_review_page.py [--page INDEX.html] [--kills 50]

On a page of 1,000 questions, made up of smooth noise unless one is given: its size;
from the start of its loading to the first question, and from a key to the next, until
it is painted, by the page's own clock. Chromium draws without a graphics card. The
made-up page is measured as one file and with its crops beside it, by turns.

Then keys are pressed and the browser is killed at random moments, and opened again:
what it had shown as decided must be there.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from eyewire_validator.review.crops import EDGE, cut_crop, pack_crop
from eyewire_validator.review.page import (
    INDEX,
    LIMIT,
    describe_items,
    page_files,
)
from eyewire_validator.storage.files import write_text
from eyewire_validator.volumes.store import CoarseVolume

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from chromium import Browser, Tab

ITEMS, KEYS, TURNS = 1000, 30, 3
SHOWN = "document.getElementById('views')?.ariaBusy === 'false'"
# The page's clock at each key, and when the question after it is painted.
CLOCK = """
const keyed = [], seen = [];
addEventListener("keydown", () => keyed.push(performance.now()), true);
const look = () => {
  const busy = document.getElementById("views")?.ariaBusy !== "false";
  if (!busy && seen.length === keyed.length) seen.push(performance.now());
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def made_up_page(folder: Path, limit: int) -> Path:
    """Write a page of smooth noise, with segments of 16 voxels an edge."""
    generator = np.random.default_rng(0)
    noise = gaussian_filter(generator.standard_normal((EDGE, EDGE, EDGE)), 2)
    image = (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    ids = np.kron(np.arange(1, 28).reshape(3, 3, 3), np.ones((16, 16, 16)))
    crop = pack_crop(cut_crop(CoarseVolume(image, ids.astype("u2")), [1], 2, (0, 0, 0)))
    row = {
        **dict.fromkeys(["split", "data", "checkpoint", "reason", "seeds"], "1"),
        **dict.fromkeys(["cell", "supervoxel", "voxels", "z", "y", "x"], 1),
        **dict.fromkeys(["z_nm", "y_nm", "x_nm", "validated"]),
        **dict.fromkeys(["proposal", "current", "blind"], False),
        **dict.fromkeys(["probability", "expected_edits"], 0.4),
        "why": "The model is not sure.",
        "task": 1,
    }
    rows = [{**row, "segment": n, "item": f"1-{n}"} for n in range(ITEMS)]
    items = describe_items(pd.DataFrame(rows))
    for name, text in page_files(items, [crop] * ITEMS, "nm", limit):
        write_text(folder / name, text)
    return folder / INDEX


def measure(page: Path, profile: Path) -> tuple[float, list[float]]:
    """Return how long the first question takes, and the next after each key, ms."""
    browser = Browser(profile)
    tab = browser.tab()
    tab.send("Page.addScriptToEvaluateOnNewDocument", source=CLOCK)
    tab.open(page.as_uri())
    for count in range(1, KEYS + 2):
        tab.wait_for(f"seen.length === {count}")
        if count <= KEYS:
            tab.press("y")
    first, *others = tab.run("seen")
    waits = [b - a for a, b in zip(tab.run("keyed"), others, strict=True)]
    browser.close()
    return first, waits


def describe(page: Path, turns: list[tuple[float, list[float]]]) -> None:
    """Print what was measured of a page."""
    firsts, waits = [first for first, _ in turns], [w for _, own in turns for w in own]
    print(f"{page.parent.name}: {page.stat().st_size / 1e6:.1f} MB")
    print(f"first question after {median(firsts):.0f} ms, at most {max(firsts):.0f} ms")
    print(f"next after a key: median {median(waits):.0f} ms, most {max(waits):.0f} ms")


def decided(tab: Tab) -> int:
    """Return how many questions the page shows as decided."""
    tab.wait_for(SHOWN)
    return int(tab.run("document.getElementById('progress').value"))


def kill(page: Path, profile: Path, kills: int) -> None:
    """Print how many decisions are lost when the browser is killed."""
    moments, shown, lost = random.Random(0), 0, 0
    for _ in range(kills):
        browser = Browser(profile)
        tab = browser.tab().open(page.as_uri())
        lost += max(0, shown - decided(tab))
        for _ in range(moments.randrange(1, 4)):
            tab.press("y")
            shown = decided(tab)
        # At last a key whose decision may or may not be kept in time.
        tab.send("Input.dispatchKeyEvent", type="keyDown", key="n", text="n")
        browser.kill()
    print(f"{kills} kills, {shown} decisions, {lost} lost")


def main() -> None:
    """Measure, then kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if given.page:
            pages = [given.page.resolve()]
        else:
            limits = {"beside": LIMIT, "inside": sys.maxsize}
            pages = [made_up_page(Path(name, k), n) for k, n in limits.items()]
        measured: dict[Path, list[tuple[float, list[float]]]] = {}
        for turn in range(TURNS):
            for page in pages:
                profile = Path(name, f"{page.parent.name}{turn}")
                measured.setdefault(page, []).append(measure(page, profile))
        for page, turns in measured.items():
            describe(page, turns)
        kill(pages[0], Path(name, "killed"), given.kills)


if __name__ == "__main__":
    main()
