"""Measure the review page in a real Chromium, and kill it again and again.

    python benchmarks/benchmark_review_page.py [--page INDEX.html] [--kills 50]

On a page of 1,000 questions, made up of smooth noise unless one is given: its size;
from the start of its loading to the first question, and from a key to the next, until
it is painted, by the page's own clock. Chromium draws without a graphics card.

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
from eyewire_validator.review.page import describe_items, render_page
from eyewire_validator.volumes.store import CoarseVolume

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from chromium import Browser, Tab

ITEMS, KEYS = 1000, 30
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


def made_up_page() -> str:
    """Return a page of smooth noise, with segments of 16 voxels an edge."""
    generator = np.random.default_rng(0)
    noise = gaussian_filter(generator.standard_normal((EDGE, EDGE, EDGE)), 2)
    image = (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    ids = np.kron(np.arange(1, 28).reshape(3, 3, 3), np.ones((16, 16, 16)))
    crop = pack_crop(cut_crop(CoarseVolume(image, ids.astype("u2")), [1], 2, (0, 0, 0)))
    row = {
        **dict.fromkeys(["split", "data", "checkpoint", "reason", "seeds"], "1"),
        **dict.fromkeys(["cell", "supervoxel", "voxels", "z", "y", "x"], 1),
        **dict.fromkeys(["z_nm", "y_nm", "x_nm"]),
        **dict.fromkeys(["proposal", "current", "blind"], False),
        **dict.fromkeys(["probability", "expected_edits"], 0.4),
        "why": "The model is not sure.",
        "task": 1,
    }
    rows = [{**row, "segment": n, "item": f"1-{n}"} for n in range(ITEMS)]
    items = describe_items(pd.DataFrame(rows))
    return "".join(render_page(items, [crop] * ITEMS, "nm"))


def measure(page: Path, profile: Path) -> None:
    """Print how long the first question takes, and the next after a key."""
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
    print(f"first question after {first:.0f} ms")
    print(f"next after a key: median {median(waits):.0f} ms, most {max(waits):.0f} ms")
    browser.close()


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
        page = given.page or Path(name, "index.html")
        if not given.page:
            page.write_text(made_up_page(), encoding="utf-8")
        print(f"{page.stat().st_size / 1e6:.1f} MB")
        measure(page.resolve(), Path(name, "measured"))
        kill(page.resolve(), Path(name, "killed"), given.kills)


if __name__ == "__main__":
    main()
