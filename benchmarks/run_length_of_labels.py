"""Measure the expected run length of a finished segmentation on the grown cells' truth.

    python benchmarks/run_length_of_labels.py RUN FILE::ARRAY ...

RUN is the folder of a finished `snakemake grow`, whose skeletons are taken, so that the
numbers stand beside those of growth.json: the lengths are of the cells that were grown,
but what is merged is told by all skeletons. Each FILE::ARRAY (.npz) is a segmentation
of its image, 0 is nothing. By em_erl's definition: a label with more than so many nodes
of two cells or more is merged, and its runs are 0. In brackets, intervals of 95 % over
cells drawn again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from eyewire_validator.evaluation.bootstrap import intervals, resample_cells
from eyewire_validator.growth.measures import MERGED, NM_OF_UM
from eyewire_validator.storage.schemas.growth import SKELETON_NODES
from eyewire_validator.storage.tables import read_table


def run_lengths(
    nodes: pd.DataFrame, labels: np.ndarray, cells: set[int]
) -> dict[str, str]:
    """Return ERL of cells in um, NERL and their merged labels, by `MERGED` nodes."""
    first = np.arange(len(nodes)) - nodes["node"].to_numpy()
    towards = nodes["towards"].to_numpy()
    parent = np.where(towards < 0, np.arange(len(nodes)), first + towards)
    label = labels[tuple(nodes[list("zyx")].to_numpy().T)].astype(np.int64)
    own = nodes["cell"].isin(cells)
    path = nodes[own].groupby("cell")["length"].sum() / NM_OF_UM
    kept = (label == label[parent]) & (label > 0)
    rows = nodes.assign(label=label)
    runs = rows[kept & own].groupby(["cell", "label"])["length"].sum() / NM_OF_UM
    held = rows[rows["label"] > 0].groupby(["label", "cell"]).size()
    sums, merged_labels = pd.DataFrame({"path": path, "path2": path**2}), {}
    for most in MERGED:
        holds = held[held > most].reset_index()
        of_own = holds.loc[holds["cell"].isin(cells), "label"]
        merged = set(holds.loc[holds["label"].duplicated(), "label"]) & set(of_own)
        clean = runs[~runs.index.get_level_values("label").isin(merged)] ** 2
        sums[f"run2_{most}"] = clean.groupby("cell").sum()
        merged_labels[f"merged_{most}"] = str(len(merged))
    return {**with_intervals(sums.fillna(0)), **merged_labels}


def with_intervals(sums: pd.DataFrame) -> dict[str, str]:
    """Return ERL and NERL in words, given what they are sums of, a row a cell."""
    drawn = resample_cells(sums.index.to_numpy())
    point, resampled = (
        ratios(pd.DataFrame(times @ sums.to_numpy(), columns=sums.columns))
        for times in (np.ones((1, len(sums))), drawn)
    )
    return {
        name: "{value:.2f} ({low:.2f} to {high:.2f})".format(**found)
        for name, found in intervals(point.iloc[0], resampled).items()
    }


def ratios(sums: pd.DataFrame) -> pd.DataFrame:
    """Return ERL and NERL, of the sums over cells in each row."""
    found = {"erl_truth": sums["path2"] / sums["path"]}
    for most in MERGED:
        found[f"erl_{most}"] = sums[f"run2_{most}"] / sums["path"]
        found[f"nerl_{most}"] = sums[f"run2_{most}"] / sums["path2"]
    return pd.DataFrame(found)


def main() -> None:
    """Print a column a segmentation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("labels", nargs="+")
    given = parser.parse_args()
    nodes = read_table(given.run / "results/growth/skeletons.parquet", SKELETON_NODES)
    measured = pd.read_csv(given.run / "results/growth/cells.csv")
    cells = set(measured.loc[measured["how"] == "grown", "cell"])
    rows = {}
    for source in given.labels:
        file, _, array = source.partition("::")
        rows[source] = run_lengths(nodes, np.load(file)[array], cells)
    print(pd.DataFrame(rows).to_string())


if __name__ == "__main__":
    main()
