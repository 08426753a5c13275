"""Draw what lwunet learns against the samples that it has seen.

    python benchmarks/study_lwunet_at_scale.py FOLDER

FOLDER holds a finished run of config/studies/lwunet_at_scale.yaml. Beside its report,
`results/report/scale.csv` and `scale.png` are written: F1, PR-AUC and the IoU of voxels
beyond the seed on the split that is reported.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import read_table

METRICS = {"f1": "F1", "pr_auc": "PR-AUC", "voxel_iou": "voxel IoU beyond the seed"}


def samples_seen(models: Path, model: str) -> float:
    """Return the samples that a training has seen, the mean over replicates."""
    files = (models / model).glob("*/history.parquet")
    tasks = [int(read_table(file, HISTORY)["tasks"].sum()) for file in files]
    return sum(tasks) / len(tasks)


def learning_curve(results: Path) -> pd.DataFrame:
    """Return the rows of the honest table that are studied, with their samples."""
    table = pd.read_csv(results / "report" / "honest_table.csv")
    table = table[table["model"].str.startswith("after_")]
    seen = [samples_seen(results / "models", model) for model in table["model"]]
    spreads = [f"{metric}_spread" for metric in METRICS]
    curve = table[["model", "split", "replicates", *METRICS, *spreads]]
    return curve.assign(samples=seen).sort_values("samples", ignore_index=True)


def draw(curve: pd.DataFrame) -> Figure:
    """Draw a panel a metric; whiskers are the deviation over replicates."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    panels = figure.subplots(1, len(METRICS), sharex=True, sharey=True)
    for axes, (metric, name) in zip(panels, METRICS.items(), strict=True):
        spread = curve[f"{metric}_spread"]
        axes.errorbar(curve["samples"], curve[metric], spread, marker="o")
        axes.set(title=name, xlabel="samples seen", xscale="log", ylim=(0, 1))
    return figure


def main() -> None:
    """Write the curve and its figure; print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the run")
    results = parser.parse_args().folder / "results"
    curve = learning_curve(results)
    curve.to_csv(results / "report" / "scale.csv", index=False)
    draw(curve).savefig(results / "report" / "scale.png")
    print(curve.to_string(index=False))


if __name__ == "__main__":
    main()
