"""Tests for the questions as lines that other tools take."""

import pandas as pd
import pytest

from eyewire_validator.review.exports import neuvue_segments, webknossos_tasks

ROW = {"seed": 2**63 - 1, "z": 3, "y": 4, "x": 5}
SETTINGS = {
    "dataset_id": "5f00", "task_type_id": "5f01", "project": "retina",
    "experience_domain": "em", "min_experience": 2, "instances": 3,
}  # fmt: skip


def queue(*changes):
    rows = pd.DataFrame([{**ROW, **change} for change in changes])
    return rows.astype({"seed": "u8"})


def test_webknossos_reads_each_field_in_its_place():
    (line,) = webknossos_tasks(queue({}), SETTINGS)
    # As its page does: parts between commas, by their number.
    words = line.removesuffix("\n").split(",")
    assert words[:4] == ["5f00", "5f01", "em", "2"]
    assert words[4:7] == ["5", "4", "3"]
    assert words[7:10] == ["0", "0", "0"]
    assert words[10] == "3"
    assert words[11:17] == ["0"] * 6
    assert words[17:] == ["retina"]


def test_neuvue_reads_the_seed_and_a_point():
    assert list(neuvue_segments(queue({}))) == [f"{2**63 - 1},5,4,3\n"]


def test_neuvue_does_not_get_an_id_that_it_cannot_hold():
    assert list(neuvue_segments(queue({"seed": 2**63}, {}))) == [f"{2**63 - 1},5,4,3\n"]


@pytest.mark.parametrize(
    "export", [neuvue_segments, lambda rows: webknossos_tasks(rows, SETTINGS)]
)
def test_what_has_no_known_place_is_left_out(export):
    assert list(export(queue({"z": -1, "y": -1, "x": -1}))) == []
