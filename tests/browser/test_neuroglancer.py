"""The queue in Neuroglancer itself: the client that its package on PyPI ships."""

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
    "proposal": False, "current": False, "blind": False,
    "z": 8, "y": 8, "x": 8, "z_nm": 85.0, "y_nm": 85.0, "x_nm": 85.0,
}  # fmt: skip
# What is drawn, without the bars around it.
DRAWN = (0, 60, 800, 800)


class OpenToOthers(SimpleHTTPRequestHandler):
    """Lets pages from elsewhere read what is served."""

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def state(tmp_path):
    """Two questions about an image and segments that are served: yes, and undecided."""
    row = np.repeat(np.array([SEED, CANDIDATE, OTHER], np.uint64), 8)
    segments = np.tile(row, (16, 16, 1))
    image = np.full(segments.shape, 160, np.uint8)
    for name, array in {"image": image, "segments": segments}.items():
        write_precomputed(tmp_path / name, array, size=NM, corner=(0, 0, 0))
    ids = enumerate((CANDIDATE, OTHER), start=1)
    rows = [{**ROW, "item": f"1-{n}", "segment": n, "supervoxel": i} for n, i in ids]
    items = describe_items(pd.DataFrame(rows))
    handler = partial(OpenToOthers, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at = f"precomputed://http://127.0.0.1:{server.server_port}"
        state = make_state(items, "q", NM, f"{at}/image", f"{at}/segments")
        state["layers"][-1]["annotations"][0]["props"][0] = 1 + VERDICTS.index("yes")
        yield state
        server.shutdown()


@pytest.fixture
def client(state, tab):
    """A tab with the state in the client, all of it loaded."""
    neuroglancer.set_server_bind_address("127.0.0.1")
    viewer = neuroglancer.Viewer()
    viewer.set_state(state)
    tab.resize(1280, 800)
    tab.open(viewer.get_viewer_url())
    tab.wait_for("globalThis.viewer?.layerManager.managedLayers.length === 3")
    yield tab
    neuroglancer.stop()


def picture(tab):
    """Return what is drawn, once it is."""
    tab.wait_for("viewer.isReady()")
    tab.run("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")
    with Image.open(io.BytesIO(tab.screenshot())) as image:
        return image.convert("RGB").crop(DRAWN)


@pytest.mark.parametrize("layer", ["image", "segmentation", "review"])
def test_each_layer_shows(client, layer):
    whole = picture(client)
    client.run(f"viewer.layerManager.getLayerByName('{layer}').setVisible(false)")
    assert ImageChops.difference(whole, picture(client)).getbbox() is not None


def test_what_it_saves_comes_back(client, tmp_path):
    picture(client)
    saved = client.run("JSON.stringify(viewer.state.toJSON())")
    file = tmp_path / "ada.json"
    file.write_text(saved)
    rows, refused = read_decisions([file], {1: "d"}.get)
    assert refused == []
    assert rows[["item", "verdict", "seeds", "supervoxel"]].values.tolist() == [
        ["1-1", "yes", str(SEED), CANDIDATE]
    ]
    shown = json.loads(saved)["layers"][1]["segments"]
    assert shown == [str(SEED), str(CANDIDATE), f"!{OTHER}"]
