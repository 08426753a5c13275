"""Answer one question about arrays that are named: from sources to a table.

Example:
    >>> answer("block.npz::image", "block.npz::ids", [17, 230], voxel_nm=(10, 10, 10))
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import ModelError
from eyewire_validator.models.cutout import Bounds, Cutout, cut_out
from eyewire_validator.models.segment_ids import listed
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.sandbox.frames import check_dtypes, open_on_one_grid
from eyewire_validator.storage.array_files import Access, Place
from eyewire_validator.volumes.voxel_size import stated

# The trained model that comes with the package (models/README.md).
READY_MADE = Path(__file__).with_name("agglomeration.pt")
POINT = ["z_nm", "y_nm", "x_nm"]


def answer(
    image: str | Path,
    segments: str | Path,
    seed: Collection[int] = (),
    *,
    seed_point: Place | None = None,
    box: Bounds | None = None,
    voxel_nm: Place | None = None,
    model: str | Path = READY_MADE,
    adapt: bool = False,
    access: Access | None = None,
    device: str = "auto",
) -> pd.DataFrame:
    """Answer which segments belong to a seed, by the segmentation's own ids.

    Args:
        image: the grey image; docs/sources.md says what may be named.
        segments: the segmentation, integers; 0 is nothing.
        seed: ids of the segments that belong to the answer.
        seed_point: a place (z, y, x) in nm; the segment there belongs to the seed.
        box: the part to look at (z, y, x), in voxels of the space in which the arrays
            lie: places in nm divided by the edges of a voxel, as Neuroglancer shows
            them. All that both arrays cover if not given.
        voxel_nm: edges of a voxel (z, y, x) in nm; chooses the level of a pyramid.
            Needed if no source says it.
        model: checkpoint of kind agglomeration; the ready-made one if not given.
        adapt: whether the model learns for a minute, before it answers, from the
            segments what membranes look like here; for tissue that it does not know.
        access: how often to ask for what lies elsewhere, and where to keep it.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Returns:
        A row for each other segment, the most probable first: ``segment``, its own id;
        ``z_nm``, ``y_nm``, ``x_nm``, the middle of a voxel of it; ``probability`` that
        it belongs, not calibrated, ``deviation`` of the members of the ensemble, both
        0 to 1, and ``decision``: accept, ask or reject.

    Warns:
        UserWarning: the image is unlike all that the model learned from.

    Raises:
        FileError: a source cannot be opened or read.
        SandboxError: the two do not fit each other.
        ModelError: there is no voxel size, the box is outside or too large, the seed is
            not in it, the checkpoint cannot be used, or an array is given in place of
            its name.
    """
    sources = {"image": _name(image), "segments": _name(segments)}
    voxel_nm = stated(voxel_nm)
    arrays = open_on_one_grid(sources, voxel_nm, access)
    check_dtypes(arrays)
    validator = load_segment_validator(model, device)
    cutout = cut_out(arrays, box, voxel_nm)
    given = _seed(cutout, seed, seed_point)
    if adapt:
        part = cutout.image, cutout.ids
        validator = validator.adapted([part], cutout.voxel_nm)
    scored = validator.score(cutout.image, cutout.ids, cutout.voxel_nm)
    found = scored.answer(given)
    found[POINT] = _points(cutout, found["segment"].to_numpy())
    return found[["segment", *POINT, "probability", "deviation", "decision"]]


def _name(source: str | Path) -> str:
    """Return the name of a source; arrays have none."""
    if isinstance(source, str | Path):
        return str(source)
    raise ModelError(
        f"expected the name of a file or address, not a {type(source).__name__}; "
        "arrays are answered by load_segment_validator(checkpoint).answer"
    )


def _seed(cutout: Cutout, ids: Collection[int], point: Place | None) -> list[int]:
    """Return the ids of the seed, all of which are in the cutout."""
    given = listed(ids) + ([] if point is None else [cutout.id_at(point)])
    if not given:
        raise ModelError("no seed: give ids (--seed 17,230), or a point (--seed-point)")
    for one in given:
        if one == 0:
            raise ModelError("seed 0 is background, in no segment; name another id")
        if not 0 < one < 2**64 or not (cutout.ids == np.uint64(one)).any():
            raise ModelError(
                f"seed {one} is not in what is looked at; is it of this segmentation? "
                "then name the box that holds it (--box)"
            )
    return list(dict.fromkeys(given))


def _points(cutout: Cutout, segments: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return a point in each segment, (n, 3) in (z, y, x), nm.

    Of its voxels in the order of the array, the one in the middle.
    """
    order = np.argsort(cutout.ids, axis=None, kind="stable")
    known, first, counts = np.unique(
        cutout.ids.ravel()[order], return_index=True, return_counts=True
    )
    middle = order[first + counts // 2][np.searchsorted(known, segments)]
    voxels = np.stack(np.unravel_index(middle, cutout.ids.shape), axis=1)
    return cutout.middle_nm(voxels)
