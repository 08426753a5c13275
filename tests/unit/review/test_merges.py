"""Tests for the merges that people decided."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.review.merges import list_merges
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.store import CoarseVolume

# A row of voxels, a digit each; the seed is 1 and 4, the candidate 2.
ROW = "1104422"
CORNER, FACTOR, VOXEL_NM = (10, 20, 30), (2, 2, 2), (30.0, 8.0, 8.0)
OWN_CANDIDATE = 2**63 + 3


@pytest.fixture
def merges():
    """Return a function that lists the merges of decisions about one pair."""

    def merges(verdicts, row=ROW, voxel_nm=VOXEL_NM, z_nm=345.0):
        ids = np.array([[list(map(int, row))]], np.uint16)
        task = SimpleNamespace(volume_id=3, corner=CORNER, seed=np.array([1, 4]))
        pair = {"item": "7-2", "task": 7, "cell": 1, "segment": 2, "seeds": "1 4"}
        # The middle of the last coarse voxel, and where it is in nm.
        point = {"z": 11, "y": 21, "x": 43, "z_nm": z_nm, "y_nm": 172.0, "x_nm": 348.0}
        decisions = pd.DataFrame(
            [
                {**pair, **point, "reviewer": reviewer, "verdict": verdict}
                for reviewer, verdict in verdicts.items()
            ]
        ).assign(supervoxel=np.uint64(OWN_CANDIDATE))
        store = SimpleNamespace(
            get={3: CoarseVolume(ids.astype("u1"), ids)}.__getitem__,
            geometry=SimpleNamespace(factor=FACTOR),
            voxel_nm=voxel_nm,
        )
        lineage = SimpleNamespace(task={7: task}.__getitem__)
        return list_merges(decisions, lineage, store, Origins())

    return merges


def test_a_pair_has_the_nearest_segment_of_the_seed_and_a_point_on_each_side(merges):
    (merge,) = merges({"ada": "yes"}).to_dict("records")
    assert (merge["seed"], merge["supervoxel"]) == ("4", str(OWN_CANDIDATE))
    # Coarse voxels 4 and 5, 16 nm each; the middle of the last, 6, is at 348 nm.
    assert [merge[f"seed_{axis}_nm"] for axis in "xyz"] == [316.0, 172.0, 345.0]
    assert [merge[f"{axis}_nm"] for axis in "xyz"] == [332.0, 172.0, 345.0]
    assert merge["decided_by"] == "ada"


@pytest.mark.parametrize(
    "verdicts",
    [
        {"ada": "no"},
        {"ada": "unsure"},
        {"ada": "irrelevant"},
        {"ada": "yes", "b": "no"},
    ],
)
def test_what_is_not_settled_as_belonging_is_no_merge(merges, verdicts):
    assert len(merges(verdicts)) == 0


@pytest.mark.parametrize(
    "unknown", [{"voxel_nm": None}, {"z_nm": np.nan}, {"row": "0000022"}]
)
def test_a_pair_without_two_places_is_left_out(merges, unknown):
    found = merges({"ada": "yes"}, **unknown)
    assert len(found) == 0
    assert "seed_x_nm" in found


def test_two_who_agree_make_one_merge(merges):
    assert merges({"ada": "yes", "bob": "yes"})["decided_by"].tolist() == ["ada; bob"]
