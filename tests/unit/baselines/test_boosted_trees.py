"""Gradient boosting on geometry: its features, and what it learns."""

import numpy as np
import pytest

from eyewire_validator.baselines.boosted_trees import (
    CandidateFeatures,
    GeometryTrainer,
    ids_of,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.dust import Dust

VOLUMES = range(11, 15)
NO_DUST = Dust(0)


def cells_of_two(seed):
    """Segments of 2 cubed coarse voxels, 64 of them, ids shuffled."""
    ids = np.random.default_rng(seed).permutation(64).astype(np.uint16) + 1
    return ids.reshape(4, 4, 4).repeat(2, 0).repeat(2, 1).repeat(2, 2)


def pairs_along_x(segmentation):
    """Pairs of the segments that lie side by side along x, one of each the seed."""
    return zip(
        segmentation[::2, ::2, 0].ravel(),
        segmentation[::2, ::2, 2].ravel(),
        strict=True,
    )


@pytest.fixture
def store(make_store):
    return make_store({volume: cells_of_two(volume) for volume in VOLUMES})


@pytest.fixture
def index(make_index):
    """Tasks answered by the seed's neighbour along x; the last volume's are test."""
    rows = [
        {
            "volume": volume, "seed": [seed], "aggregate": [seed, neighbour],
            "split": "test" if volume == VOLUMES[-1] else "train",
        }
        for volume in VOLUMES
        for seed, neighbour in pairs_along_x(cells_of_two(volume))
    ]  # fmt: skip
    return make_index(*({"task": task, **row} for task, row in enumerate(rows)))


def features_of(store, index, task=0, dust=NO_DUST):
    row = Lineage(index).task(task)
    return CandidateFeatures(store, dust).of(row.volume_id, ids_of(row.seed))


def train(index, store, dust=NO_DUST):
    return GeometryTrainer(store, dust).train(index)


@pytest.fixture
def drawn(make_store, geometry):
    """Segments 1 (the seed), 2 beside it, 3 at the other end; 1 is also above 2."""
    row = np.zeros(geometry.coarse_shape, np.uint16)
    row[0, 0, :] = [1, 1, 2, 2, 0, 0, 3, 3]
    row[1, 0, 2] = 1
    return make_store({11: row})


def test_features_of_a_drawn_volume(drawn, make_index):
    index = make_index({"task": 0, "volume": 11, "seed": [1], "aggregate": [1, 2]})
    found = features_of(drawn, index)
    assert found.index.tolist() == [2, 3]
    expected = {
        "log_voxels": np.log([128, 128]),
        "depth": [4, 4],
        "height": [4, 4],
        "width": [8, 8],
        "filling": [1, 1],
        "volume_faces": [2, 3],
        "center_z": [0, 0],
        "center_y": [0, 0],
        "center_x": [2.5, 6.5],
        "offset_z": [-1 / 3, -1 / 3],
        "offset_y": [0, 0],
        "offset_x": [1.5, 5.5],
        "distance": [(1 + np.sqrt(2)) / 2, (np.sqrt(17) + np.sqrt(26)) / 2],
        "box_gap": [0, 12],
        "log_seed_voxels": np.log1p([192, 192]),
        "seed_segments": [1, 1],
        "seed_area": [2, 0],
        "seed_share": [2 / 6, 0],
        "flood": [2 / 6, 0],
    }
    assert found.columns.tolist() == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


def test_flat_voxels_are_measured_in_the_edges_of_cubes(drawn, make_index):
    index = make_index({"task": 0, "volume": 11, "seed": [1], "aggregate": [1, 2]})
    drawn.voxel_nm = (8.0, 1.0, 1.0)  # edges of 4, 0.5 and 0.5
    found = features_of(drawn, index)
    np.testing.assert_allclose(found[["depth", "width"]], [[16, 4], [16, 4]])
    np.testing.assert_allclose(found["box_gap"], [0, 6])
    np.testing.assert_allclose(found["seed_area"], [2 + 0.25, 0])
    np.testing.assert_allclose(found["center_x"], [1.25, 3.25])
    np.testing.assert_allclose(found["distance"].iloc[0], 0.75)


@pytest.mark.parametrize(("seed", "neighbour"), [(1, 2), (2, 1)])
def test_either_side_of_a_contact_may_be_the_seed(drawn, make_index, seed, neighbour):
    index = make_index({"task": 0, "volume": 11, "seed": [seed]})
    assert features_of(drawn, index).loc[neighbour, "seed_area"] == 2


def test_a_seed_that_is_not_there_leaves_distances_open(drawn, make_index):
    index = make_index({"task": 0, "volume": 11, "seed": [99]})
    found = features_of(drawn, index)
    unknown = found.columns[found.isna().all()].tolist()
    assert unknown == ["offset_z", "offset_y", "offset_x", "distance", "box_gap"]


def test_dust_and_the_seed_are_no_candidates(store, index):
    assert len(features_of(store, index)) == 63
    assert not len(features_of(store, index, dust=Dust(512)))


def test_what_training_showed_is_found_in_another_volume(store, index):
    answer = train(index, store)
    lineage = Lineage(index)
    for row in index[index["split"] == "test"].itertuples():
        (neighbour,) = set(row.aggregate) - set(row.seed)
        probability = answer(lineage.task(row.task)).segments
        assert probability.argmax() == neighbour


def test_the_same_tasks_give_the_same_bytes(store, index):
    task = Lineage(index).task(len(index) - 1)
    first, second = (train(index, store)(task) for _ in range(2))
    assert first.segments.tobytes() == second.segments.tobytes()
    assert first.probability.tobytes() == second.probability.tobytes()


def test_only_the_split_train_is_learnt_from(store, index):
    task = Lineage(index).task(len(index) - 1)
    answers = index["aggregate"].where(index["split"] == "train", index["seed"])
    blanked = index.assign(aggregate=answers)
    first, second = (train(i, store)(task) for i in (index, blanked))
    assert first.segments.tobytes() == second.segments.tobytes()


def test_a_model_is_kept_as_long_as_the_examples_are_the_same(store, index):
    trainer = GeometryTrainer(store, NO_DUST)
    others = index["split"] != "train"
    blanked = index.assign(aggregate=index["aggregate"].mask(others, index["seed"]))
    first, second = (trainer.train(i).model for i in (index, blanked))
    assert first is second
    fewer = index.assign(split=index["split"].where(index["volume"] != 11, None))
    other = trainer.train(fewer)
    assert other.model is not first
    task = Lineage(index).task(len(index) - 1)
    assert (
        other(task).segments.tobytes() == train(fewer, store)(task).segments.tobytes()
    )


def test_nothing_to_learn_from_is_refused(store, index):
    with pytest.raises(ModelError, match="0 of the 0 candidate segments of 0 training"):
        train(index.assign(split="test"), store)
    nothing = index.assign(aggregate=index["seed"])
    with pytest.raises(
        ModelError, match=r"0 of the \d+ candidate.*more training tasks"
    ):
        train(nothing, store)
