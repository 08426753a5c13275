"""The page of the review queue, as a browser runs it: by keys, and across reloads."""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.review.crops import cut_crop, pack_crop
from eyewire_validator.review.decisions import read_decisions
from eyewire_validator.review.page import describe_items, render_page
from eyewire_validator.volumes.store import CoarseVolume

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a browser: apt-get install chromium"
)

ROW = {
    "reason": "ask", "why": "</script><script>document.title = 'owned'</script>",
    "split": "open", "task": 1, "cell": 7, "seeds": str(2**63 + 1), "supervoxel": 9,
    "data": "d", "checkpoint": "c", "voxels": 10, "probability": 0.4,
    "expected_edits": 0.4, "proposal": False, "current": False, "blind": False,
    "z": 3, "y": 4, "x": 5, "z_nm": None, "y_nm": None, "x_nm": None,
}  # fmt: skip
# Presses the keys of STEPS, one after the other, and tells what there is to see, and
# what is exported.
HANDS = """
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let file = new Blob([]);
URL.createObjectURL = (blob) => { file = blob; return "#"; };
addEventListener("load", async () => {
  await wait(300);
  for (const {key, repeat = false, into = null, text = ""} of STEPS) {
    const target = into ? document.getElementById(into) : document.body;
    if (into) { target.value = text; target.dispatchEvent(new Event("change")); }
    target.dispatchEvent(new KeyboardEvent("keydown", {key, repeat, bubbles: true}));
    await wait(100);
  }
  document.getElementById("export").click();
  const textOf = (id) => [id, document.getElementById(id).textContent];
  const shown = ["counts", "why", "belief", "status"].map(textOf);
  const canvas = document.querySelector("canvas").getContext("2d");
  document.documentElement.dataset.told = JSON.stringify({
    ...Object.fromEntries(shown), lines: await file.text(), title: document.title,
    needed: document.documentElement.scrollWidth, width: innerWidth,
    ink: canvas.getImageData(0, 0, 9, 9).data[3],
  });
});
"""


@pytest.fixture
def page(tmp_path):
    """The page of three questions, of which the second is blind."""
    ids = np.kron([[[1, 2, 3]]], np.ones((8, 8, 8))).astype(np.uint16)
    volume = CoarseVolume((ids * 60).astype(np.uint8), ids)
    crop = pack_crop(cut_crop(volume, np.array([1]), 2, (0, 0, 0)))
    rows = [{**ROW, "item": f"1-{n}", "segment": n, "blind": n == 2} for n in (1, 2, 3)]
    items = describe_items(pd.DataFrame(rows))
    path = tmp_path / "index.html"
    path.write_text("".join(render_page(items, [crop] * 3, "nm")), encoding="utf-8")
    return path


@pytest.fixture
def press(page, tmp_path):
    """Return a function that opens the page anew, presses keys, and reads it."""

    def press(*steps):
        steps = [step if isinstance(step, dict) else {"key": step} for step in steps]
        hands = f"const STEPS = {json.dumps(steps)};{HANDS}"
        digest = base64.b64encode(hashlib.sha256(hands.encode()).digest()).decode()
        text = page.read_text(encoding="utf-8")
        allowed = text.replace("script-src '", f"script-src 'sha256-{digest}' '", 1)
        handled = tmp_path / "handled.html"
        handled.write_text(f"{allowed}<script>{hands}</script>", encoding="utf-8")
        command = [CHROMIUM, "--headless", "--disable-gpu", "--dump-dom"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        command += [f"--user-data-dir={tmp_path / 'profile'}"]
        command += ["--virtual-time-budget=5000", handled.as_uri()]
        done = subprocess.run(command, capture_output=True, check=True, timeout=120)
        told = re.search(r'data-told="(.*?)"', done.stdout.decode())
        found = json.loads(html.unescape(told[1]))
        found["decisions"] = [
            json.loads(line) for line in found.pop("lines").splitlines()
        ]
        return found

    return press


def verdicts(found):
    return [(d["item"], d["verdict"]) for d in found["decisions"]]


def test_decisions_outlive_a_reload_and_can_be_undone(press):
    first = press({"into": "reviewer", "text": "Ada", "key": "Enter"}, "y", "n")
    assert verdicts(first) == [("1-1", "yes"), ("1-2", "no")]
    again = press()
    assert "Question 3 of 3 · 2 decided" in again["counts"]
    assert verdicts(again) == verdicts(first)
    undone = press("z", "z", "u")
    assert verdicts(undone) == [("1-1", "unsure")]
    (decision,) = undone["decisions"]
    assert [made["verdict"] for made in decision["history"]] == [
        *("yes", "undone", "unsure")
    ]
    assert decision["reviewer"] == "Ada"
    assert (decision["seeds"], decision["data"]) == (str(2**63 + 1), "d")


def test_what_is_exported_can_be_imported(press, tmp_path):
    found = press("y", "n", "z", "u")
    exported = tmp_path / "decisions.jsonl"
    exported.write_text("\n".join(map(json.dumps, found["decisions"])))
    rows, refused = read_decisions([exported], {1: "d"}.get)
    assert refused == []
    assert rows[["item", "verdict", "first"]].values.tolist() == [
        ["1-1", "yes", "yes"],
        ["1-2", "unsure", "no"],
    ]


def test_a_held_key_decides_once_and_typing_decides_nothing(press):
    found = press(
        "y", {"key": "y", "repeat": True}, {"into": "note", "text": "y", "key": "y"}
    )
    assert verdicts(found) == [("1-1", "yes")]


def test_a_blind_question_shows_the_proposal_after_the_verdict(press):
    before = press("j")
    assert "after your verdict" in before["belief"]
    assert before["why"] == "A blind check."
    after = press("j", "y")
    assert "proposes “does not belong”" in after["status"]


def test_what_is_put_off_comes_back_at_the_end(press):
    found = press("l", "y", "y")
    assert "Question 1 of 3 · 2 decided" in found["counts"]


def test_hostile_text_is_shown_and_does_nothing(press):
    found = press()
    assert found["why"] == ROW["why"]
    assert found["title"] == "Eyewire Validator: review"


def test_slices_are_drawn_and_nothing_sticks_out(press):
    found = press()
    assert found["ink"] == 255
    assert found["needed"] <= found["width"]
