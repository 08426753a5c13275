"""A tissue learned from a few labels, and taken only if that helps."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.agglomeration.membership import Joined, Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.errors import ModelError, TableError
from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.evaluation.left_out import LeftOutScore, Measured
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.models.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    make_module,
    save_checkpoint,
)
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.judge_labels import Chosen, Judgement
from eyewire_validator.models.labels import (
    Labels,
    half_of,
    known_answers,
    labelled_tasks,
    tasks_to_learn,
)
from eyewire_validator.models.learn import (
    Tuned,
    better_of,
    learn_tissue,
    probability_held_out,
)
from eyewire_validator.models.learned import (
    common_membership,
    known_memberships,
    known_threshold,
    record,
    with_tissue,
)
from eyewire_validator.volumes.appearance import Appearance, Familiar

RIGHT = Membership(bias=-2.0, linkage=1.0, contact=0.5, rejected=-2.0)
# It believes nearly everything.
BOLD = Membership(bias=3.0, linkage=1.0, contact=0.5, rejected=-2.0)
SETTINGS = DecisionSettings(Risk(0.05, 0.95), 0.95)
CELLS, OF_A_TASK, VOLUMES = 40, 20, 4
NONE_DECIDED = pd.DataFrame({"task": [], "segment": [], "belongs": []})


def looks(grey):
    return Appearance(1.0, grey, 5.0, -2.0, -1.0, -1.0, 0.0)


def evidence():
    """A task of each cell; of its candidates, as many belong as `RIGHT` says."""
    draw = np.random.default_rng(0)
    count = CELLS * OF_A_TASK
    levels = draw.normal(0, 3, count).astype(np.float32)
    area = draw.integers(0, 20, count).astype(np.float64)
    rejected = draw.random(count) < 0.3
    company = np.zeros((count, 1), np.float32)
    joined = Joined(levels, company[:, 0], area, rejected)
    ids = np.repeat(np.arange(CELLS), OF_A_TASK)
    candidates = pd.DataFrame(
        {
            "task": ids, "cell": ids, "volume": ids % VOLUMES,
            "segment": np.arange(count), "voxels": 10,
            "truth": draw.random(count) < RIGHT.probability(joined),
            "seed_area": area, "rejected": rejected, "levels": list(levels[:, None]),
            "company": list(company),
        }
    )  # fmt: skip
    tasks = candidates[["task", "cell", "volume"]].drop_duplicates(ignore_index=True)
    tasks["looks"] = [list(looks(200.0 + volume)) for volume in tasks["volume"]]
    tasks["voxel_nm"] = [[10.0] * 3] * CELLS
    counts = {"seed_full_voxels": 9, "dust_truth_segments": 0}
    return Evidence(tasks.assign(**counts, dust_truth_full_voxels=0), candidates)


EVIDENCE = evidence()
EVERY_TASK = range(CELLS)
WHOLE = Labels.of(EVIDENCE, EVERY_TASK, NONE_DECIDED)


def knows_fly(membership):
    greys = {"fly": map(looks, (100.0, 101.0, 102.0))}
    familiar = Familiar.of(greys, {"fly": (10.0, 10.0, 10.0)})
    return TissueMemberships({"fly": membership}, membership, familiar)


def learned(labels=WHOLE, before=BOLD, threshold=0.5):
    known = knows_fly(before)
    return learn_tissue(
        labels,
        "own",
        known,
        Chosen(labels.evidence.probability(known), threshold),
        SETTINGS,
        volume_voxels=10**6,
        bootstrap={"resamples": 50, "random_seed": 0},
    )


def test_what_helps_on_held_out_cells_is_taken():
    found = learned()
    before, after = found.judgement.before, found.judgement.after
    assert found.judgement.helped
    assert after["edits"]["value"] < before["edits"]["value"] / 2
    assert found.judgement.difference["edits"]["high"] < 0
    assert after["ece_contested"] < before["ece_contested"] / 4
    assert found.memberships.of_tissue["own"] == pytest.approx(RIGHT, abs=1.0)
    assert found.start is None


def test_what_misleads_is_not_taken():
    """Three cells, of which one is labelled the wrong way round."""
    about = EVIDENCE.candidates
    belongs = RIGHT.probability(EVIDENCE.joined())[0] > 0.5
    labels = about[["task", "segment"]].assign(belongs=belongs ^ (about["cell"] == 1))
    misled = Labels.of(EVIDENCE, range(3), labels[about["cell"] < 3])
    found = learned(misled, before=RIGHT)
    assert not found.judgement.helped
    assert "not taken" in record(misled, found, found, "own")["text"]


@pytest.mark.parametrize(
    ("edits", "nll", "helped"),
    [(1.9, 0.4, True), (2.1, 0.1, False), (2.0, 0.2, True), (2.0, 0.3, False)],
)
def test_it_helped_if_fewer_edits_are_left_or_as_many_and_it_is_likelier(
    edits, nll, helped
):
    before = {"edits": {"value": 2.0}, "nll": 0.3}
    after = {"edits": {"value": edits}, "nll": nll}
    assert Judgement(before, after, {}, 3.0).helped == helped


def test_the_same_labels_teach_the_same():
    one, two = learned(), learned()
    assert one.memberships.of_tissue == two.memberships.of_tissue
    assert one.judgement == two.judgement


def test_no_candidate_is_judged_by_what_saw_its_cell():
    seen = []

    def fit(part):
        seen.append(set(part.tasks["cell"]))
        return TissueMemberships({}, BOLD, Familiar({}))

    probability_held_out(WHOLE, fit)
    held_out = [set(EVERY_TASK) - cells for cells in seen]
    assert set.union(*held_out) == set(EVERY_TASK)
    assert sum(map(len, held_out)) == CELLS


def test_a_half_is_judged_by_what_was_fitted_to_that_half():
    """What gave the evidence on a half was taught by the other, and is another."""
    seen, halves = [], np.arange(CELLS) % 2

    def fit(part):
        seen.append(set(part.tasks["cell"] % 2))
        return TissueMemberships({}, BOLD, Familiar({}))

    probability_held_out(WHOLE, fit, halves)
    assert seen.count({0}) == seen.count({1}) == len(seen) / 2


def test_halves_are_joined_in_the_order_of_what_is_known():
    decided = pd.DataFrame({"task": [3], "segment": [60], "belongs": [True]})
    labels = Labels.of(EVIDENCE, range(0, CELLS, 2), decided)
    parts = [
        Evidence(
            EVIDENCE.tasks[EVIDENCE.tasks["task"] % 2 == half],
            EVIDENCE.candidates[EVIDENCE.candidates["task"] % 2 == half].assign(
                seed_area=float(half), truth=False
            ),
        )
        for half in range(2)
    ]
    tuned = Tuned.join(labels, parts)
    known, found = labels.evidence, tuned.labels.evidence
    for name in ("task", "segment", "truth"):
        assert found.candidates[name].tolist() == known.candidates[name].tolist()
    assert found.tasks["task"].tolist() == known.tasks["task"].tolist()
    assert tuned.halves.tolist() == (known.tasks["task"] % 2).tolist()
    assert (found.candidates["seed_area"] == found.candidates["task"] % 2).all()
    assert not tuned.can_judge()  # one of the halves has a single cell
    assert Tuned(WHOLE, np.arange(CELLS) % 2).can_judge()


def test_the_tuned_network_is_taken_where_it_leaves_fewer_edits():
    refit, tuned = learned(), learned()._replace(is_tuned=True)
    assert better_of(refit, None) is better_of(refit, tuned) is refit
    edits = {**tuned.judgement.after["edits"], "value": 0.0}
    fewer = tuned.judgement._replace(after={**tuned.judgement.after, "edits": edits})
    best = better_of(refit, tuned._replace(judgement=fewer))
    assert best.is_tuned
    assert "was tuned" in record(WHOLE, best, refit, "own")["text"]
    assert common_membership(best, "own") == best.memberships.of_tissue["own"]
    assert common_membership(refit, "own") == refit.memberships.of_all


def test_volumes_like_the_labelled_ones_get_the_refit_and_others_what_they_had():
    memberships = learned().memberships
    assert memberships.tissue_of(looks(201.0), (10.0, 10.0, 10.0)) == "own"
    assert memberships.tissue_of(looks(101.0), (10.0, 10.0, 10.0)) == "fly"


def test_decisions_teach_but_accept_and_reject_nothing():
    pairs = EVIDENCE.candidates[["task", "segment", "truth"]][::5]
    decided = pairs.rename(columns={"truth": "belongs"})
    found = learned(Labels.of(EVIDENCE, [], decided))
    assert found.judgement.helped
    assert found.decisions.threshold == 0.5
    assert found.decisions.accept is found.decisions.reject is None


def test_a_decision_overrules_the_answer_of_a_labelled_task():
    first = EVIDENCE.candidates.iloc[0]
    decided = pd.DataFrame(
        {"task": [0, 1], "segment": [0, 25], "belongs": [not first["truth"], True]}
    )
    labels = Labels.of(EVIDENCE, [0], decided)
    assert labels.evidence.tasks["task"].tolist() == [0, 1]
    assert labels.whole.tolist() == [True, False]
    known = labels.evidence.candidates
    assert len(known) == OF_A_TASK + 1
    assert known["truth"].iloc[0] == (not first["truth"])
    assert known["segment"].iloc[-1] == 25
    assert known["truth"].iloc[-1]


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [([0, 1], "lie in 2 volumes, expected 3"), ([0], "lie in 1 volumes, expected 3")],
)
def test_too_few_volumes_are_refused(tasks, reason):
    with pytest.raises(ModelError, match=reason):
        learned(Labels.of(EVIDENCE, tasks, NONE_DECIDED))


def test_a_single_cell_is_refused():
    tasks, candidates = (part.assign(cell=7) for part in EVIDENCE[:2])
    labels = Labels.of(Evidence(tasks, candidates), EVERY_TASK, NONE_DECIDED)
    with pytest.raises(ModelError, match="of 1 cell, expected 2"):
        learned(labels)


def test_a_checkpoint_carries_the_tissue_and_its_thresholds(tmp_path):
    settings = AgglomerationSettings(title="u-net", evidence="affinities")
    model = make_module(settings)
    model.membership = BOLD
    familiar, unknown = knows_fly(BOLD).familiar, Measured(None, None, None)
    score = LeftOutScore("fly", 9, 3, 1, unknown, 4.0, unknown, unknown, 0.5)
    info = CheckpointInfo(settings, familiar=familiar, left_out=(score,))
    known = known_memberships(model, info)
    assert known.of_tissue == {"fly": BOLD}
    assert known.of_all == BOLD
    assert known_threshold(info) == 0.5
    found = learned()
    save_checkpoint(tmp_path / "own.pt", model, with_tissue(info, found, "own"))
    model, info = load_checkpoint(tmp_path / "own.pt")
    assert model.by_tissue.of_tissue == found.memberships.of_tissue
    assert not [*info.familiar.strange(looks(201.0), (10.0, 10.0, 10.0))]
    assert info.operating_point.tissue == "own"
    # That was measured with other thresholds.
    assert info.left_out == ()
    assert known_threshold(info) == 0.5
    text = record(WHOLE, found, found, "own")["text"]
    assert text.startswith("own: learned and taken. From 40 labelled tasks")


def index(**columns):
    rows = {
        "task": [1, 2, 3, 4, 5], "volume": [9, 8, 9, 7, 7],
        "split": ["train", "train", "test", None, None],
        "state": ["labelled", "labelled", "labelled", "open", "open"],
        "excluded": [None] * 4 + ["empty seed"],
    }  # fmt: skip
    return pd.DataFrame({**rows, **columns})


def test_what_judges_does_not_teach():
    """Task 3 is a test task; 5 cannot be answered."""
    assert labelled_tasks(index(), ["train"]) == [1, 2]
    decided = pd.Series([3, 4, 5])
    assert tasks_to_learn(index(), ["train"], 24, decided) == [4, 2, 1]
    assert tasks_to_learn(index(), [], 24, decided) == [4]


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(TableError, match="no labelled task is in validation"):
        tasks_to_learn(index(), ["validation"], 24, pd.Series([], dtype=int))


def test_a_cell_is_in_one_half_whatever_else_was_decided():
    """Task 4 is open, of a cell of its own."""
    cells = [7, 9, 7, 8, 9]
    for tasks in ([3, 1, 2], [4, 3, 1, 2]):
        halves = [half_of(index(cell=cells), tasks, half) for half in range(2)]
        assert [set(half) - {4} for half in halves] == [{1, 3}, {2}]
        assert sorted([*halves[0], *halves[1]]) == sorted(tasks)


def test_answers_are_known_of_labelled_tasks_and_decisions_overrule_them():
    seed, aggregate = ([np.array([n])] * 5 for n in (1, 2))
    decided = pd.DataFrame(
        {"task": [1, 1, 4], "segment": [2, 5, 6], "belongs": [False, True, True]}
    )
    found = known_answers(index(seed=seed, aggregate=aggregate), [1, 2, 4], decided)
    assert {volume: [a.tolist() for a in one] for volume, one in found.items()} == {
        9: [[1, 5]],
        8: [[1, 2]],
    }
