"""What cloud-volume reads: by a stand-in, as the extra is not installed for tests."""

import sys
from types import SimpleNamespace
from typing import ClassVar

import chunked_arrays as write
import numpy as np
import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import Access, NoSuchLevelError, open_array

IDS = write.labels((6, 5, 4))
SOURCE = "graphene://https://h/table?timestamp=1700000000"
TOKEN = "c4n4ry53cr37"


class CloudVolume:
    """A volume of two levels, in the order x, y, z, channel."""

    asked: ClassVar[list] = []

    def __init__(self, path, secrets=None, **options):
        if secrets and secrets["token"] != TOKEN:
            raise ValueError(f"401\nfor token {secrets['token']}")
        CloudVolume.asked.append((path, options))
        self.available_mips, self.mip = [0, 1], 0
        self.dtype, self.chunk_size = "uint64", np.array([2, 2, 2])
        self.meta = SimpleNamespace(
            resolution=lambda mip: np.array([8, 8, 40]) * 2**mip,
            voxel_offset=lambda mip: np.array([10, 20, 30]),
        )

    @property
    def voxel_offset(self):
        return self.meta.voxel_offset(self.mip)

    @property
    def volume_size(self):
        return np.array(IDS.shape[::-1])

    def __getitem__(self, box):
        x, y, z = (
            slice(a.start - b, a.stop - b)
            for a, b in zip(box, (10, 20, 30), strict=True)
        )
        return IDS.T[x, y, z, np.newaxis]


@pytest.fixture
def installed(monkeypatch):
    stand_in = SimpleNamespace(CloudVolume=CloudVolume)
    monkeypatch.setitem(sys.modules, "cloudvolume", stand_in)
    monkeypatch.setenv("CAVE_TOKEN", TOKEN)
    CloudVolume.asked.clear()


@pytest.mark.usefixtures("installed")
def test_cells_are_read_as_they_were_at_a_time(tmp_path):
    opened = open_array(SOURCE, access=Access(tmp_path, rate=1e9))
    np.testing.assert_array_equal(opened.read(), IDS)
    assert opened.resolution_nm == (40, 8, 8)
    assert opened.offset_nm == (1200, 160, 80)
    path, options = CloudVolume.asked[0]
    assert path == "graphene://https://h/table"
    assert options["timestamp"] == 1_700_000_000
    assert options["agglomerate"]
    assert not options["fill_missing"]
    assert len(list(tmp_path.rglob("*.xz"))) == 3 * 3 * 2
    assert not any(
        TOKEN.encode() in file.read_bytes() for file in tmp_path.rglob("*.*")
    )
    later = open_array(SOURCE.replace("17", "18"))
    assert later.version != opened.version
    assert open_array(SOURCE, (80, 16, 16)).resolution_nm == (80, 16, 16)
    with pytest.raises(NoSuchLevelError, match=r"8_8_40 .* 16_16_80"):
        open_array(SOURCE, (1, 1, 1))


@pytest.mark.usefixtures("installed")
def test_a_token_that_is_missing_or_refused_is_not_repeated(monkeypatch):
    monkeypatch.setenv("CAVE_TOKEN", "another")
    with pytest.raises(FileError, match=r"cannot read it \(401 for token \*\*\*\)"):
        open_array(SOURCE)
    monkeypatch.delenv("CAVE_TOKEN")
    with pytest.raises(FileError, match="set the environment variable CAVE_TOKEN"):
        open_array(SOURCE)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("suffix", [".gz", ".br", ".zst", ".zstd"])
def test_local_chunks_that_are_packed_are_read(suffix, tmp_path):
    write.write_precomputed(tmp_path, IDS)
    for path in (tmp_path / "8_8_40").iterdir():
        path.rename(path.with_name(path.name + suffix))
    np.testing.assert_array_equal(open_array(f"precomputed://{tmp_path}").read(), IDS)
    assert CloudVolume.asked[0][0] == f"precomputed://file://{tmp_path}"


def test_without_the_extra_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudvolume", None)
    monkeypatch.setenv("CAVE_TOKEN", TOKEN)
    with pytest.raises(FileError, match=r"pip install 'eyewire-validator\[cave\]'"):
        open_array(SOURCE)
