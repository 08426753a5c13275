import numpy as np
import pandas as pd
import pytest

from eyewire_validator.answers import Answer, answer_in_segments, no_segments
from eyewire_validator.errors import VolumeError
from eyewire_validator.evaluation.evaluate import (
    EvaluationSettings,
    evaluate,
    save_evaluation,
    tasks_of_split,
)
from eyewire_validator.evaluation.voxel_counts import (
    count_voxels,
    measure,
    part_of_batches,
)
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.tasks.lineage import Lineage

TASKS = [
    {"task": 1, "volume": 11, "seed": [1], "aggregate": [1, 2], "split": "test"},
    {"task": 2, "volume": 12, "seed": [5], "aggregate": [6], "parent": 1},
    {"task": 3, "volume": 11, "seed": [3], "aggregate": [3], "cell": 9},
    {"task": 4, "seed": [3], "aggregate": [3]},
]
SETTINGS = EvaluationSettings(
    threshold=0.5, batch_size=2, dust_voxels=100, dust_thickness=1
)


@pytest.fixture
def lineage(make_index):
    return Lineage(make_index(*TASKS))


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


@pytest.fixture
def seed_only(lineage, store):
    """Answers each task with its seed, as one who answers in segments."""

    def answer(tasks):
        rows = [lineage.task(task) for task in tasks]
        segmentations = [store.get(row.volume).segmentation for row in rows]
        return [
            {1: answer_in_segments(segmentation, row.seed, no_segments())}
            for row, segmentation in zip(rows, segmentations, strict=True)
        ]

    return answer


def everywhere(probability):
    """Answers with the same probability everywhere, more of it with more loops."""
    shape = (8, 8, 8)
    return lambda tasks: [
        {
            loops: Answer(
                np.full(shape, probability * loops, np.float32),
                np.full(shape, 4.0, np.float32),
                loss=float(task),
            )
            for loops in (1, 2)
        }
        for task in tasks
    ]


def test_voxels_are_counted_as_drawn():
    guess = np.array([1, 1, 1, 0, 0], bool)
    truth = np.array([0, 1, 1, 1, 0], bool)
    assert count_voxels(guess, truth, "_s") == {
        "guess_s": 3, "truth_s": 3, "intersection_s": 2, "union_s": 4,
    }  # fmt: skip


def test_seed_and_truth_meet_as_drawn(lineage, store, seed_only):
    found, segments = evaluate([1, 3], lineage, store, seed_only, [1], SETTINGS)[1]
    assert found["task"].tolist() == [1, 3]
    assert found["cell"].tolist() == [7, 9]
    assert found["volume"].tolist() == [11, 11]
    assert found["guess"].tolist() == [64, 64]
    assert found["truth"].tolist() == [128, 64]
    assert found["intersection"].tolist() == [64, 64]
    assert found["union"].tolist() == [128, 64]
    assert found["guess_seedless"].tolist() == [0, 0]
    assert found["truth_seedless"].tolist() == [64, 0]
    assert found["union_seedless"].tolist() == [64, 0]
    assert found["loss"].isna().all()
    assert found["image_mean"].tolist() == [store.get(11).image.mean()] * 2
    assert found["seed_full_voxels"].tolist() == [4096, 4096]
    assert segments["task"].tolist() == [1] * 7 + [3] * 7
    assert segments["truth"].sum() == 1


def test_a_seed_outside_the_aggregate_counts_as_wrong(lineage, store, seed_only):
    (row,) = measure([2], lineage, store, seed_only, 1, 0.5, 1)
    assert (row["guess"], row["intersection"], row["union"]) == (64, 0, 128)
    assert (row["guess_seedless"], row["truth_seedless"]) == (0, 64)


@pytest.mark.parametrize(
    ("loops", "threshold", "guess"),
    [(1, 0.25, 0), (1, 0.2, 512), (2, 0.25, 512), (2, 0.5, 0)],
)
def test_a_voxel_is_answered_above_the_threshold(
    lineage, store, loops, threshold, guess
):
    (row,) = measure([1], lineage, store, everywhere(0.25), loops, threshold, 1)
    assert row["guess"] == guess
    assert row["sigma_mean"] == row["sigma_max"] == 4
    assert row["loss"] == 1


def test_each_loop_is_kept_apart(lineage, store):
    found = evaluate([1], lineage, store, everywhere(0.25), [1, 2], SETTINGS)
    assert found[1].segments["probability"].tolist() == [0.25] * 7
    assert found[2].segments["probability"].tolist() == [0.5] * 7


def by_hand(task, store, answer):
    """Say in plain terms what both tables have to say about an answer."""
    image, segmentation, _ = store.get(task.volume)
    seed, truth = (np.isin(segmentation, ids) for ids in (task.seed, task.aggregate))
    guess = answer.probability > SETTINGS.threshold
    counts = {
        f"{name}{suffix}": int((mask & kept).sum())
        for suffix, kept in (("", np.ones_like(seed)), ("_seedless", ~seed))
        for name, mask in (
            ("guess", guess), ("truth", truth),
            ("intersection", guess & truth), ("union", guess | truth),
        )
    }  # fmt: skip
    row = {
        **counts, "image_mean": image.mean(), "loss": answer.loss,
        "sigma_max": answer.sigma.max(), "sigma_mean": answer.sigma.mean(),
    }  # fmt: skip
    agreed = dict(zip(task.aggregate, task.aggregate_weights, strict=True))
    scores = [
        {
            "task": task.task, "segment": segment, "voxels": 64 * mask.sum(),
            "probability": answer.probability[mask].mean(dtype=np.float64),
            "sigma": answer.sigma[mask].mean(dtype=np.float64),
            "variance": answer.members[:, mask].mean(1, np.float64).var(),
            "truth": segment in agreed, "vote_weight": agreed.get(segment, 0),
            "neuron": segment == 2,
        }
        for segment in range(1, 9)
        for mask in [segmentation == segment]
        if segment not in task.seed
    ]  # fmt: skip
    return row, scores


def test_the_tables_are_those_made_by_hand(lineage, store):
    """Several loops and members at once, against one after the other in plain terms."""
    generator = np.random.default_rng(6)

    def drawn(task):
        members = generator.random((3, 8, 8, 8), np.float32)
        sigma = 1 + generator.random((8, 8, 8), np.float32)
        return Answer(members.mean(0), sigma, members, loss=float(task))

    answers = {task: {1: drawn(task), 4: drawn(task)} for task in (1, 2, 3)}
    found = evaluate(
        [1, 2, 3],
        lineage,
        store,
        lambda tasks: [answers[task] for task in tasks],
        [1, 4],
        SETTINGS,
        neurons=dict.fromkeys((1, 2, 3), frozenset({2})),
    )
    for loops, tables in found.items():
        expected = [
            by_hand(lineage.task(task), store, answers[task][loops])
            for task in (1, 2, 3)
        ]
        rows = pd.DataFrame([row for row, _ in expected])
        scores = pd.DataFrame([score for _, scores in expected for score in scores])
        for table, plain in ((tables.tasks, rows), (tables.segments, scores)):
            pd.testing.assert_frame_equal(
                table[plain.columns], plain, check_dtype=False, rtol=1e-6
            )


def test_loops_together_are_to_the_byte_those_alone(lineage, store, tmp_path):
    def written(loops, count):
        found = evaluate([1, 2], lineage, store, everywhere(0.3), loops, SETTINGS)
        files = tmp_path / "tasks.parquet", tmp_path / "segments.parquet"
        save_evaluation(found[count], *files, {})
        return [file.read_bytes() for file in files]

    assert written([1, 2], 2) == written([2], 2)


def test_batches_keep_the_order_of_the_tasks(lineage, store):
    found = evaluate([3, 1, 2], lineage, store, everywhere(0.25), [1], SETTINGS)[1]
    assert found.tasks["task"].tolist() == [3, 1, 2]
    assert found.tasks["loss"].tolist() == [3, 1, 2]


@pytest.mark.parametrize("tasks", [[], [1, 2, 3]])
def test_the_tables_keep_to_their_schemas(lineage, store, seed_only, tasks, tmp_path):
    neurons = {task: frozenset({1, 2}) for task in tasks}
    found = evaluate(tasks, lineage, store, seed_only, [1], SETTINGS, neurons=neurons)[
        1
    ]
    for name, schema in (("tasks", TASK_METRICS), ("segments", SEGMENT_SCORES)):
        file = tmp_path / f"{name}.parquet"
        write_table(file, getattr(found, name), schema)
        kept = read_table(file, schema)
        assert kept["task"].unique().tolist() == tasks


def test_a_task_without_a_volume_is_refused_by_name(lineage, store):
    with pytest.raises(VolumeError, match="task 4 has no volume"):
        list(measure([4], lineage, store, everywhere(0.1), 1, 0.5, 1))


def test_a_split_is_answered_volume_by_volume(make_index):
    index = make_index(
        {"task": 1, "volume": 12, "split": "test"},
        {"task": 2, "volume": 11, "split": "test"},
        {"task": 3, "volume": 12, "split": "test"},
        {"task": 4, "volume": 11, "split": "train"},
        {"task": 5, "volume": 11, "split": "test"},
    )
    assert tasks_of_split(index, "test") == [2, 5, 1, 3]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 8, 11])
def test_parts_are_all_tasks_in_the_batches_of_the_whole(count, parts):
    """Batches of four; more parts than batches leave some without a task."""
    tasks = list(range(count))
    found = [part_of_batches(tasks, 4, part, parts) for part in range(parts)]
    assert [task for part in found for task in part] == tasks
    batches = [len(part) // 4 + (len(part) % 4 > 0) for part in found]
    assert sum(batches) == -(-count // 4)
    assert max(batches) - min(batches) <= 1
