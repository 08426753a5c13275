"""Contacts and their features as they were first written, in whole-array steps.

What `volumes.contacts` and `agglomeration.contacts` are measured against, and must
equal.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from skimage.feature import hessian_matrix, hessian_matrix_eigvals
from skimage.segmentation import expand_labels

from eyewire_validator.agglomeration.contacts import GROWTH
from eyewire_validator.agglomeration.features import (
    COMPARED,
    FILTERS,
    OF_A_SEGMENT,
    OF_SEGMENTS,
    QUANTILES,
    SHEETS,
    SMOOTHING,
)
from eyewire_validator.volumes.grey import standardize_image

IDS = 1 << 16


def faces_along(axis, segmentation, distance=1, *, with_background=False):
    """Return where there is a face, axis first, and the code of each pair."""
    ids = np.moveaxis(segmentation, axis, 0).astype(np.int64)
    one, other = ids[:-distance], ids[distance:]
    touching = one != other
    if not with_background:
        touching &= (one > 0) & (other > 0)
    codes = np.minimum(one, other) * IDS + np.maximum(one, other)
    return touching, codes[touching]


def pairs_of(codes):
    return np.stack(np.divmod(codes, IDS), axis=1)


def find_contacts(segmentation):
    """Return pairs, faces and the surface by segment id, of `Contacts`."""
    codes = [
        faces_along(axis, segmentation, with_background=True)[1] for axis in (0, 1, 2)
    ]
    unique, faces = np.unique(np.concatenate(codes), return_counts=True)
    pairs = pairs_of(unique)
    surface = np.bincount(pairs.ravel(), faces.repeat(2), IDS).astype(np.int64)
    return pairs[pairs[:, 0] > 0], faces[pairs[:, 0] > 0], surface


def mean_over_faces(segmentation, values, distance=1):
    """Return pairs, faces and means of (3, z, y, x) values."""
    codes, on_faces = [], []
    for axis in range(3):
        touching, found = faces_along(axis, segmentation, distance)
        codes.append(found)
        on_faces.append(np.moveaxis(values[axis], axis, 0)[:-distance][touching])
    unique, contact, faces = np.unique(
        np.concatenate(codes), return_inverse=True, return_counts=True
    )
    sums = np.bincount(contact, np.concatenate(on_faces), len(unique))
    return pairs_of(unique), faces, (sums / faces).astype(np.float32)


def mean_at_distance(segmentation, values, distance, pairs):
    """Return the means of (3, z, y, x) values at a distance, of these pairs alone."""
    apart, _, means = mean_over_faces(segmentation, values, distance)
    found = dict(zip(map(tuple, apart.tolist()), means, strict=True))
    return np.array([found.get(tuple(pair), np.nan) for pair in pairs.tolist()])


def close_gaps(segmentation):
    return expand_labels(segmentation.astype(np.int32), GROWTH)


def filter_image(image):
    grey = standardize_image(image)
    found = [grey]
    for sigma in SMOOTHING:
        found.append(gaussian_filter(grey, sigma))
        found.append(gaussian_gradient_magnitude(grey, sigma))
    for sigma in SHEETS:
        hessian = hessian_matrix(
            grey, sigma, order="rc", use_gaussian_derivatives=False
        )
        found += list(hessian_matrix_eigvals(hessian) * sigma**2)
    return np.stack(found).astype(np.float32, copy=False)


def describe_contacts(volume):
    """Return pairs, faces and (n, features) float32."""
    segmentation, filtered = close_gaps(volume.segmentation), filter_image(volume.image)
    found = [_values_along(axis, segmentation, filtered) for axis in range(3)]
    codes, values, places = (
        np.concatenate(part, axis=-1) for part in zip(*found, strict=True)
    )
    order = np.argsort(codes, kind="stable")
    unique, count = np.unique(codes, return_counts=True)
    contact = np.repeat(np.arange(len(unique)), count)
    values, places = values[:, order], places[:, order]

    def mean(of_faces):
        return np.bincount(contact, of_faces, len(count)) / count

    size = np.log(count)
    spread = sum((mean(axis**2) - mean(axis) ** 2).clip(0) for axis in places)
    features = [
        *_appearance(values, contact, count, mean),
        *(size, np.sqrt(spread), size - np.log1p(spread)),
        *_compare(pairs_of(unique), count, values, mean, segmentation, filtered),
    ]
    return pairs_of(unique), count, np.stack(features, axis=1).astype(np.float32)


def _values_along(axis, segmentation, filtered):
    maps = np.moveaxis(filtered, axis + 1, 1)
    touching, codes = faces_along(axis, segmentation)
    values = (maps[:, :-1][:, touching] + maps[:, 1:][:, touching]) / np.float32(2)
    first, *others = np.nonzero(touching)
    others.insert(axis, first)
    return codes, values, np.stack(others).astype(np.float32)


def _appearance(values, contact, count, mean):
    first, columns = np.cumsum(count) - count, []
    for of_filter in values:
        ranked = of_filter[np.lexsort((of_filter, contact))]
        columns += [ranked[first + (q * (count - 1)).astype(int)] for q in QUANTILES]
        average = mean(of_filter)
        variance = mean(np.square(of_filter, dtype=np.float64)) - average**2
        columns += [average, np.sqrt(variance.clip(0))]
    return columns


def _compare(pairs, count, values, mean, segmentation, filtered):
    described, centers = _measure(segmentation, filtered)
    order = np.argsort(described[pairs, 0], 1, kind="stable")
    sides = np.take_along_axis(pairs, order, 1)
    smaller, larger = described[sides.T]
    surface = np.bincount(pairs.ravel(), count.repeat(2))
    apart = np.linalg.norm(centers[sides[:, 0]] - centers[sides[:, 1]], axis=1)
    columns = [*(count / surface[sides.T]), apart]
    for name in COMPARED:
        inside = mean(values[FILTERS.index(name)])
        column = OF_A_SEGMENT.index(f"{name}_mean")
        both = smaller[:, column], larger[:, column]
        columns += [inside - np.maximum(*both), inside - np.minimum(*both)]
    return [*smaller.T, *larger.T, *np.abs(smaller - larger).T, *columns]


def _measure(segmentation, filtered):
    """Describe the segments by id, and find their centers."""
    ids = segmentation.ravel()
    voxels = np.bincount(ids)

    def mean(values):
        return np.bincount(ids, np.ravel(values).astype(float)) / np.maximum(voxels, 1)

    columns = [np.log1p(voxels)]
    for name in OF_SEGMENTS:
        values = filtered[FILTERS.index(name)]
        average = mean(values)
        variance = mean(np.square(values, dtype=np.float64)) - average**2
        columns += [average, np.sqrt(variance.clip(0))]
    centers = [mean(axis) for axis in np.indices(segmentation.shape)]
    return np.stack(columns, axis=1), np.stack(centers, axis=1)
