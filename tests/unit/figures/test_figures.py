import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from eyewire_validator.answers import Answer
from eyewire_validator.evaluation.calibration import Calibration, Labelled
from eyewire_validator.evaluation.comparison import LEAKED_HEADING
from eyewire_validator.evaluation.error_analysis import error_by_votes, recall_by_size
from eyewire_validator.evaluation.selective import augrc
from eyewire_validator.figures import (
    CAPTIONS,
    FIGURES,
    Heading,
    TaskPicture,
    caption_of,
    draw_bars,
    draw_grown_cells,
    draw_growth_measures,
    draw_learning,
    draw_left_out,
    draw_left_out_risk,
    draw_loops,
    draw_no_task,
    draw_queue,
    draw_reliability,
    draw_risk_coverage,
    draw_sizes,
    draw_task,
    draw_training,
    draw_votes,
    figure_data,
    reliability_data,
    risk_data,
    save_figure,
)
from eyewire_validator.figures.loops import PANELS
from eyewire_validator.storage.schemas.evaluation import REDUCTIONS, UNCERTAINTIES

HEADING = Heading("lwunet, registered ancestors", "test, 4 loops", leaked=False)
LEAKED = Heading("as published", "test, 4 loops", leaked=True)


def tasks(n, *, random_seed=1, answers=True):
    """Make a table of tasks, of which some lack an answer, a truth, or both."""
    generator = np.random.default_rng(random_seed)
    seed = generator.integers(50, 5000, n)
    truth = generator.integers(1, 3000, n)
    found = (truth * generator.random(n)).astype(int)
    wrong = generator.integers(0, 300, n)
    truth[0:4] = found[0:4] = 0
    wrong[2:6] = found[2:6] = seed[0:2] = 0
    if not answers:
        found[:], wrong[:] = 0, 0
    guess = found + wrong
    spread = np.exp(generator.normal(-3, 1, n)) if answers else np.full(n, np.nan)
    return pd.DataFrame(
        {
            "task": np.arange(n),
            "cell": np.arange(n) % 4,
            "volume": 1,
            "guess": seed + guess,
            "truth": seed + truth,
            "intersection": seed + found,
            "union": seed + guess + truth - found,
            "guess_seedless": guess,
            "truth_seedless": truth,
            "intersection_seedless": found,
            "union_seedless": guess + truth - found,
            "loss": spread,
            "published_loss": 1 + spread,
            "sigma_mean": 1 + spread,
            "sigma_max": 2 + spread,
            "image_mean": generator.normal(160, 10, n),
        }
    )


def table_row(model, *, f1=0.5, standing="result", replicates=1, loops=4):
    metrics = dict.fromkeys((*PANELS, "voxel_iou"), f1)
    return {
        "model": model,
        "title": f"{model}, registered ancestors",
        "standing": standing,
        "split": "test",
        "loops": loops,
        "replicates": replicates,
        "tasks": 25,
        "cells": 4,
        **metrics,
        **{f"{name}_low": value - 0.1 for name, value in metrics.items()},
        **{f"{name}_high": value + 0.2 for name, value in metrics.items()},
        **{f"{name}_spread": 0.0125 if replicates > 1 else np.nan for name in metrics},
    }


def comparison():
    rows = [
        table_row("lwunet", replicates=2),
        table_row("empty", f1=np.nan, loops=None),
        table_row("crowd", f1=0.75, standing="reference", loops=None),
        table_row("published", f1=0.875, standing="leaked"),
    ]
    return pd.DataFrame(rows).astype({"loops": "Int64"})


def by_loops():
    rows = [
        table_row(model, f1=f1 + loops / 20, standing=standing, loops=loops)
        for model, f1, standing in (
            ("lwunet", 0.1, "result"),
            ("published", 0.5, "leaked"),
        )
        for loops in range(1, 9)
    ]
    return pd.DataFrame(rows).drop(columns=["ece_mass_low", "ece_mass_high"])


def segments(n=400, *, contested=True):
    """Make the segments of ten tasks; some belong."""
    generator = np.random.default_rng(5)
    truth = generator.random(n) < 0.2
    probability = generator.random(n) ** np.where(truth, 0.4, 4)
    frame = pd.DataFrame(
        {
            "task": np.arange(n) % 10,
            "voxels": generator.integers(101, 40_000, n),
            "probability": probability if contested else probability / 1000,
            "truth": truth,
            "vote_weight": np.where(truth, generator.integers(1, 9, n) / 8, 0),
        }
    )
    return frame.astype({"probability": "float32", "vote_weight": "float32"})


def answers(*, scores=UNCERTAINTIES, candidates=40):
    """Make ten tasks of two cells, the later the worse and the less certain."""
    frame = pd.DataFrame({"task": np.arange(10), "cell": np.arange(10) // 5})
    frame["edits"] = frame["task"] // 2
    frame["candidates"] = candidates
    for score in UNCERTAINTIES:
        for over in REDUCTIONS:
            frame[f"{score}_{over}"] = frame["task"] if score in scores else np.nan
    return frame


def reliability_of(frame):
    fitted = segments()
    labelled = Labelled.of(fitted["probability"], fitted["truth"])
    calibration = Calibration.fit(labelled)
    return reliability_data(frame, calibration)


def sizes():
    frame = segments()
    perfect = frame.assign(probability=frame["truth"].astype("float32"))
    return {"perfect": recall_by_size(perfect, 0.5), "m": recall_by_size(frame, 0.5)}


SEGMENT_FIGURES = {
    "reliability": lambda heading: draw_reliability(
        reliability_of(segments()), answers(), heading
    ),
    "risk_coverage": lambda heading: draw_risk_coverage(
        risk_data(answers()), answers(), heading
    ),
    "votes": lambda heading: draw_votes(
        error_by_votes(segments(), 0.5), answers(), heading
    ),
    "sizes": lambda heading: draw_sizes(sizes(), answers(), heading, "perfect"),
}


def a_task(*, sigma=True, context=True, outcomes=None):
    generator = np.random.default_rng(3)
    shape = (8, 10, 12)
    truth = np.zeros(shape, bool)
    truth[2:6, 3:8] = True
    seed = truth.copy()
    seed[:, :, 4:] = False
    image = generator.integers(0, 256, shape, np.uint8)
    channels = [image, *([seed] if context else []), seed, truth * 255]
    answer = Answer(
        probability=np.roll(truth, 1, 1) * np.float32(0.9),
        sigma=1 + generator.random(shape, np.float32) if sigma else None,
    )
    # Segment 1 + z: one a plane.
    segmentation = np.broadcast_to(np.arange(1, 9)[:, None, None], shape)
    names = ("correct", "missed", "false")
    return TaskPicture.of(
        np.stack(channels).astype(np.uint8),
        answer,
        segmentation,
        {name: np.array((outcomes or {}).get(name, []), int) for name in names},
    )


def history():
    return pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [0.5, 0.3, 0.2],
            "validation_loss": [0.5, 0.4, 0.45],
            "validation_iou": [0.1, np.nan, 0.5],
        }
    )


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text().strip()]


def words(figure):
    return "\n".join(text.get_text() for text in texts(figure))


def drawn_boxes(figure):
    """Lay the figure out and return the box of each text that is seen."""
    FigureCanvasAgg(figure).draw()
    unseen = set()
    for axes in figure.findobj(mpl.axes.Axes):
        for axis, limits in (
            (axes.xaxis, axes.get_xlim()),
            (axes.yaxis, axes.get_ylim()),
        ):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not min(limits) <= tick.get_loc() <= max(limits):
                    unseen |= {tick.label1, tick.label2}
    seen = [text for text in texts(figure) if text.get_visible() and text not in unseen]
    return {text: text.get_window_extent() for text in seen}


def assert_tidy(figure):
    """Nothing overlaps, nothing is cut off."""
    boxes = drawn_boxes(figure)
    for (one, box), (other, another) in itertools.combinations(boxes.items(), 2):
        overlap = box.padded(-1).overlaps(another.padded(-1))
        assert not overlap, f"{one.get_text()!r} overlaps {other.get_text()!r}"
    for text, box in boxes.items():
        inside = figure.bbox.contains(box.x0, box.y0)
        inside &= figure.bbox.contains(box.x1, box.y1)
        assert inside, f"{text.get_text()!r} is cut off"


@pytest.mark.parametrize("n", [25, 2100])
@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_tidy_and_say_what_they_show(name, n):
    figure = FIGURES[name](tasks(n), HEADING)
    assert_tidy(figure)
    said = words(figure)
    assert CAPTIONS[name].title in said
    assert (
        f"lwunet, registered ancestors · test, 4 loops · n = {n:,} tasks · 4 cells"
        in said
    )
    assert "LEAKED" not in said


@pytest.mark.parametrize("name", FIGURES)
def test_leaked_figures_are_marked(name):
    assert LEAKED_HEADING in words(FIGURES[name](tasks(25), LEAKED))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("frame", [tasks(25, answers=False), tasks(9).iloc[:0]])
def test_figures_without_answers_or_tasks(name, frame):
    assert_tidy(FIGURES[name](frame, HEADING))


def test_undefined_values_are_dropped_and_counted():
    said = words(FIGURES["seedless_against_full"](tasks(25), HEADING))
    assert "n = 21, 4 undefined" in said
    panels = FIGURES["seedless_against_full"](tasks(25), HEADING).subfigs[1].axes
    assert len(panels[0].collections[0].get_offsets()) == 21
    silent = words(FIGURES["distributions"](tasks(25, answers=False), HEADING))
    assert "n = 0, 25 undefined" in silent
    assert "0/0 in every task" in silent


def test_uncertainty_of_a_model_without_sigma():
    figure = FIGURES["uncertainty"](tasks(25, answers=False), HEADING)
    assert "This model gives no sigma." in words(figure)
    assert figure.subfigs[1].axes == []


def test_uncertainty_that_is_nowhere_above_its_minimum():
    figure = FIGURES["uncertainty"](tasks(25).assign(sigma_mean=1.0), HEADING)
    assert "Sigma is at its minimum of 1 in every task." in words(figure)


@pytest.mark.parametrize("leaked", [True, False])
def test_long_or_odd_titles_stay_readable(leaked):
    heading = Heading("costs $5 or $6 " * 12, "test, 4 loops", leaked)
    figure = FIGURES["seedless_against_full"](tasks(25), heading)
    assert_tidy(figure)
    assert words(figure).count("$5") == 12


def test_tasks_at_the_least_sigma_are_counted_not_drawn():
    frame = tasks(25)
    frame.loc[:4, "sigma_mean"] = 1.0
    figure = FIGURES["uncertainty"](frame, HEADING)
    assert "not shown: 5 with sigma = 1" in words(figure)
    assert len(figure.subfigs[1].axes[0].collections[0].get_offsets()) == 20


def test_no_axis_hides_tasks_without_truth():
    figure = FIGURES["guessed_volume"](tasks(25), HEADING)
    seedless = figure.subfigs[1].axes[1]
    assert len(seedless.collections[0].get_offsets()) == 25
    assert seedless.get_ylim()[0] < 0


@pytest.mark.parametrize("name", FIGURES)
def test_figure_data_has_a_row_a_task(name):
    data = figure_data(name, tasks(25))
    assert data["task"].tolist() == list(range(25))
    assert data.shape[1] >= 3


def test_bars_set_results_references_and_leaked_models_apart():
    figure = draw_bars(comparison(), "test")
    assert_tidy(figure)
    said = words(figure)
    assert LEAKED_HEADING in said
    assert "n = 25 tasks of 4 cells" in said
    assert "0.500 ± 0.013" in said
    assert "4 loops, 2 replicates" in said
    axes = figure.subfigs[1].axes[0]
    bars = [bar for bar in axes.patches if bar.get_width() in (0.5, 0.75, 0.875)]
    assert [bool(bar.get_hatch()) for bar in bars] == [False, False, True] * 2
    gaps = np.diff(axes.get_yticks())
    assert gaps[1] > gaps[0]
    assert gaps[2] > gaps[0]


def test_bars_show_intervals():
    axes = draw_bars(comparison(), "test").subfigs[1].axes[0]
    whiskers = [line.get_xdata() for line in axes.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(whiskers[0], [0.4, 0.7])
    assert len(whiskers) == 6


def test_bars_say_when_a_value_is_undefined():
    assert words(draw_bars(comparison(), "test")).count("undefined (0/0)") == 2


def test_loops_show_every_metric_and_mark_the_leaked():
    figure = draw_loops(by_loops())
    assert_tidy(figure)
    assert "LEAKED: published, registered ancestors" in words(figure)
    panels = figure.subfigs[1].axes[: len(PANELS)]
    for axes in panels:
        honest, leaked = axes.lines
        np.testing.assert_allclose(honest.get_ydata(), 0.1 + np.arange(1, 9) / 20)
        assert (honest.get_linestyle(), leaked.get_linestyle()) == ("-", "--")
    bands = [len(axes.collections) for axes in panels]
    assert bands == [0 if name == "ece_mass" else 2 for name in PANELS]


def test_learning_shows_metrics_against_training_tasks_from_few_to_many():
    rows = [
        table_row("all", f1=0.75, replicates=3), table_row("one", f1=0.25, replicates=3)
    ]  # fmt: skip
    table = pd.DataFrame(rows).assign(training_tasks=[75.0, 9.5])
    figure = draw_learning(table, HEADING)
    assert_tidy(figure)
    assert "n = 25 tasks · 4 cells · replicates: 3" in words(figure)
    panels = figure.subfigs[1].axes
    assert len(panels) == 4
    for axes in panels:
        np.testing.assert_allclose(
            axes.lines[0].get_xydata(), [[9.5, 0.25], [75, 0.75]]
        )


def test_the_queue_is_drawn_in_every_order():
    orders = ("queue", "probability", "random", "oracle")
    data = pd.DataFrame(
        [(of, order, n, n / 2) for of in ("asked", "all") for order in orders
         for n in (0, 4)],
        columns=["of", "order", "decisions", "edits"],
    )  # fmt: skip
    figure = draw_queue(data, tasks(25), HEADING)
    assert_tidy(figure)
    assert CAPTIONS["queue"].title in words(figure)
    assert [len(axes.lines) for axes in figure.subfigs[1].axes] == [4, 4]
    assert "There is nothing to find." in words(
        draw_queue(data.assign(edits=0), tasks(25), HEADING)
    )


@pytest.mark.parametrize("name", SEGMENT_FIGURES)
def test_segment_figures_are_tidy_and_say_what_they_show(name):
    figure = SEGMENT_FIGURES[name](HEADING)
    assert_tidy(figure)
    assert CAPTIONS[name].title in words(figure)
    assert "n = 10 tasks · 2 cells · " in words(figure)
    assert "LEAKED" not in words(figure)
    assert LEAKED_HEADING in words(SEGMENT_FIGURES[name](LEAKED))


def test_reliability_says_how_few_segments_are_contested():
    said = words(SEGMENT_FIGURES["reliability"](HEADING))
    low = (segments()["probability"] < 0.01).sum()
    assert f"{low} of 400 ({low / 400:.1%}) are below 0.01" in said
    assert f"the other {400 - low} of 400" in said


def test_reliability_after_isotonic_on_the_same_segments_is_perfect():
    said = words(SEGMENT_FIGURES["reliability"](HEADING))
    assert "isotonic: ECE 0.0000" in said
    assert "raw: ECE 0.0000" not in said


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (segments(contested=False), "no such candidates"),
        (segments().iloc[:0], "There are no candidate segments."),
    ],
)
def test_reliability_without_contested_or_any_segments(frame, text):
    figure = draw_reliability(reliability_of(frame), answers(), HEADING)
    assert_tidy(figure)
    assert text in words(figure)


def test_risk_curves_of_the_uncertainties_that_there_are():
    data = risk_data(answers(scores=("probability", "entropy")))
    curves = data[["score", "over"]].drop_duplicates().to_numpy().tolist()
    scores = [
        [score, over] for score in ("probability", "entropy") for over in REDUCTIONS
    ]
    assert curves == [["random", ""], ["best", ""], *scores]
    area = data.groupby("score")["augrc"].first()
    edits = np.arange(10) // 2
    assert area["probability"] == area["best"] == augrc(edits, edits)
    assert area["random"] == pytest.approx(1)


def test_tasks_without_candidates_cannot_be_ranked():
    some = answers().assign(candidates=[0, *[40] * 9])
    some.loc[0, "sigma_sum"] = np.nan
    assert len(risk_data(some)) == 9 * 12
    none = answers(candidates=0)
    figure = draw_risk_coverage(risk_data(none), none, HEADING)
    assert "There are no tasks with candidate segments." in words(figure)


def test_votes_count_the_wrong_segments_above_each_bar():
    data = error_by_votes(segments(), 0.5)
    figure = draw_votes(data, answers(), HEADING)
    row = data.iloc[0]
    assert f"{row['wrong']}\nof {row['segments']}" in words(figure)
    heights = [bar.get_height() for bar in figure.subfigs[1].axes[0].patches]
    np.testing.assert_allclose(heights, data["error"][:8].fillna(0))


def test_sizes_name_the_ceiling_and_count_what_belongs():
    figure = SEGMENT_FIGURES["sizes"](HEADING)
    said = words(figure)
    assert "perfect (ceiling of coarse voxels)" in said
    assert f"{segments()['truth'].sum()} candidate segments that belong" in said
    ceiling = figure.subfigs[1].axes[0].lines[0]
    assert set(ceiling.get_ydata()) == {1.0}


def test_sizes_when_nothing_belongs():
    frame = segments()[lambda rows: ~rows["truth"]]
    figure = draw_sizes({"m": recall_by_size(frame, 0.5)}, answers(), HEADING)
    assert "No candidate segment belongs." in words(figure)


def test_captions_by_the_names_of_files():
    assert caption_of("worst-12") is CAPTIONS["worst"]
    assert caption_of("risk_coverage") is CAPTIONS["risk_coverage"]


def test_training_curves():
    figure = draw_training(history(), Heading("lwunet", "replicate 0", leaked=False))
    assert_tidy(figure)
    assert "lwunet · replicate 0 · 3 epochs" in words(figure)
    losses = figure.subfigs[1].axes[0]
    assert losses.lines[-1].get_xdata()[0] == 2


def test_a_training_that_measures_no_iou_has_one_panel():
    figure = draw_training(history().assign(validation_iou=None), HEADING)
    assert_tidy(figure)
    assert len(figure.subfigs[-1].axes) == 1


def test_training_curves_without_validation():
    blank = history().assign(validation_loss=np.nan, validation_iou=np.nan)
    assert_tidy(draw_training(blank, HEADING))


@pytest.mark.parametrize(("sigma", "context"), [(True, False), (False, True)])
def test_task_picture(sigma, context):
    outcomes = {"correct": [3], "missed": [4, 5], "false": [7]}
    arrays = a_task(sigma=sigma, context=context, outcomes=outcomes)
    figure = draw_task(arrays, LEAKED, task=7, chosen="the first", threshold=0.5)
    assert_tidy(figure)
    said = words(figure)
    assert "Task 7: 2 segments to add, 1 to remove" in said
    # Beyond the seed: 4 x 5 x 8 voxels of truth, 4/5 of them answered, as many false.
    assert "the first · coarse IoU without seed 0.6" in said
    assert LEAKED_HEADING in said
    assert ("sigma" in said.splitlines()) == sigma
    assert ("context" in said.splitlines()) == context


def drawn(figure, row, column):
    return figure.subfigs[1].axes[6 * row + column].images[0].get_array()


def positions(figure):
    rows = [axes.get_ylabel() for axes in figure.subfigs[1].axes[:18:6]]
    return [row.splitlines()[0] for row in rows]


def test_task_picture_cuts_where_the_seed_ends():
    figure = draw_task(a_task(context=False), HEADING, task=7, chosen="", threshold=0.5)
    # Seed and truth beyond it share the planes 2..5 along z and 3..7 along y; along x,
    # no plane holds both.
    assert positions(figure) == ["z = 5", "y = 7", "x = 11"]
    assert "Task 7: answered exactly, nothing to edit" in words(figure)


def test_worst_task_is_cut_where_it_is_wrong():
    wrong = a_task(outcomes={"missed": [2]})
    at_errors = {"task": 7, "chosen": "", "threshold": 0.5, "at_errors": True}
    assert positions(draw_task(wrong, HEADING, **at_errors))[0] == "z = 1"
    # Nothing is wrong: as without errors.
    assert positions(draw_task(a_task(), HEADING, **at_errors))[0] == "z = 5"


def test_task_picture_colours_right_missed_and_false_voxels():
    figure = draw_task(a_task(context=False), HEADING, task=7, chosen="", threshold=0.5)
    grey, answer = drawn(figure, 0, 0), drawn(figure, 0, 3)
    changed = (answer != grey).any(axis=2)
    # The answer is the truth (y 3 to 7) moved by one along y.
    assert changed.any(axis=1).nonzero()[0].tolist() == [3, 4, 5, 6, 7, 8]
    red_minus_blue = (answer - grey)[[3, 5, 8], 0]
    tints = red_minus_blue[:, 0] - red_minus_blue[:, 2]
    assert (np.sign(tints) == [1, -1, 1]).all()


def test_task_picture_colours_segments_by_their_outcome():
    outcomes = {"correct": [3], "missed": [4], "false": [8]}
    figure = draw_task(
        a_task(outcomes=outcomes), HEADING, task=7, chosen="", threshold=0.5
    )
    # Across y, the planes along z are rows: segment 3 is row 2.
    added = drawn(figure, 1, 4) - drawn(figure, 1, 0)
    assert (added != 0).any(axis=(1, 2)).nonzero()[0].tolist() == [2, 3, 7]
    blue, yellow, red = added[[2, 3, 7]].mean(axis=1)
    assert blue[2] > blue[0]
    assert yellow[1] > yellow[2]
    assert red[0] > red[1]


def test_there_may_be_fewer_tasks_than_pictures():
    figure = draw_no_task(LEAKED, 1)
    assert_tidy(figure)
    assert "The split has only 1 task." in words(figure)


def test_saved_files_are_the_same_each_time(tmp_path):
    for run in ("one", "two"):
        figure = FIGURES["guessed_volume"](tasks(25), LEAKED)
        save_figure(figure, tmp_path / run / "loops-4.volume")
    for suffix in ("png", "svg"):
        one, two = (
            (tmp_path / run / f"loops-4.volume.{suffix}").read_bytes()
            for run in ("one", "two")
        )
        assert one == two
    assert sorted(path.suffix for path in (tmp_path / "one").iterdir()) == [
        ".png",
        ".svg",
    ]


def test_global_state_is_left_alone():
    before = dict(mpl.rcParams)
    FIGURES["distributions"](tasks(25), HEADING)
    assert dict(mpl.rcParams) == before


def test_what_does_more_harm_than_fits_is_marked_at_the_end():
    shares = {
        ("given", "multicut"): 7.0,
        ("given", "agglomeration"): 0.9,
        ("adapted", "multicut"): 9.0,
        ("adapted", "agglomeration"): 0.8,
    }
    table = pd.DataFrame(
        {
            "tissue": "mouse", "network": network, "model": model, "replicate": 0,
            "tasks": 30, "cells": 9, "edits": 2 * share, "edits_low": share,
            "edits_high": 3 * share, "edits_unanswered": 2.0,
        }
        for (network, model), share in shares.items()
    )  # fmt: skip
    figure = draw_left_out(table)
    (axes,) = figure.subfigs[1].axes
    said = {text.get_text() for text in axes.texts}
    assert {"0.80", "0.90", "9.0", "mouse"} <= said
    marked = [line for line in axes.lines if line.get_marker() == ">"]
    assert [line.get_xdata()[0] for line in marked] == [1.5]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [
        "agglomeration, adapted", "agglomeration, as it is", "multicut",
    ]  # fmt: skip


def test_what_is_asked_of_tissue_left_out_is_marked_with_what_was_achieved():
    curves = pd.concat(
        pd.DataFrame(
            {"coverage": [0.1, 0.5], "risk": risk, "low": 0.0, "high": 0.9}
        ).assign(tissue="mouse", network=network, replicate=replicate)
        for network in ("given", "adapted")
        for replicate, risk in enumerate([0.1, 0.2])
    )
    table = pd.DataFrame(
        {
            "tissue": "mouse", "model": ["agglomeration", "multicut"], "cells": 9,
            "wrong_cells_1": [0.25, np.nan], "coverage_1": [0.4, np.nan],
            **dict.fromkeys(("wrong_cells_2", "wrong_cells_5"), np.nan),
            **dict.fromkeys(("coverage_2", "coverage_5"), 0.0),
        }
    )  # fmt: skip
    figure = draw_left_out_risk(curves, table)
    (axes,) = figure.subfigs[1].axes
    crosses = [line.get_xydata() for line in axes.lines if line.get_marker() == "x"]
    assert [tuple(xy[0]) for xy in crosses] == [(0.4, 0.25), (0, 0.02), (0, 0.05)]
    curve = next(line for line in axes.lines if line.get_linestyle() == "--")
    assert curve.get_ydata() == pytest.approx([0.15, 0.15])
    assert "mouse, n = 9 cells" in [
        axes.get_title(where) for where in ("left", "center")
    ]


def grown_cubes(parents, outcomes, mergers):
    """Make rows of a grown cell."""
    return pd.DataFrame(
        {
            "cube": range(len(parents)),
            "parent": pd.array(parents, "Int64"),
            "risk": np.linspace(0, 0.6, len(parents)),
            "outcome": outcomes,
            "merger": mergers,
        }
    )


def test_growth_is_drawn_beside_steps_with_all_before_them_right():
    measures = ("recovered_share", "recovered_share_before_merge", "mergers", "edits")
    summaries = {
        way: {
            name: {"value": place, "low": place / 2, "high": None} for name in measures
        }
        for place, way in enumerate(("grown", "unlimited", "teacher_forced"))
    }
    figure = draw_growth_measures(summaries, "2 cells", HEADING)
    assert_tidy(figure)
    panels = figure.subfigs[1].axes
    assert [panel.lines[0].get_xdata().tolist() for panel in panels] == [[0, 1, 2]] * 4
    assert "all before right" in words(figure)
    nothing = {way: {} for way in summaries}
    assert "No cell was grown." in words(draw_growth_measures(nothing, "", HEADING))


def test_grown_cells_are_trees_whose_stops_and_mergers_are_marked():
    rows = grown_cubes(
        [None, 0, 1, 0, 3],
        ["went on", "went on", "ended", "stopped", "ended"],
        [False, False, True, False, False],
    )
    figure = draw_grown_cells({"Best: cell 7": rows}, "2 cells", HEADING)
    assert_tidy(figure)
    assert "Best: cell 7" in words(figure)
    axes = figure.subfigs[1].axes[0]
    assert [len(dots.get_offsets()) for dots in axes.collections] == [4, 1, 1]
    assert len(axes.lines) == 4
    assert "No cell was grown." in words(draw_grown_cells({}, "0 cells", HEADING))
