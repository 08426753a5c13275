import numpy as np
import pandas as pd

from eyewire_validator.evaluation.error_analysis import (
    error_by_votes,
    outcomes,
    recall_by_size,
    worst_tasks,
)


def segments(rows):
    names = ["probability", "truth", "vote_weight", "voxels"]
    types = {"probability": "float32", "vote_weight": "float32", "truth": bool}
    return pd.DataFrame(rows, columns=names).astype(types)


TABLE = segments(
    [
        (0.5, True, 0.6, 128),
        (0.5, False, 0, 255),
        (0.2, True, 0.5, 256),
        (0.9, True, 1, 1500),
        (0.9, False, 0, 101),
        (0.1, False, 0, 300),
        (1.0, True, 0.95, 127),
    ]
)


def bins(table, by):
    rows = table[(table["by"] == by) & (table["segments"] > 0)]
    return rows[["low", "high", "segments", "wrong"]].to_numpy().tolist()


def test_outcomes_of_a_task():
    found = outcomes(TABLE.assign(segment=range(10, 17)), 0.5)
    ids = {name: segments.tolist() for name, segments in found.items()}
    assert ids == {"correct": [10, 13, 16], "missed": [12], "false": [11, 14]}


def test_errors_by_agreed_fraction():
    assert bins(error_by_votes(TABLE, 0.5), "weight") == [
        [0, 0, 3, 2],
        [0, 0.5, 1, 1],
        [0.5, 0.6, 1, 0],
        [0.9, 1, 1, 0],
        [1, 1, 1, 0],
    ]


def test_errors_by_margin_count_agreement_that_a_segment_is_out():
    assert bins(error_by_votes(TABLE, 0.5), "margin") == [
        [0, 0.2, 2, 1],
        [0.8, 1, 1, 0],
        [1, 1, 4, 2],
    ]


def test_bins_without_segments_have_no_error_rate():
    table = error_by_votes(TABLE.iloc[:0], 0.5)
    assert len(table) == 14
    assert table["error"].isna().all()
    assert not table["segments"].any()


def test_recall_by_octave():
    table = recall_by_size(TABLE, 0.5)
    assert table["low"].tolist() == [64, 128, 256, 512, 1024]
    assert table["high"].tolist() == [128, 256, 512, 1024, 2048]
    assert table["segments"].tolist() == [1, 1, 1, 0, 1]
    assert table["found"].tolist() == [1, 1, 0, 0, 1]
    np.testing.assert_array_equal(table["recall"], [1, 1, 0, np.nan, 1])
    np.testing.assert_allclose(table["mean_probability"], [1, 0.5, 0.2, np.nan, 0.9])


def test_nothing_belongs_so_there_are_no_sizes():
    assert recall_by_size(TABLE[~TABLE["truth"]], 0.5).empty


def test_the_worst_tasks_come_first_and_equals_by_id():
    answers = pd.DataFrame({"task": [4, 3, 2, 1], "edits": [5, 0, 5, 7]})
    assert worst_tasks(answers, 3) == [1, 2, 4]
    assert worst_tasks(answers, 9) == [1, 2, 4, 3]
