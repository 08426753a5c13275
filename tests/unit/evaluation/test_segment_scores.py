import numpy as np
import pandas as pd
import pytest

from eyewire_validator.answers import Answer, answer_in_segments, no_segments
from eyewire_validator.evaluation.segment_scores import Candidates
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.dust import Dust


@pytest.fixture
def coverage(make_store, octants):
    """Eight segments; 8 has lost all but one coarse voxel (64 voxels) to 7."""
    octants[4:, 4:, 4:] = 7
    octants[7, 7, 7] = 8
    return make_store({11: octants}).coverage(11)


@pytest.fixture
def task(make_index):
    row = {
        "task": 1,
        "volume": 11,
        "seed": [1],
        "aggregate": [1, 2, 3, 8],
        "aggregate_weights": [1.0, 0.5, 0.25, 1.0],
    }
    return Lineage(make_index(row)).task(1)


def score(task, answer, coverage, neuron=None):
    candidates = Candidates.of(task, coverage, Dust(100), neuron)
    origins = Origins().of(task, coverage, factor=16)
    columns = candidates.score(answer) | {
        name: values[candidates.chosen] for name, values in origins.items()
    }
    return pd.DataFrame(columns, columns=SEGMENT_SCORES.names)


def half_of_two():
    """Probability 1 in half of segment 2, 0 elsewhere."""
    probability = np.zeros((8, 8, 8), np.float32)
    probability[:2, :4, 4:] = 1
    return probability


def test_a_candidate_has_the_mean_of_its_voxels(task, coverage):
    found = score(task, Answer(half_of_two()), coverage)
    assert found["segment"].tolist() == [2, 3, 4, 5, 6, 7]
    assert found["probability"].tolist() == [0.5, 0, 0, 0, 0, 0]
    assert found["truth"].tolist() == [True, True, False, False, False, False]
    assert found["vote_weight"].tolist() == [0.5, 0.25, 0, 0, 0, 0]
    assert found["voxels"].tolist() == [4096] * 5 + [2 * 4096 - 64]


def test_the_truth_that_no_candidate_holds_is_counted(task, coverage):
    assert Candidates.of(task, coverage, Dust(100)).full_counts == {
        "seed_full_voxels": 4096,
        "dust_truth_segments": 1,
        "dust_truth_full_voxels": 64,
    }
    counts = Candidates.of(task, coverage, Dust(63)).full_counts
    assert counts["dust_truth_segments"] == 0


def test_an_answer_in_segments_is_taken_as_it_is(task, coverage, octants):
    said = no_segments()
    said[3] = 0.75
    answer = answer_in_segments(octants, task.seed, said)
    assert answer.probability[0, 0, 0] == 1
    assert answer.probability[0, 4, 0] == 0.75
    found = score(task, answer, coverage)
    assert found["probability"].tolist() == [0, 0.75, 0, 0, 0, 0]


def test_members_that_disagree_give_variance_and_information(task, coverage):
    members = np.stack([half_of_two() * 2, half_of_two() * 0]).clip(0, 1)
    members[0, :4, :4, 4:] = 1
    answer = Answer(members.mean(axis=0), members=members)
    found = score(task, answer, coverage).set_index("segment")
    assert found.loc[2, ["probability", "variance"]].tolist() == [0.5, 0.25]
    assert found.loc[2, "mutual_information"] == pytest.approx(np.log(2))
    assert found.loc[4, "mutual_information"] == 0


def test_members_that_answer_in_segments_disagree_alike(task, coverage, octants):
    members = np.stack([no_segments()] * 2)
    members[:, 2], members[:, 3] = (0, 1), 0.25
    answer = answer_in_segments(octants, task.seed, members.mean(axis=0), members)
    found = score(task, answer, coverage).set_index("segment")
    assert found.loc[2, ["probability", "variance"]].tolist() == [0.5, 0.25]
    assert found.loc[2, "mutual_information"] == pytest.approx(np.log(2))
    assert found.loc[3, ["probability", "variance"]].tolist() == [0.25, 0]


def test_a_single_answer_has_neither(task, coverage, tmp_path):
    sigma = np.full((8, 8, 8), 1.5, np.float32)
    found = score(task, Answer(half_of_two(), sigma), coverage, frozenset({2, 4}))
    write_table(tmp_path / "segments.parquet", found, SEGMENT_SCORES)
    kept = read_table(tmp_path / "segments.parquet", SEGMENT_SCORES)
    assert kept["sigma"].tolist() == [1.5] * 6
    assert kept["variance"].isna().all()
    assert kept["mutual_information"].isna().all()
    assert kept["neuron"].tolist() == [True, False, True, False, False, False]
