"""The page of the review queue, as a browser runs it: by keys, and across reloads."""

import json
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from chromium import Browser
from conftest import BOTH

from eyewire_validator.review.crops import cut_crop, pack_crop
from eyewire_validator.review.decisions import read_decisions
from eyewire_validator.review.page import (
    PART_ITEMS,
    PARTS,
    describe_items,
    page_files,
)
from eyewire_validator.volumes.store import CoarseVolume

HOSTILE = (
    "</script><script>document.title = 'owned'</script><!--"
    "<img src=x onerror=\"document.title = 'owned'\">"
)
ROW = {
    "reason": "ask", "why": HOSTILE, "split": "open", "task": 1, "cell": 7,
    "seeds": str(2**63 + 1), "supervoxel": 9,
    "data": "d", "checkpoint": "c", "voxels": 10, "probability": 0.4,
    "expected_edits": 0.4, "validated": None,
    "proposal": False, "current": False, "blind": False,
    "z": 3, "y": 4, "x": 5, "z_nm": None, "y_nm": None, "x_nm": None,
}  # fmt: skip
# The last is in the second part.
MANY = PART_ITEMS + 1
# A question is there.
SHOWN = "document.getElementById('views').ariaBusy === 'false'"


def packed(blocks=(((1, 2, 3),),)):
    """Return a crop of segments that are blocks of 8 voxels an edge, (z, y, x)."""
    ids = np.kron(blocks, np.ones((8, 8, 8))).astype(np.uint16)
    volume = CoarseVolume((ids * 60).astype(np.uint8), ids)
    return pack_crop(cut_crop(volume, np.array([1]), 2, (0, 0, 0)))


@pytest.fixture
def page(tmp_path):
    """The page of three questions; the second is blind, the third's cell is hostile."""
    rows = [{**ROW, "item": f"1-{n}", "segment": n, "blind": n == 2} for n in (1, 2, 3)]
    rows[2]["cell"] = HOSTILE
    return write(tmp_path, describe_items(pd.DataFrame(rows)), [packed()] * 3)


@pytest.fixture
def many(tmp_path):
    """A page of more questions than a part has, beside it."""
    rows = [{**ROW, "item": f"1-{n}", "segment": n} for n in range(MANY)]
    crops = [{**packed(), "contact": [n % 8, 0, 0]} for n in range(MANY)]
    return write(tmp_path, describe_items(pd.DataFrame(rows)), crops, limit=0)


def write(folder, items, crops, **options):
    """Write the page, and return the file to open."""
    for name, text in page_files(items, crops, "nm", **options):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(text), encoding="utf-8")
    return path


@pytest.fixture
def tab(tab):
    """A tab in which what was decided is forgotten at the end."""
    yield tab
    tab.run("localStorage.clear(), inLog('readwrite', (log) => log.clear())")


@pytest.fixture
def press(page, tab):
    """Return a function that opens the page anew, presses keys, and reads it."""

    def press(*steps):
        tab.open(page.as_uri())
        tab.wait_for(SHOWN)
        for step in steps:
            step(tab) if callable(step) else tab.press(step)
            tab.wait_for(SHOWN)
        return tab

    return press


def typed(field, text):
    """Return a step that types into a field, and leaves it."""

    def type_in(tab):
        tab.run(f"document.getElementById('{field}').focus()")
        for key in (*text, "Enter"):
            tab.press(key)

    return type_in


def held(key):
    """Return a step: a key that is still held."""
    return lambda tab: tab.press(key, repeat=True)


def text_of(tab, name):
    return tab.run(f"document.getElementById('{name}').textContent")


@pytest.fixture
def exported(browser):
    """Return a function that exports the decisions, and returns the file."""

    def export(tab):
        for old in browser.downloads.glob("*.jsonl"):
            old.unlink()
        tab.run("document.getElementById('export').click()")
        while not (files := list(browser.downloads.glob("*.jsonl"))):
            time.sleep(0.01)
        # It is there before what is in it.
        while not files[0].stat().st_size:
            time.sleep(0.01)
        return files[0]

    return export


def lines_of(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def verdicts(file):
    return [(line["item"], line["verdict"]) for line in lines_of(file)]


@BOTH
def test_decisions_outlive_a_reload_and_can_be_undone(press, exported):
    first = verdicts(exported(press(typed("reviewer", "Ada"), "y", "n")))
    assert first == [("1-1", "yes"), ("1-2", "no")]
    again = press()
    assert "Question 3 of 3 · 2 decided" in text_of(again, "counts")
    assert verdicts(exported(again)) == first
    (decision,) = lines_of(exported(press("z", "z", "u")))
    assert (decision["item"], decision["verdict"]) == ("1-1", "unsure")
    assert [made["verdict"] for made in decision["history"]] == [
        *("yes", "undone", "unsure")
    ]
    assert decision["reviewer"] == "Ada"
    assert (decision["seeds"], decision["data"]) == (str(2**63 + 1), "d")


@BOTH
def test_a_page_whose_crops_are_beside_it(many, tab, exported):
    tab.open(many.as_uri())
    for place in range(MANY):
        tab.wait_for(SHOWN)
        assert f"Question {place + 1} of {MANY}" in text_of(tab, "counts")
        # Each crop has its own contact.
        assert tab.run("document.getElementById('slice').value") == str(place % 8)
        tab.press("y")
    tab.wait_for(SHOWN)
    assert len(verdicts(exported(tab))) == MANY


@BOTH
@pytest.mark.parametrize("wrong", ["none", "another queue's"])
def test_crops_that_are_not_beside_it_are_missed_aloud(many, tab, wrong):
    part = many.parent / PARTS / "0.js"
    text = part.read_text()
    part.unlink()
    if wrong != "none":
        part.write_text(text.replace('part(["', 'part(["0'))
    tab.open(many.as_uri())
    tab.wait_for("!document.getElementById('alert').hidden")
    assert PARTS in text_of(tab, "alert")
    tab.press("y")
    assert tab.run("document.getElementById('views').ariaBusy") == "true"
    assert tab.run("document.getElementById('progress').value") == 0


def test_what_is_exported_can_be_imported(press, exported):
    rows, refused = read_decisions([exported(press("y", "n", "z", "u"))], {1: "d"}.get)
    assert refused == []
    assert rows[["item", "verdict", "first"]].values.tolist() == [
        ["1-1", "yes", "yes"],
        ["1-2", "unsure", "no"],
    ]


def test_a_held_key_decides_once_and_typing_decides_nothing(press, exported):
    found = press("y", held("y"), typed("note", "yn"))
    assert verdicts(exported(found)) == [("1-1", "yes")]


def test_nothing_decides_a_question_that_is_not_shown_yet(press, exported):
    tab = press()
    # The next picture comes when it is let.
    tab.run("""{
      const decode = Image.prototype.decode;
      crops.clear();
      Image.prototype.decode = async function () {
        await new Promise((come) => { globalThis.come = come; });
        return decode.call(this);
      };
    }""")
    for key in ("y", "n", "z", "ArrowDown", " "):
        tab.press(key)
    tab.run("document.querySelector('[data-verdict=no]').click()")
    tab.run("document.getElementById('undo').click()")
    assert verdicts(exported(tab)) == [("1-1", "yes")]
    assert tab.run("document.getElementById('views').ariaBusy") == "true"
    tab.wait_for("globalThis.come")
    tab.run("come()")
    tab.wait_for(SHOWN)
    tab.press("n")
    assert verdicts(exported(tab)) == [("1-1", "yes"), ("1-2", "no")]


def test_two_tabs_do_not_overwrite_each_other(press, page, browser, exported):
    one, other = press("y"), browser.tab().open(page.as_uri())
    other.wait_for(SHOWN)
    one.press("n")
    one.wait_for(SHOWN)
    for key in ("k", "u"):
        other.press(key)
        other.wait_for(SHOWN)
    for tab in (one, other):
        tab.wait_for("records.get('1-1').history.length === 2")
        tab.wait_for("records.get('1-2')?.history.length === 1")
        assert verdicts(exported(tab)) == [("1-1", "unsure"), ("1-2", "no")]
    other.close()


def refuse_to_open(tab, times):
    """Have the storage of the pages that follow open only after so many tries."""
    made = tab.send(
        "Page.addScriptToEvaluateOnNewDocument",
        source=f"""{{
          const open = IDBFactory.prototype.open;
          let left = {times};
          IDBFactory.prototype.open = function (...names) {{
            if (left-- <= 0) return open.apply(this, names);
            const request = {{error: new DOMException("in use", "UnknownError")}};
            setTimeout(() => request.onerror());
            return request;
          }};
        }}""",
    )
    return made["identifier"]


@pytest.mark.parametrize(("times", "opens"), [(3, True), (100, False)])
def test_a_storage_that_is_in_use_is_waited_for_or_missed_aloud(
    press, page, tab, times, opens
):
    press("y")
    script = refuse_to_open(tab, times)
    tab.open(page.as_uri()).wait_for(SHOWN)
    assert "· 1 decided" in text_of(tab, "counts")
    assert tab.run("document.getElementById('alert').hidden") == opens
    tab.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    assert "· 1 decided" in text_of(press(), "counts")


def test_a_database_that_the_browser_begins_anew_is_filled_from_the_copy(
    press, page, tab, exported
):
    """As Chromium does where it finds it damaged, after a kill."""
    before = exported(press("y", "n", "z", "u"))
    tab.run("""opened.then((log) => new Promise((done) => {
      log.close();
      indexedDB.deleteDatabase("eyewire-review").onsuccess = () => done();
    }))""")
    tab.open(page.as_uri()).wait_for(SHOWN)
    assert exported(tab) == before
    assert tab.run("inLog('readonly', (log) => log.count())") == 4
    # Filled by two at once, it holds nothing twice.
    tab.run("inLog('readwrite', (log) => log.clear())")
    tab.run("Promise.all([load(), load()])")
    assert tab.run("inLog('readonly', (log) => log.count())") == 4


def test_a_full_storage_says_so_and_loses_nothing(press, exported):
    tab = press()
    tab.run("""IDBObjectStore.prototype.add = () => {
      throw new DOMException("full", "QuotaExceededError");
    }""")
    tab.press("y")
    tab.wait_for(SHOWN)
    assert "storage is full" in text_of(tab, "alert")
    assert tab.run("!document.getElementById('alert').hidden")
    assert verdicts(exported(tab)) == [("1-1", "yes")]


def test_a_browser_out_of_quota_says_so_and_loses_nothing(page, tab, exported):
    """Over HTTP, where a page has an origin whose quota can be set."""
    handler = partial(SimpleHTTPRequestHandler, directory=page.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        # Before it opens: the browser remembers for a while that there is room.
        tab.send("Storage.overrideQuotaForOrigin", origin=origin, quotaSize=1)
        tab.open(f"{origin}/{page.name}")
        for key in "yn":
            tab.wait_for(SHOWN)
            tab.press(key)
        tab.wait_for(SHOWN)
        assert "storage is full" in text_of(tab, "alert")
        assert "2 of the decisions" in text_of(tab, "alert")
        assert verdicts(exported(tab)) == [("1-1", "yes"), ("1-2", "no")]
        tab.send("Storage.overrideQuotaForOrigin", origin=origin)
        server.shutdown()


def test_a_killed_browser_keeps_what_was_decided(page, tmp_path, browser):
    for decided, key in enumerate("ynu"):
        mortal = Browser(tmp_path / "mortal")
        tab = mortal.tab().open(page.as_uri())
        tab.wait_for(SHOWN)
        assert f"· {decided} decided" in text_of(tab, "counts")
        tab.press(key)
        tab.wait_for(SHOWN)
        mortal.kill()


def test_a_blind_question_shows_the_proposal_after_the_verdict(press):
    tab = press("j")
    assert "after your verdict" in text_of(tab, "belief")
    assert text_of(tab, "why") == "A blind check."
    tab.press("y")
    tab.wait_for(SHOWN)
    assert "proposes “does not belong”" in text_of(tab, "status")


def test_a_proposal_against_the_odds_names_the_threshold(tmp_path, tab):
    rows = [{**ROW, "item": "1-1", "segment": 1, "probability": 0.53}]
    page = write(tmp_path, describe_items(pd.DataFrame(rows)), [packed()])
    tab.open(page.as_uri()).wait_for(SHOWN)
    assert "53 %; its threshold is higher)" in text_of(tab, "belief")


def test_a_probability_is_told_with_what_it_meant_on_validation(tmp_path, tab):
    rows = [{**ROW, "item": "1-1", "segment": 1, "validated": 0.22}]
    page = write(tmp_path, describe_items(pd.DataFrame(rows)), [packed()])
    tab.open(page.as_uri()).wait_for(SHOWN)
    assert "40 %; on validation, 22 % did)" in text_of(tab, "belief")


def test_what_is_put_off_comes_back_at_the_end(press):
    found = press("l", "y", "y")
    assert "Question 1 of 3 · 2 decided" in text_of(found, "counts")


@BOTH
def test_hostile_text_is_shown_and_does_nothing(press, exported):
    """In a cell's name, and in a note that is typed, exported, and shown again."""
    decided = press(typed("note", HOSTILE), typed("reviewer", HOSTILE[:60]), "y")
    rows, refused = read_decisions([exported(decided)], {1: "d"}.get)
    assert refused == []
    assert rows[["note", "reviewer"]].values.tolist() == [[HOSTILE, HOSTILE[:60]]]
    again = press("k")
    assert HOSTILE in text_of(again, "why")
    assert again.run("document.getElementById('note').value") == HOSTILE
    for key in "jj":
        again.press(key)
        again.wait_for(SHOWN)
    assert HOSTILE in text_of(again, "ids")
    assert again.run("document.title") == "Eyewire Validator: review"
    assert again.run("document.images.length") == 0


def pixel(tab, x, y):
    """Return red, green and blue of a pixel of the first slice, 24 a voxel."""
    canvas = "document.querySelector('canvas').getContext('2d')"
    return tab.run(f"[...{canvas}.getImageData({x}, {y}, 1, 1).data].slice(0, 3)")


def test_contrast_is_stretched_and_the_image_can_be_seen_alone(press):
    tab = press("h")
    assert max(pixel(tab, 30, 150)) < 10
    assert min(pixel(tab, 550, 150)) > 245
    tab.press("h")
    red, _, blue = pixel(tab, 30, 150)
    assert blue > red + 20


def test_a_line_is_thinner_than_a_voxel_and_none_is_where_the_crop_ends(press):
    tab = press()
    tint = pixel(tab, 30, 150)
    assert pixel(tab, 1, 1) == pytest.approx(tint, abs=12)
    assert pixel(tab, 192 - 9, 150) == pytest.approx(tint, abs=40)
    assert pixel(tab, 192, 150) == pytest.approx([230, 159, 0], abs=12)


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_nothing_sticks_out_and_help_names_the_keys(press, size):
    found = press(lambda tab: tab.resize(*size))
    assert found.run("document.documentElement.scrollWidth <= innerWidth")
    found.press("?")
    assert found.run("document.querySelector('#keys kbd').offsetWidth") > 0


def bodies(tab):
    """Return how many pixels show the seed, the candidate, and neighbours, in grey."""
    colours = """(() => {
      const canvas = document.querySelector("#solid canvas");
      const {width, height} = canvas, context = canvas.getContext("2d");
      const {data} = context.getImageData(0, 0, width, height);
      const found = [0, 0, 0];
      for (let n = 0; n < data.length; n += 4)
        if (data[n + 3]) found[1 + Math.sign(data[n + 2] - data[n])]++;
      return [found[2], found[0], found[1]];
    })()"""
    tab.wait_for(f"{colours}[0] > 0")
    return tab.run(colours)


def test_the_bodies_follow_the_slices_and_the_candidate_can_be_hidden(press):
    tab = press()
    assert min(bodies(tab)) > 0
    tab.press(" ")
    assert bodies(tab)[1] == 0


def test_neighbours_can_be_hidden_and_hide_nothing(press):
    tab = press()
    seed, candidate, neighbours = bodies(tab)
    assert neighbours > 0
    tab.press("t")
    assert bodies(tab) == [seed, candidate, 0]
    assert tab.run("document.getElementById('neighbours').ariaPressed") == "false"
    tab.press("t")
    tab.press("j")
    tab.wait_for(SHOWN)
    assert bodies(tab) == [seed, candidate, neighbours]


def test_the_bodies_turn_by_keys(press):
    tab = press()
    before = bodies(tab)
    tab.press("d")
    assert bodies(tab) != before


def test_a_candidate_that_the_seed_surrounds_shows_through_it(tmp_path, tab):
    blocks = np.ones((3, 3, 3), int)
    blocks[1, 1, 1] = 2
    row = {**ROW, "item": "1-1", "segment": 2}
    page = write(tmp_path, describe_items(pd.DataFrame([row])), [packed(blocks)])
    tab.open(page.as_uri()).wait_for(SHOWN)
    assert min(bodies(tab)[:2]) > 0
