"""Contacts that were scored at full resolution, as they lie beside a volume."""

import numpy as np
import pytest

from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.fine_contacts import FineContacts

LOOKS = Appearance(1.0, 120.0, 5.0, -2.0, -1.0, -1.0, 0.0)


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("voxel_nm", [None, (23.0, 16.5, 16.5)])
def test_they_come_back_as_they_were(tmp_path, count, voxel_nm):
    draw = np.random.default_rng(0)
    evidence = draw.normal(size=(2 if count else 1, count)).astype(np.float32)
    fine = FineContacts(
        draw.integers(1, 9, (count, 2)), draw.random(count), evidence, LOOKS,
        voxel_nm, "abc",
    )  # fmt: skip
    fine.write(tmp_path / "contacts.parquet")
    back = FineContacts.read(tmp_path / "contacts.parquet")
    for here, there in zip(fine[:3], back[:3], strict=True):
        np.testing.assert_array_equal(here, there)
    assert back[3:] == fine[3:]
    assert FineContacts.scored_by_of(tmp_path / "contacts.parquet") == "abc"
