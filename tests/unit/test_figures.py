import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from eyewire_validator.answers import Answer
from eyewire_validator.comparison import LEAKED_HEADING, Entry, honest_table
from eyewire_validator.figures import (
    CAPTIONS,
    FIGURES,
    Heading,
    TaskPicture,
    draw_bars,
    draw_task,
    draw_training,
    figure_data,
    save_figure,
)
from eyewire_validator.metrics import summarize

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
            "cell": 1,
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


def comparison():
    def entry(model, *, replicate=0, **changes):
        leaked = model == "published"
        summary = summarize(tasks(25, random_seed=replicate, **changes), leaked=leaked)
        return Entry(model, model, leaked, "test", 4, replicate, summary)

    entries = [entry("lwunet", replicate=0), entry("lwunet", replicate=1)]
    return honest_table(
        [*entries, entry("seed_only", answers=False), entry("published")]
    )


def a_task(*, sigma=True, context=True):
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
    return TaskPicture.of(np.stack(channels, dtype=np.uint8, casting="unsafe"), answer)


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
    assert f"lwunet, registered ancestors · test, 4 loops · n = {n:,} tasks" in said
    assert "LEAKED" not in said


@pytest.mark.parametrize("name", FIGURES)
def test_leaked_figures_are_marked(name):
    figure = FIGURES[name](tasks(25), LEAKED)
    assert LEAKED_HEADING in words(figure)
    assert_tidy(figure)


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


def test_bars_show_each_model_and_mark_the_leaked():
    figure = draw_bars(comparison(), "test")
    assert_tidy(figure)
    assert "LEAKED: published" in words(figure)
    assert "n = 25 tasks" in words(figure)
    bars = figure.subfigs[1].axes[0].patches
    hatched = [bar.get_y() > 1.5 for bar in bars if bar.get_hatch()]
    assert hatched == [True, True]


def test_bars_say_when_a_value_is_undefined():
    table = comparison().assign(seedless_iou=np.nan)
    assert "undefined (0/0)" in words(draw_bars(table, "test"))


def test_training_curves():
    figure = draw_training(history(), Heading("lwunet", "replicate 0", leaked=False))
    assert_tidy(figure)
    assert "lwunet · replicate 0 · 3 epochs" in words(figure)
    losses = figure.subfigs[1].axes[0]
    assert losses.lines[-1].get_xdata()[0] == 2


def test_training_curves_without_validation():
    blank = history().assign(validation_loss=np.nan, validation_iou=np.nan)
    assert_tidy(draw_training(blank, HEADING))


@pytest.mark.parametrize(("sigma", "context"), [(True, False), (False, True)])
def test_task_picture(sigma, context):
    arrays = a_task(sigma=sigma, context=context)
    figure = draw_task(arrays, LEAKED, task=7, chosen="the first", threshold=0.5)
    assert_tidy(figure)
    said = words(figure)
    # Beyond the seed: 4 x 5 x 8 voxels of truth, 4/5 of them answered, as many false.
    assert "task 7 (the first) · IoU without seed 0.6" in said
    assert LEAKED_HEADING in said
    assert ("sigma" in said.splitlines()) == sigma
    assert ("context" in said.splitlines()) == context


def test_task_picture_cuts_where_the_seed_ends():
    figure = draw_task(a_task(context=False), HEADING, task=7, chosen="", threshold=0.5)
    rows = [axes.get_ylabel() for axes in figure.subfigs[1].axes[:15:5]]
    # Seed and truth beyond it share the planes 2..5 along z and 3..7 along y; along x,
    # no plane holds both.
    assert [row.splitlines()[0] for row in rows] == ["z = 5", "y = 7", "x = 11"]


def test_task_picture_colours_right_missed_and_false_voxels():
    figure = draw_task(a_task(context=False), HEADING, task=7, chosen="", threshold=0.5)
    grey, answer = (figure.subfigs[1].axes[i].images[0].get_array() for i in (0, 3))
    changed = (answer != grey).any(axis=2)
    # The answer is the truth (y 3 to 7) moved by one along y.
    assert changed.any(axis=1).nonzero()[0].tolist() == [3, 4, 5, 6, 7, 8]
    red_minus_blue = (answer - grey)[[3, 5, 8], 0]
    tints = red_minus_blue[:, 0] - red_minus_blue[:, 2]
    assert (np.sign(tints) == [1, -1, 1]).all()


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
