"""Tests for the page on which people decide."""

import base64
import hashlib
import json
import re

import pandas as pd
import pytest

from eyewire_validator.review.page import (
    INDEX,
    PART_ITEMS,
    PARTS,
    describe_items,
    page_files,
    render_page,
)

ROW = {
    "item": "1-2", "reason": "ask", "why": "The model is not sure.", "split": "open",
    "task": 1, "cell": 7, "segment": 2, "seeds": str(2**63 + 1),
    "supervoxel": 2**63 + 3, "data": "d", "checkpoint": "c", "voxels": 10,
    "probability": 0.4, "expected_edits": 0.4, "validated": None,
    "proposal": False, "current": False, "blind": False,
    "z": 3, "y": 4, "x": 5, "z_nm": None, "y_nm": None, "x_nm": None,
}  # fmt: skip
CROP = {"sheet": "data:,", "runs": "", "shape": [1, 1, 1], "contact": [0, 0, 0]}


@pytest.fixture
def render():
    """Return a function that renders the page of a row, but for what it says."""

    def render(**changes):
        items = describe_items(pd.DataFrame([{**ROW, **changes}]))
        return "".join(render_page(items, [CROP], "nm"))

    return render


def embedded(page, name):
    pattern = rf'<script type="application/json" id="{name}">(.*?)</script>'
    return json.loads(re.search(pattern, page, re.DOTALL)[1])


def test_ids_of_64_bits_are_texts(render):
    (item,) = embedded(render(), "queue")["items"]
    assert (item["seeds"], item["supervoxel"]) == (str(2**63 + 1), str(2**63 + 3))


@pytest.mark.parametrize(("known", "point"), [(None, None), (8.5, [8.5, 8.5, 8.5])])
def test_a_point_is_in_nm_where_the_voxel_is_known(render, known, point):
    page = render(z_nm=known, y_nm=known, x_nm=known)
    (item,) = embedded(page, "queue")["items"]
    assert (item["point_nm"], item["point"]) == (point, [3, 4, 5])


@pytest.mark.parametrize(("known", "told"), [(float("nan"), None), (0.22, 0.22)])
def test_what_a_probability_meant_is_told_where_it_is_known(render, known, told):
    (item,) = embedded(render(validated=known), "queue")["items"]
    assert item["validated"] == told


def test_a_crop_stands_beside_its_item(render):
    assert embedded(render(), "crop-0") == CROP


def test_hostile_text_stays_text(render):
    hostile = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)>"
    page = render(why=hostile)
    assert embedded(page, "queue")["items"][0]["why"] == hostile
    assert "alert(1)</script>" not in page
    assert "<img" not in page


def test_its_own_script_alone_may_run(render):
    page = render()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_nothing_is_loaded_from_elsewhere(render):
    assert not re.search(r"(src|href)\s*=\s*[\"']", render())


def test_another_queue_has_another_hash(render):
    one, other = (
        embedded(render(data=data), "queue")["queue"] for data in ("d", "other")
    )
    assert one != other


def files_of(count, limit):
    rows = [{**ROW, "item": f"1-{n}", "segment": n} for n in range(count)]
    items = describe_items(pd.DataFrame(rows))
    crops = ({**CROP, "contact": [n, 0, 0]} for n in range(count))
    return {name: "".join(text) for name, text in page_files(items, crops, "nm", limit)}


def test_few_crops_are_in_the_page():
    files = files_of(2, 1000)
    assert list(files) == [INDEX]
    assert embedded(files[INDEX], "crop-1")["contact"] == [1, 0, 0]
    assert "strict-dynamic" not in files[INDEX]


@pytest.mark.parametrize("limit", [0, 1000])
def test_many_crops_are_beside_it_each_once_and_in_order(limit):
    files = files_of(2 * PART_ITEMS + 1, limit)
    assert list(files) == [*(f"{PARTS}/{n}.js" for n in range(3)), INDEX]
    queue = embedded(files[INDEX], "queue")
    assert queue["parts"] == [PARTS, PART_ITEMS]
    assert 'id="crop-' not in files[INDEX]
    found = []
    for number in range(3):
        call = re.fullmatch(r"part\((.*)\);\n", files[f"{PARTS}/{number}.js"])
        of, known, crops = json.loads(call[1])
        assert (of, known) == (queue["queue"], number)
        found += [crop["contact"][0] for crop in crops]
    assert found == list(range(2 * PART_ITEMS + 1))


def test_what_just_fits_is_one_file():
    size = sum(len(json.dumps({**CROP, "contact": [n, 0, 0]})) for n in range(3))
    assert list(files_of(3, size)) == [INDEX]
    assert len(files_of(3, size // 3)) == 2
