"""Simulate people who decide on candidates, or label tasks, and what is learned by it.

    python benchmarks/simulate_decisions.py EVIDENCE START [--figure FILE.png]

EVIDENCE is a folder with tasks.parquet and candidates.parquet on a tissue that the
U-Net never saw, START one on another tissue: its membership and its threshold are what
the model has before it learns (both of `snakemake carry_over`,
results/carry_over/evidence). In each draw a random half of the cells may be asked
about, and the other half judges. Printed are means over draws, and the middle 95 % of
them: half of the cells without replacement vary as much as all of them do with.

With ``--priors``, the edits and calibration errors of several priors; with ``--taken``,
what the rule is worth by which a refit is taken.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from eyewire_validator.agglomeration.membership import DRIFT, Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.evaluation.calibration import ece, reliability
from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.evaluation.segment_metrics import Ranking, average_precision
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.models.carry_over import choose_across
from eyewire_validator.models.evidence import Evidence, fit_memberships, refit_to
from eyewire_validator.models.labels import Labels
from eyewire_validator.models.learn import EVEN, learn_tissue
from eyewire_validator.volumes.appearance import Familiar

DECISIONS = (10, 25, 50, 100, 200)
TASKS = (10, 20, 50)
SETTINGS = DecisionSettings(Risk(0.05, 0.95), 0.95)
PRIORS = [(bias, slope) for bias in (0.3, 1.0, 3.0) for slope in (0.1, 0.3, 1.0, 3.0)]
NOTHING = pd.DataFrame(
    {"task": [], "segment": [], "belongs": []}, dtype=np.int64
).astype({"belongs": bool})


class Model(NamedTuple):
    """What answers before anything is learned."""

    memberships: TissueMemberships
    threshold: float


class Draw(NamedTuple):
    """Cells that may be asked about, and the others."""

    asked: Evidence
    others: Evidence
    random: np.random.Generator

    @classmethod
    def make(cls, evidence: Evidence, number: int) -> "Draw":
        """Draw half of the cells."""
        random = np.random.default_rng(number)
        cells = np.sort(evidence.tasks["cell"].unique())
        half = random.permutation(cells)[: len(cells) // 2]
        return cls(
            *(_of_cells(evidence, half, which) for which in (True, False)), random
        )


def _of_cells(evidence: Evidence, cells: NDArray[np.int64], inside: bool) -> Evidence:
    parts = (
        part[part["cell"].isin(cells) == inside].reset_index(drop=True)
        for part in evidence
    )
    return Evidence(*parts)


def ways_to_ask(draw: Draw, model: Model) -> Iterator[tuple[str, int, Evidence]]:
    """Yield the way, the number of decisions or tasks, and what is then known."""
    candidates = draw.asked.candidates
    probability = draw.asked.probability(model.memberships)
    chosen = probability >= model.threshold
    about = candidates.assign(
        queue=-np.where(chosen, 1 - probability, probability),
        uncertain=np.abs(probability - 0.5),
        random=draw.random.random(len(candidates)),
        rest=-candidates["voxels"],
    )[probability >= CONTESTED]
    for way in ("queue", "random", "uncertain"):
        order = about.sort_values([way, "rest"], kind="stable").index
        for count in DECISIONS:
            known = candidates.loc[order[:count]].reset_index(drop=True)
            yield way, count, draw.asked._replace(candidates=known)
    tasks = draw.random.permutation(draw.asked.tasks["task"])
    for count in TASKS:
        known = candidates[candidates["task"].isin(tasks[:count])]
        yield "tasks", count, draw.asked._replace(candidates=known)


def judge(
    evidence: Evidence, memberships: TissueMemberships, threshold: float
) -> dict[str, float]:
    """Return edits as a share of those of answering nothing, error and PR-AUC."""
    probability = evidence.probability(memberships)
    truth = evidence.candidates["truth"].to_numpy(np.bool_)
    contested = probability >= CONTESTED
    segments = evidence.candidates.assign(probability=probability)
    ranked = rank_segments(batches_of(segments), evidence.tasks)
    cells = evidence.tasks["cell"].nunique()
    return {
        "edits": float(((probability >= threshold) != truth).sum() / truth.sum()),
        "ece": ece(reliability(probability[contested], truth[contested]))
        if contested.any()
        else np.nan,
        "pr_auc": float(
            average_precision(Ranking(ranked, cells), np.ones((1, cells)))[0]
        ),
    }


def measure_curve(evidence: Evidence, model: Model, draws: int) -> pd.DataFrame:
    """Measure each way to ask; the row `before` is without any."""
    rows = []
    for number in range(draws):
        draw = Draw.make(evidence, number)
        before = judge(draw.others, model.memberships, model.threshold)
        rows.append({"way": "before", "count": 0, "draw": number, **before})
        for way, count, known in ways_to_ask(draw, model):
            found = judge(draw.others, _refitted(model, known, DRIFT), EVEN)
            rows.append({"way": way, "count": count, "draw": number, **found})
    return pd.DataFrame(rows)


def measure_priors(evidence: Evidence, model: Model, draws: int) -> pd.DataFrame:
    """Measure edits and error of each prior, over all ways and counts."""
    rows = []
    for number in range(draws):
        draw = Draw.make(evidence, number)
        for way, count, known in ways_to_ask(draw, model):
            for bias, slope in PRIORS:
                drift = Membership(bias, slope, slope, slope)
                found = judge(draw.others, _refitted(model, known, drift), EVEN)
                rows.append(
                    {"bias": bias, "slope": slope, "way": way, "count": count, **found}
                )
    return pd.DataFrame(rows)


def measure_taking(evidence: Evidence, model: Model, draws: int) -> pd.DataFrame:
    """Measure how often a refit is taken, and the edits with and without."""
    rows = []
    for number in range(draws):
        draw = Draw.make(evidence, number)
        before = judge(draw.others, model.memberships, model.threshold)["edits"]
        for way, count, known in ways_to_ask(draw, model):
            whole = known.candidates["task"].unique() if way == "tasks" else []
            about = known.candidates[["task", "segment"]]
            said = about.assign(belongs=known.candidates["truth"])
            learned = learn_tissue(
                Labels.of(known, whole, NOTHING if way == "tasks" else said),
                "own",
                model.memberships,
                model.threshold,
                SETTINGS,
                volume_voxels=10**9,
                bootstrap={"resamples": 2, "random_seed": 0},
            )
            after = judge(draw.others, _refitted(model, known, DRIFT), EVEN)["edits"]
            first, then = learned.judgement.before, learned.judgement.after
            rows.append(
                {
                    "way": way, "count": count, "never": before, "always": after,
                    "fewer_edits": then["edits"]["value"] < first["edits"]["value"],
                    "likelier": then["nll"] < first["nll"],
                    "helped": learned.judgement.helped,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _refitted(model: Model, known: Evidence, drift: Membership) -> TissueMemberships:
    """Return memberships that answer every volume with a refit."""
    refit = refit_to(model.memberships.of_all, known, drift)
    return TissueMemberships({}, refit, Familiar({}))


def print_curve(rows: pd.DataFrame) -> None:
    """Print means over draws, and the middle 95 % of them."""
    by_way = rows.groupby(["way", "count"], sort=False)
    print(
        f"{'way':10} {'n':>4}  edits of unanswered     contested error         PR-AUC"
    )
    for (way, count), part in by_way:
        texts = []
        for name in ("edits", "ece", "pr_auc"):
            low, high = part[name].quantile([0.025, 0.975])
            texts.append(f"{part[name].mean():7.3f} ({low:.3f} to {high:.3f})")
        print(f"{way:10} {count:4}  {'  '.join(texts)}")


def print_priors(rows: pd.DataFrame) -> None:
    """Print the mean and the worst over ways and counts of each prior's means."""
    of_case = rows.groupby(["bias", "slope", "way", "count"])[["edits", "ece"]].mean()
    found = of_case.groupby(["bias", "slope"]).agg(["mean", "max"])
    print(found.round(3).to_string())


def print_taking(rows: pd.DataFrame) -> None:
    """Print the share of draws in which a refit is taken, and edits by each rule."""
    rules = ("fewer_edits", "likelier", "helped")
    for rule in rules:
        rows[f"by_{rule}"] = rows["always"].where(rows[rule], rows["never"])
    print(rows.groupby(["way", "count"]).mean(numeric_only=False).round(3).to_string())


def draw_figure(rows: pd.DataFrame, file: Path) -> None:
    """Draw edits and calibration error against the number of decisions."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    before = rows[rows["way"] == "before"]
    titles = {
        "edits": "edits, of those of answering nothing",
        "ece": "contested calibration error",
    }
    for axes, (name, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for place, way in enumerate(("queue", "random", "uncertain")):
            of_way = rows[rows["way"] == way]
            both = pd.concat([before, of_way]).groupby("count")[name]
            mean, low, high = both.mean(), both.quantile(0.025), both.quantile(0.975)
            at = np.arange(len(mean)) + 0.12 * (place - 1)
            error = np.clip([mean - low, high - mean], 0, None)
            axes.errorbar(at, mean, error, label=way, marker="o", capsize=2)
        axes.set_xticks(range(len(mean)), [str(count) for count in mean.index])
        axes.set_xlabel("decisions")
        axes.set_title(title, fontsize=10)
        axes.set_yscale("log" if name == "edits" else "linear")
        axes.spines[["top", "right"]].set_visible(False)
        if name == "edits":
            axes.axhline(1, color="0.5", linewidth=0.8, linestyle="--")
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evidence", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--priors", action="store_true")
    parser.add_argument("--taken", action="store_true")
    arguments = parser.parse_args()
    evidence, start = (
        Evidence.read(folder / "tasks.parquet", folder / "candidates.parquet")
        for folder in (arguments.evidence, arguments.start)
    )
    # Whatever the volumes look like, they are answered as if the alarm were silent.
    fitted = fit_memberships({"start": start})
    memberships = TissueMemberships({}, fitted.of_all, Familiar({}))
    tissues = {"start": start}
    model = Model(memberships, choose_across(tissues, memberships, SETTINGS).threshold)
    if arguments.priors:
        print_priors(measure_priors(evidence, model, arguments.draws))
    elif arguments.taken:
        print_taking(measure_taking(evidence, model, arguments.draws))
    else:
        rows = measure_curve(evidence, model, arguments.draws)
        print_curve(rows)
        if arguments.figure:
            draw_figure(rows, arguments.figure)


if __name__ == "__main__":
    main()
