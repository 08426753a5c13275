"""Queue and grown cells in Neuroglancer itself: the client that PyPI's package has."""

import io
import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from chunked_arrays import write_precomputed
from PIL import Image, ImageChops

from eyewire_validator.growth.neuroglancer import make_state as make_state_of_growth
from eyewire_validator.review.decisions import VERDICTS, read_decisions
from eyewire_validator.review.neuroglancer import make_state
from eyewire_validator.review.page import describe_items

neuroglancer = pytest.importorskip("neuroglancer")

SEED, CANDIDATE, OTHER = 2**63 + 1, 2**64 - 1, 5
NM = (10, 10, 10)
ROW = {
    "reason": "ask", "why": "The model is not sure.", "split": "open", "task": 1,
    "cell": 7, "seeds": str(SEED), "data": "d",
    "checkpoint": "c", "voxels": 10, "probability": 0.4, "expected_edits": 0.4,
    "validated": None, "proposal": False, "current": False, "blind": False,
    "z": 8, "y": 8, "x": 8, "z_nm": 85.0, "y_nm": 85.0, "x_nm": 85.0,
}  # fmt: skip
# What is drawn, without the bars around it.
DRAWN = (0, 60, 800, 800)
LOADED = "globalThis.viewer?.layerManager.managedLayers.length === 3"


class OpenToOthers(SimpleHTTPRequestHandler):
    """Lets pages from elsewhere read what is served."""

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def served(tmp_path):
    """The address of a folder with an image, segments, and truth for one of them."""
    row = np.repeat(np.array([SEED, CANDIDATE, OTHER], np.uint64), 8)
    segments = np.tile(row, (16, 16, 1))
    image = np.full(segments.shape, 160, np.uint8)
    truth = np.roll(np.where(segments == CANDIDATE, segments, 0), 4, axis=2)
    for name, array in {"image": image, "segments": segments, "truth": truth}.items():
        write_precomputed(tmp_path / name, array, size=NM, corner=(0, 0, 0))
    handler = partial(OpenToOthers, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def state(served):
    """Two questions: yes, and undecided."""
    ids = enumerate((CANDIDATE, OTHER), start=1)
    rows = [{**ROW, "item": f"1-{n}", "segment": n, "supervoxel": i} for n, i in ids]
    items = describe_items(pd.DataFrame(rows))
    at = f"precomputed://{served}"
    state = make_state(items, "q", NM, f"{at}/image", f"{at}/segments")
    state["layers"][-1]["annotations"][0]["props"][0] = 1 + VERDICTS.index("yes")
    return state


@pytest.fixture
def state_of_growth(served):
    """A cell that misses half of the truth, and took as much of another."""
    folders = {"image": "image", "truth": "truth", "grown": "segments"}
    sources = {name: f"precomputed://{served}/{at}" for name, at in folders.items()}
    return make_state_of_growth(sources, NM, (8, 8, 8), [CANDIDATE, OTHER])


@pytest.fixture
def viewer():
    """The client's server."""
    neuroglancer.set_server_bind_address("127.0.0.1")
    yield neuroglancer.Viewer()
    neuroglancer.stop()


@pytest.fixture
def show(viewer, tab):
    """Open a state in a tab, and wait until all of it is loaded."""

    def open_state(state):
        viewer.set_state(state)
        tab.resize(1280, 800)
        tab.open(viewer.get_viewer_url())
        tab.wait_for(LOADED)
        return tab

    return open_state


def picture(tab):
    """Return what is drawn, once it is."""
    tab.wait_for("viewer.isReady()")
    tab.run("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")
    with Image.open(io.BytesIO(tab.screenshot())) as image:
        return image.convert("RGB").crop(DRAWN)


def hide(tab, layer):
    tab.run(f"viewer.layerManager.getLayerByName('{layer}').setVisible(false)")


@pytest.mark.parametrize("layer", ["image", "segmentation", "review"])
def test_each_layer_of_the_queue_shows(show, state, layer):
    tab = show(state)
    whole = picture(tab)
    hide(tab, layer)
    assert ImageChops.difference(whole, picture(tab)).getbbox() is not None


def test_what_growth_missed_took_and_joined_wrongly_has_its_colour(
    show, state_of_growth
):
    drawn = np.asarray(picture(show(state_of_growth))).astype(int)
    for name, colour in {
        "missed": (64, 217, 64),
        "right": (140, 130, 38),
        "wrong": (198, 96, 96),
        "image": (160, 160, 160),
    }.items():
        alike = (np.abs(drawn - colour) < 9).all(axis=-1)
        assert alike.sum() > 1000, name


def test_a_state_of_growth_opens_by_its_address(
    viewer, tab, served, state_of_growth, tmp_path
):
    (tmp_path / "neuroglancer.json").write_text(json.dumps(state_of_growth))
    tab.open(f"{viewer.get_viewer_url()}#!{served}/neuroglancer.json")
    tab.wait_for(LOADED)
    names = "viewer.layerManager.managedLayers.map((layer) => layer.name)"
    assert tab.run(names) == ["image", "truth", "grown"]


def test_what_it_saves_comes_back(show, state, tmp_path):
    tab = show(state)
    picture(tab)
    saved = tab.run("JSON.stringify(viewer.state.toJSON())")
    file = tmp_path / "ada.json"
    file.write_text(saved)
    rows, refused = read_decisions([file], {1: "d"}.get)
    assert refused == []
    assert rows[["item", "verdict", "seeds", "supervoxel"]].values.tolist() == [
        ["1-1", "yes", str(SEED), CANDIDATE]
    ]
    shown = json.loads(saved)["layers"][1]["segments"]
    assert shown == [str(SEED), str(CANDIDATE), f"!{OTHER}"]
