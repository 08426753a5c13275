"""Say how pure the supervoxels are that the ready-made model makes of labelled blocks.

    python benchmarks/purity_of_supervoxels.py BLOCK.npz@10,10,10 …

Purity is the share of labelled voxels that lie in a piece whose most common label is
theirs. Each block is cut to its first 64 x 160 x 160 voxels, and has the arrays
``image``, ``gt`` or ``labels``, and ``supervoxels`` to compare with; behind @ are the
edges of its voxels (z, y, x) in nm.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.models.supervoxels import make_supervoxels

CORNER = np.s_[:64, :160, :160]
MODEL = Path(__file__).resolve().parents[1] / "models" / "agglomeration.pt"


def purity(pieces: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the share of labelled voxels that are in a piece mostly of their label."""
    known = labels > 0
    pairs = np.stack([pieces[known], labels[known]]).astype(np.int64)
    (piece, _), voxels = np.unique(pairs, axis=1, return_counts=True)
    most = np.zeros(piece.max() + 1, np.int64)
    np.maximum.at(most, piece, voxels)
    return float(most.sum() / np.count_nonzero(known))


def main() -> None:
    """Print a line a block."""
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    for argument in sys.argv[1:]:
        path, _, edges = argument.partition("@")
        z, y, x = map(float, edges.split(","))
        block = np.load(path)
        image = block["image"][CORNER]
        labels = block["gt" if "gt" in block else "labels"][CORNER]
        both = {
            "made": make_supervoxels(MODEL, cpu, image, (z, y, x)),
            "given": block["supervoxels"][CORNER],
        }
        for name, pieces in both.items():
            count = len(np.unique(pieces[pieces > 0]))
            share = purity(pieces, labels)
            print(f"{Path(path).stem}: {count} {name}, purity {share:.3f}")


if __name__ == "__main__":
    main()
