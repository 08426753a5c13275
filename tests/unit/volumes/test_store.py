import pickle
from dataclasses import asdict

import numpy as np
import pytest

from eyewire_validator.errors import ConfigError, FileError
from eyewire_validator.volumes.store import CoarseVolume, VolumeStore


def parents_of(store):
    """The folders that a store looks into."""
    return {folder.parent for folder in store.folders.values()}


def test_mask_selects_segments_and_never_the_background():
    segmentation = np.array([[[0, 5, 65535, 7]]], np.uint16)
    volume = CoarseVolume(np.zeros((1, 1, 4), np.uint8), segmentation)
    assert volume.mask([5, 65535]).tolist() == [[[False, True, True, False]]]
    assert not volume.mask([]).any()
    assert not volume.mask([0, -1, 65536, 2**40]).any()


def test_volumes_are_read_once_and_read_only(make_store, octants):
    store = make_store({11: octants})
    volume = store.get(11)
    assert volume is store.get(11)
    np.testing.assert_array_equal(volume.segmentation, octants)
    with pytest.raises(ValueError, match="read-only"):
        volume.image[0] = 0


def test_memory_is_bounded(make_store, octants):
    full = make_store({11: octants, 12: octants})
    store = VolumeStore(parents_of(full), full.geometry, max_bytes=3 * 8**3)
    first = store.get(11)
    assert store.get(11) is first
    store.get(12)
    assert store.get(11) is not first


def test_volumes_know_how_large_their_voxels_are(make_store, octants):
    cubes = make_store({11: octants})
    assert cubes.get(11).voxel_nm is None
    store = VolumeStore(parents_of(cubes), cubes.geometry, voxel_nm=(30.0, 6.0, 6.0))
    again = pickle.loads(pickle.dumps(store))
    for one in (store, again):
        assert one.get(11).voxel_nm == one.coarse_voxel_nm == (120, 24, 24)
        assert one.coverage(11).voxel_nm == (30, 6, 6)


def test_a_job_opens_volumes_as_large_as_config_and_manifest_say(
    make_store, octants, tmp_path
):
    cubes = make_store({11: octants})
    folders = [str(folder) for folder in parents_of(cubes)]
    sizes = asdict(cubes.geometry)
    assert VolumeStore.open(folders, sizes, None).voxel_nm is None
    assert VolumeStore.open(folders, sizes, [30, 6, 6]).get(11).voxel_nm
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"voxel_nm": [30, 6, 6]}')
    store = VolumeStore.open(folders, sizes, None, str(manifest))
    assert (store.voxel_nm, store.geometry) == ((30, 6, 6), cubes.geometry)
    with pytest.raises(ConfigError, match="voxel_nm"):
        VolumeStore.open(folders, sizes, [10, 10, 10], str(manifest))


def test_a_missing_volume_is_named(make_store, octants):
    store = make_store({11: octants})
    assert 11 in store
    assert 12 not in store
    for ask in (store.get, store.coverage, store.graph):
        with pytest.raises(FileError, match="volume 12: not among the 1 that"):
            ask(12)


def test_a_missing_file_is_named(make_store, octants):
    store = make_store({11: octants})
    (store.folders[11] / "image.lzma").unlink()
    with pytest.raises(FileError, match=r"11/image\.lzma: no such file"):
        store.get(11)


def test_volumes_may_lie_in_several_folders(make_store, octants, tmp_path):
    store = make_store({11: octants, 12: octants})
    (tmp_path / "others").mkdir()
    store.folders[12].rename(tmp_path / "others/12")
    (tmp_path / "others/.snakemake_timestamp").touch()
    store = VolumeStore([tmp_path / "others", *parents_of(store)], store.geometry)
    assert sorted(store.folders) == [11, 12]
    np.testing.assert_array_equal(store.get(12).segmentation, octants)
