"""What a network sees of raw volumes that it is adapted to."""

from dataclasses import dataclass

import numpy as np

from eyewire_validator.models.adapt_finely import middle_of
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume


@dataclass(frozen=True)
class Drawn(RawVolume):
    """A raw volume whose segments are numbered by their place, without any file."""

    def image(self):
        return self.segmentation().astype(np.uint8)

    def segmentation(self):
        places = np.arange(self.geometry.voxels) % 60_001
        return places.reshape(self.geometry.size).astype(np.uint16)


def test_the_middle_is_seen_of_what_is_large(tmp_path):
    raw = Drawn(tmp_path, 41, VolumeGeometry((10, 70, 65), 0, 1))
    seen = middle_of(raw, (30.0, 10.0, 10.0))
    assert seen.image.shape == (10, 64, 64)
    assert (seen.segmentation == raw.segmentation()[:, 3:67, 0:64]).all()
    assert (seen.image == raw.image()[:, 3:67, 0:64]).all()
    assert seen.voxel_nm == (30.0, 10.0, 10.0)
