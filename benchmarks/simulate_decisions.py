"""Simulate people who decide on candidates, or label tasks, and what is learned by it.

    python benchmarks/simulate_decisions.py EVIDENCE START [--figure FILE.png]

EVIDENCE is a folder with tasks.parquet and candidates.parquet on a tissue that the
U-Net never saw, START one on another tissue: its membership and its threshold are what
the model has before it learns (both of `snakemake carry_over`,
results/carry_over/evidence). In each draw a random half of the cells may be asked
about, and the other half judges. Printed are means over draws, and the middle 95 % of
them: half of the cells without replacement vary as much as all of them do with.

The first table is over all ways and numbers, for several priors; the second is for the
one of the workflow. With ``--taken``: how often a refit is taken by its rule, and the
edits without, with, and by the rule.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from eyewire_validator.agglomeration.membership import DRIFT, Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.calibration import ece, reliability
from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.models.carry_over import choose_across
from eyewire_validator.models.evidence import Evidence, fit_memberships, refit_to
from eyewire_validator.models.judge_labels import Chosen
from eyewire_validator.models.labels import Labels
from eyewire_validator.models.learn import EVEN, learn_tissue
from eyewire_validator.volumes.appearance import Familiar

DECISIONS = (10, 25, 50, 100, 200)
TASKS = (10, 20, 50)
SETTINGS = DecisionSettings(Risk(0.05, 0.95), 0.95)
# Standard deviations of the bias, and of the other three numbers.
PRIORS = [(3, 0.3), (3, 0.1), (1, 1), (1, 0.3), (0.6, 0.6), (0.3, 0.3)]


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
        for part in (evidence.tasks, evidence.candidates)
    )
    return Evidence(*parts)


def ways_to_ask(draw: Draw, model: Model) -> Iterator[tuple[str, int, Evidence]]:
    """Yield the way, the number of decisions or tasks, and what is then known."""
    candidates = draw.asked.candidates
    about = draw.asked.probability(model.memberships)
    orders = {
        "queue": -expected_edits(about, model.threshold),
        "random": draw.random.random(len(about)),
        "uncertain": np.abs(about - 0.5),
    }
    for way, order in orders.items():
        ranked = rank(order, about, candidates)
        for count in DECISIONS:
            yield way, count, of_rows(draw.asked, ranked[:count])
    yield from ask_in_rounds(draw, model)
    tasks = draw.random.permutation(draw.asked.tasks["task"])
    for count in TASKS:
        chosen = candidates["task"].isin(tasks[:count])
        yield "tasks", count, of_rows(draw.asked, np.flatnonzero(chosen))


def ask_in_rounds(draw: Draw, model: Model) -> Iterator[tuple[str, int, Evidence]]:
    """Yield what is known where the queue is made anew by what was learned so far."""
    start = model.memberships.of_all
    membership, threshold, known = start, model.threshold, np.empty(0, np.intp)
    for count in DECISIONS:
        memberships = TissueMemberships({}, membership, Familiar({}))
        about = draw.asked.probability(memberships)
        order = -expected_edits(about, threshold)
        ranked = rank(order, about, draw.asked.candidates)
        new = ranked[~np.isin(ranked, known)][: count - len(known)]
        known = np.append(known, new)
        found = of_rows(draw.asked, known)
        yield "rounds", count, found
        membership, threshold = refit_to(start, found), EVEN


def expected_edits(
    probability: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """Return what a decision on each candidate is expected to save."""
    return np.where(probability >= threshold, 1 - probability, probability)


def rank(
    order: NDArray[np.floating], about: NDArray[np.float32], candidates: pd.DataFrame
) -> NDArray[np.intp]:
    """Return the rows of contested candidates, of equals the larger ones first."""
    rows = np.lexsort([-candidates["voxels"], order])
    return rows[about[rows] >= CONTESTED]


def of_rows(evidence: Evidence, rows: NDArray[np.intp]) -> Evidence:
    """Return the evidence on some candidates, by their rows."""
    return evidence._replace(
        candidates=evidence.candidates.iloc[rows].reset_index(drop=True)
    )


class Judge:
    """Judges memberships on the candidates of some cells."""

    def __init__(self, evidence: Evidence) -> None:
        """Take the candidates of these cells."""
        self._joined = evidence.joined()
        self._truth = evidence.candidates["truth"].to_numpy(np.bool_)

    def __call__(self, membership: Membership, threshold: float) -> dict[str, float]:
        """Return edits in those of answering nothing, calibration error and PR-AUC."""
        probability = membership.probability(self._joined).mean(axis=0)
        truth, contested = self._truth, probability >= CONTESTED
        return {
            "edits": float(((probability >= threshold) != truth).sum() / truth.sum()),
            "ece": ece(reliability(probability[contested], truth[contested]))
            if contested.any()
            else np.nan,
            "pr_auc": float(average_precision_score(truth, probability)),
        }


def measure(draw: Draw, model: Model) -> Iterator[dict[str, Any]]:
    """Yield what each way to ask brings with each prior; and `before`, without any."""
    judge, start = Judge(draw.others), model.memberships.of_all
    yield {"way": "before", "count": 0, **judge(start, model.threshold)}
    for way, count, known in ways_to_ask(draw, model):
        for bias, slope in PRIORS:
            refit = refit_to(start, known, Membership(bias, *[slope] * 4))
            case = {"way": way, "count": count, "bias": bias, "slope": slope}
            yield {**case, **judge(refit, EVEN)}


def measure_taking(draw: Draw, model: Model) -> Iterator[dict[str, Any]]:
    """Yield whether a refit is taken, and the edits without and with it."""
    judge, start = Judge(draw.others), model.memberships.of_all
    never = judge(start, model.threshold)["edits"]
    for way, count, known in ways_to_ask(draw, model):
        try:
            taken = is_taken(known, way == "tasks", model)
        except ModelError:
            continue  # labels in fewer volumes than a tissue is known by
        always = judge(refit_to(start, known), EVEN)["edits"]
        case = {"way": way, "count": count, "taken": taken}
        by_rule = always if taken else never
        yield {**case, "never": never, "always": always, "by_rule": by_rule}


def is_taken(known: Evidence, whole: bool, model: Model) -> bool:
    """Return whether what is learned of decisions, or of whole tasks, is taken."""
    tasks = known.candidates["task"].unique() if whole else []
    said = known.candidates[["task", "segment"]].assign(
        belongs=known.candidates["truth"]
    )
    labels = Labels.of(known, tasks, said)
    before = labels.evidence.probability(model.memberships)
    learned = learn_tissue(
        labels,
        "own",
        model.memberships,
        Chosen(before, model.threshold),
        SETTINGS,
        volume_voxels=10**9,
        bootstrap={"resamples": 2, "random_seed": 0},
    )
    return learned.judgement.helped


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


def draw_figure(rows: pd.DataFrame, file: Path) -> None:
    """Draw edits and calibration error against the number of decisions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    before = rows[rows["way"] == "before"]
    titles = {
        "edits": "edits, of those of answering nothing",
        "ece": "contested calibration error",
    }
    for axes, (name, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for place, way in enumerate(("queue", "rounds", "random", "uncertain")):
            of_way = rows[rows["way"] == way]
            both = pd.concat([before, of_way]).groupby("count")[name]
            mean, low, high = both.mean(), both.quantile(0.025), both.quantile(0.975)
            at = np.arange(len(mean)) + 0.12 * (place - 1.5)
            error = np.clip([mean - low, high - mean], 0, None)
            axes.errorbar(at, mean, error, label=way, marker="o", capsize=2)
        axes.set_xticks(range(len(mean)), [str(count) for count in mean.index])
        axes.set_xlabel("decisions")
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        if name == "edits":
            axes.axhline(1, color="0.5", linewidth=0.8, linestyle="--")
        axes.set_ylim(0)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evidence", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--taken", action="store_true")
    arguments = parser.parse_args()
    evidence, start = (
        Evidence.read(folder / "tasks.parquet", folder / "candidates.parquet")
        for folder in (arguments.evidence, arguments.start)
    )
    # Whatever the volumes look like, they are answered as if the alarm were silent.
    fitted = fit_memberships({"start": start})
    memberships = TissueMemberships({}, fitted.of_all, Familiar({}))
    chosen = choose_across({"start": start}, memberships, SETTINGS)
    model, rows = Model(memberships, chosen.threshold), []
    for number in range(arguments.draws):
        draw = Draw.make(evidence, number)
        found = measure_taking if arguments.taken else measure
        rows += [{"draw": number, **row} for row in found(draw, model)]
        if arguments.csv:
            pd.DataFrame(rows).to_csv(arguments.csv, index=False)
    show(pd.DataFrame(rows), arguments)


def show(rows: pd.DataFrame, arguments: argparse.Namespace) -> None:
    """Print tables, and draw the figure."""
    if arguments.taken:
        mean = rows.drop(columns="draw").groupby(["way", "count"]).mean()
        print(mean.round(3).to_string())
        return
    print_priors(rows[rows["way"] != "before"])
    shipped = (rows["bias"] == DRIFT.bias) & (rows["slope"] == DRIFT.linkage)
    rows = rows[shipped | (rows["way"] == "before")]
    print_curve(rows)
    if arguments.figure:
        draw_figure(rows, arguments.figure)


if __name__ == "__main__":
    main()
