"""Measure how well the queue finds what people answered wrong, where that is known.

    python benchmarks/measure_contradictions.py FOLDER MODEL

FOLDER is a run of the sandbox, whose players' mistakes are known, after `snakemake
review` with `evaluation: {splits: [train, validation, test]}`. Of the segments about
which the model contradicts people (`missing`, `foreign`), and of all candidates of
labelled tasks: how many people really have wrong, how many of those the first 10, 20
and 50 hold, and the AUC of telling them, by the queue's order and by the model alone.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from eyewire_validator.review.queue import FOREIGN, MISSING, select_decisions
from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES
from eyewire_validator.storage.tables import read_table

FIRST = (10, 20, 50)


def contradictions(answers: pd.DataFrame) -> pd.DataFrame:
    """Return what the queue asks about people's own answers."""
    asked = select_decisions(answers, None, audit_share=0)
    return asked[asked["reason"].isin([MISSING, FOREIGN])]


def describe(rows: pd.DataFrame, orders: dict[str, str]) -> None:
    """Print how the wrong ones are found in each order."""
    wrong = rows["wrong"].to_numpy(bool)
    print(
        f"{len(rows)} segments of {rows['task'].nunique()} tasks, {wrong.sum()} wrong"
    )
    if wrong.all() or not wrong.any():
        return
    for name, by in orders.items():
        order = np.argsort(-rows[by].to_numpy(), kind="stable")
        held = ", ".join(f"{wrong[order[:k]].sum()} of {k}" for k in FIRST)
        print(f"  {name}: AUC {roc_auc_score(wrong, rows[by]):.3f}; first {held}")


def main() -> None:
    """Read a run, and describe it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    given = parser.parse_args()
    results = given.folder / "results"
    answers = read_table(results / f"answers/{given.model}/answers.parquet", ANSWERS)
    known = pd.concat(
        read_table(file, SEGMENT_SCORES)[["task", "segment", "neuron"]]
        for file in sorted(
            results.glob(f"evaluation/{given.model}/0/*/*/segments.parquet")
        )
    )
    labelled = answers[answers["aggregate"].notna()].merge(
        known, on=["task", "segment"]
    )
    chosen = labelled["aggregate"].astype(bool)
    labelled["wrong"] = chosen != labelled["neuron"].astype(bool)
    labelled["model"] = (chosen - labelled["calibrated"]).abs()
    asked = contradictions(answers).merge(
        labelled[["task", "segment", "wrong", "model"]], on=["task", "segment"]
    )
    describe(asked, {"queue": "expected_edits", "model": "model"})
    describe(labelled, {"model": "model"})


if __name__ == "__main__":
    main()
