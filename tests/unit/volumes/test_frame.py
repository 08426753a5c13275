"""Tests for the frame of the user's data."""

import json

import numpy as np
import pytest

from eyewire_validator.volumes.frame import Frame


@pytest.mark.parametrize(
    ("place", "expected"), [(None, [180, 20]), ([5, 6, 7], [185, 27])]
)
def test_a_manifest_says_where_the_first_voxel_lies(tmp_path, place, expected):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"voxel_nm": [40, 4, 8], "offset_nm": place}))
    frame = Frame.open(None, str(manifest))
    found = [frame.in_nm(np.array([4]), 0), frame.in_nm(np.array([2]), 2)]
    assert np.ravel(found).tolist() == expected


def test_without_a_manifest_points_count_from_0():
    frame = Frame.open([40, 4, 8], None)
    assert frame.in_nm(np.array([0, -1]), 1).tolist() == pytest.approx(
        [2, np.nan], nan_ok=True
    )


def test_a_point_of_unknown_voxels_is_unknown():
    assert np.isnan(Frame.open(None, None).in_nm(np.array([4]), 0)).all()
