import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.comparison import (
    ALIKE,
    BETTER,
    WORSE,
    Entry,
    against_neurons,
    count_decisions,
    decision_table,
    differences,
    from_csv,
    honest_table,
)
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of
from eyewire_validator.evaluation.segment_metrics import METRICS
from eyewire_validator.evaluation.summary import Evaluated
from eyewire_validator.storage.tables import write_csv

BOOTSTRAP = {"resamples": 200, "random_seed": 0}
DECISIONS = Decisions(0.5, 0.9, 0.2, tasks=0, cells=0, segments=0)
# A cell a word, of one task; a letter a segment: right, wrong, missed, or left out.
GOOD = "rrr rrm rr rrrm rrr rrw rrrr rr"
POOR = "rwm rmm rw rwmm rww rmw rrmm rm"
SCORES = {"r": 0.9, "w": 0.7, "m": 0.3, "-": 0.1}


def drawn(cells):
    """Make the tables of an evaluation from drawn cells."""
    cells = cells.split()
    tasks = pd.DataFrame({"task": range(len(cells)), "cell": range(len(cells))})
    tasks = tasks.assign(
        volume=7,
        seed_full_voxels=9,
        dust_truth_segments=0,
        dust_truth_full_voxels=0,
        alarm=None,
    )
    rows = [
        (task, np.float32(SCORES[letter]), letter in "rm", 5)
        for task, letters in enumerate(cells)
        for letter in letters
    ]
    segments = pd.DataFrame(rows, columns=["task", "probability", "truth", "voxels"])
    # In truth, whatever was chosen belongs.
    segments["neuron"] = segments["probability"] >= 0.5
    return decide(segments, tasks, DECISIONS, volume_voxels=1000), segments


def entry(model, cells, *, knows_neurons=False, iou=0.5, **changes):
    about = {
        "model": model,
        "title": f"title of {model}",
        "standing": "result",
        "settings": "0123456789ab",
        "split": "test",
        "loops": 4,
        "replicate": 0,
    }
    summary = {
        "decisions": DECISIONS.as_json(),
        "alarms": {},
        "seedless": {"pooled": {"iou": iou}},
        "full": {"pooled": {"iou": 0.7}},
        "calibration": {"raw": {"ece_mass": 0.1, "brier": 0.2}},
        "contested": {"raw": {"ece_mass": 0.4}},
        "selective": {"probability_sum": {"augrc": 0.3}},
        "neurons": {} if knows_neurons else None,
    }
    answers, segments = drawn(cells)
    return Entry.of(
        {**about, **changes},
        summary,
        answers,
        batches_of(segments),
        volume_voxels=1000,
    )


def table_of(*entries):
    return honest_table(entries, **BOOTSTRAP)


def words(*entries):
    """Return what is said of the model ``own`` by metric, against one other."""
    found = differences(entries, "own", "test", **BOOTSTRAP)
    return dict(zip(found["metric"], found["words"], strict=True))


def test_results_come_first_then_references_then_what_leaked():
    table = table_of(
        entry("published", GOOD, standing="leaked"),
        entry("crowd", GOOD, standing="reference", loops=None),
        entry("lwunet", GOOD),
        entry("msty", POOR, loops=None),
    )
    assert table["model"].tolist() == ["lwunet", "msty", "crowd", "published"]
    assert table["loops"].isna().tolist() == [False, True, True, False]


def test_a_row_has_every_metric_with_interval_and_size():
    row = table_of(entry("m", GOOD)).iloc[0]
    # 21 chosen rightly, 1 wrongly, 2 missed.
    assert row["f1"] == 2 * 21 / (2 * 21 + 1 + 2)
    assert row["edits"] == 3 / 8
    assert (row["tasks"], row["cells"], row["replicates"]) == (8, 8, 1)
    for name in METRICS:
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    assert row["seedless_iou"] == 0.5
    assert (row["ece_mass"], row["brier"], row["augrc"]) == (0.1, 0.2, 0.3)
    assert row["ece_contested"] == 0.4


def test_replicates_become_mean_and_spread():
    table = table_of(entry("m", GOOD, iou=0.2), entry("m", POOR, iou=0.4, replicate=1))
    one, other = (table_of(entry("m", cells))["f1"][0] for cells in (GOOD, POOR))
    assert table["replicates"].tolist() == [2]
    assert table["f1"][0] == pytest.approx((one + other) / 2)
    assert table["f1_spread"][0] == pytest.approx((one - other) / 2**0.5)
    assert table["seedless_iou"][0] == pytest.approx(0.3)
    assert table["seedless_iou_spread"][0] == pytest.approx(0.1 * 2**0.5)
    assert pd.isna(table_of(entry("m", GOOD))["f1_spread"][0])


def test_one_undefined_replicate_makes_the_mean_undefined():
    table = table_of(entry("m", GOOD), entry("m", GOOD, iou=None, replicate=1))
    assert pd.isna(table["seedless_iou"][0])


def test_what_a_summary_lacks_is_undefined():
    without = entry("m", GOOD)
    without.summary["calibration"] = None
    assert pd.isna(table_of(without)["ece_mass"][0])


def test_loops_and_splits_stay_apart():
    entries = (
        entry("m", GOOD),
        entry("m", GOOD, loops=1),
        entry("m", GOOD, split="train"),
    )
    assert len(table_of(*entries)) == 3


def test_replicates_on_other_tasks_are_refused():
    with pytest.raises(TableError, match="evaluate both on the same split"):
        table_of(entry("m", GOOD), entry("m", GOOD + " r", replicate=1))


def test_neurons_are_measured_where_they_are_known():
    known = entry("m", POOR, knows_neurons=True)
    table = against_neurons([known, entry("other", POOR)], **BOOTSTRAP)
    assert table["model"].tolist() == ["m"]
    assert table["f1"][0] == 1
    assert "seedless_iou" not in table
    nothing = against_neurons([entry("m", POOR)], **BOOTSTRAP)
    assert nothing.empty
    assert list(nothing.columns) == list(table.columns)


def test_differences_say_what_their_intervals_support():
    good, poor = entry("own", GOOD), entry("other", POOR)
    assert words(good, poor) == dict.fromkeys(
        ("f1", "voxel_iou", "pr_auc", "edits"), BETTER
    )
    good, poor = entry("other", GOOD), entry("own", POOR)
    assert set(words(good, poor).values()) == {WORSE}
    assert set(words(entry("own", GOOD), good).values()) == {ALIKE}


def test_few_cells_support_nothing():
    good, poor = " ".join(GOOD.split()[:5]), " ".join(POOR.split()[:5])
    found = differences(
        [entry("own", good), entry("other", poor)], "own", "test", **BOOTSTRAP
    )
    assert (found.loc[found["metric"] == "f1", "low"] > 0).all()
    assert set(found["words"]) == {ALIKE}


def test_differences_leave_out_leaked_models_and_other_splits():
    entries = [
        entry("own", GOOD),
        entry("crowd", GOOD, standing="reference"),
        entry("published", GOOD, standing="leaked"),
        entry("msty", POOR, split="train"),
    ]
    found = differences(entries, "own", "test", **BOOTSTRAP)
    assert set(found["against"]) == {"crowd"}
    assert set(found["standing"]) == {"reference"}
    assert differences(entries, "published", "test", **BOOTSTRAP).empty


def test_decided_segments_are_counted():
    answers, segments = drawn("rrw m-- r-")
    batches = batches_of(segments)
    assert count_decisions(Evaluated(answers, batches), DECISIONS) == {
        "candidates": 8,
        "accepted": 3,
        "accepted_wrongly": 0,
        "maybe": 2,
        "rejected": 3,
        "rejected_wrongly": 0,
        "tasks": 3,
        "tasks_decided": 1,
    }
    undecided = Decisions(0.5, None, None, tasks=0, cells=0, segments=0)
    tasks = answers.drop(columns=["maybe"])
    answers = decide(segments, tasks, undecided, volume_voxels=1000)
    found = count_decisions(Evaluated(answers, batches), undecided)
    assert (found["accepted"], found["maybe"], found["rejected"]) == (0, 8, 0)


def test_decisions_have_a_row_a_replicate():
    table = decision_table([entry("m", GOOD), entry("m", POOR, replicate=1)])
    assert table["replicate"].tolist() == [0, 1]
    assert table["accept"].tolist() == [0.9, 0.9]
    assert table["bound"].isna().all()
    assert table["missing"].tolist() == [0, 0]
    assert table["accepted"].tolist() == [GOOD.count("r"), POOR.count("r")]


def test_csv_reads_back(tmp_path):
    entries = [
        entry("m", GOOD, knows_neurons=True),
        entry("None", "mm m", loops=None, title="NA", iou=None),
    ]
    for table in (
        honest_table(entries, **BOOTSTRAP),
        against_neurons(entries, **BOOTSTRAP),
        against_neurons([], **BOOTSTRAP),
        differences(entries[:1], "m", "test", **BOOTSTRAP),
        decision_table(entries),
    ):
        write_csv(tmp_path / "table.csv", table)
        read = from_csv(tmp_path / "table.csv")
        pd.testing.assert_frame_equal(read, table, atol=1e-6)
