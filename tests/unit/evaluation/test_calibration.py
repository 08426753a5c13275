import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.calibration import (
    CLIP,
    TEMPERATURES,
    Calibration,
    Labelled,
    calibration_report,
    ece,
    fit_isotonic,
    fit_temperature,
    reliability,
)

# Ten segments; half of them are answered with 0 or 1, as hard baselines answer all.
PROBABILITY = [0.0, 0.0, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0]
TRUTH = [0, 0, 1, 0, 0, 1, 1, 1, 1, 0]
AS_THEY_ARE = Calibration(1.0, (0.0, 1.0), (0.0, 1.0))


def draw(n, temperature=1.0, seed=0):
    """Draw truths, and probabilities whose logits are too large by a factor."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 2, n)
    probability = expit(logits * temperature).astype(np.float32)
    return probability, generator.random(n) < expit(logits)


def report(probability, truth, calibration=AS_THEY_ARE):
    return calibration_report(Labelled.of(probability, truth), calibration)


def brier(probability, truth):
    return report(probability, truth)["raw"]["brier"]


def nll(probability, truth):
    return report(probability, truth)["raw"]["nll"]


def fitted(probability, truth):
    return Calibration.fit(Labelled.of(probability, truth))


def temperature_of(probability, truth):
    return fit_temperature(Labelled.of(probability, truth))


def test_bins_of_equal_width():
    table = reliability(PROBABILITY, TRUTH, bins=4)
    assert table.columns.tolist() == [
        *("low", "high", "segments", "mean_probability", "frequency")
    ]
    assert table["low"].tolist() == [0, 0.25, 0.5, 0.75]
    assert table["high"].tolist() == [0.25, 0.5, 0.75, 1]
    assert table["segments"].tolist() == [4, 1, 2, 3]
    np.testing.assert_allclose(table["mean_probability"], [0.1 / 4, 0.3, 0.6, 2.9 / 3])
    np.testing.assert_allclose(table["frequency"], [1 / 4, 0, 1, 2 / 3])


def test_ece_by_hand():
    # Gaps 0.225, 0.3, 0.4, 0.3 of 4, 1, 2, 3 segments.
    assert ece(reliability(PROBABILITY, TRUTH, bins=4)) == pytest.approx(0.29)


def test_certainty_falls_into_the_last_bin():
    # As in torchmetrics' issue 3510: a bin of its own would pair 1.0 with nothing.
    table = reliability([0.95, 1.0, 1.0], [1, 1, 0], bins=10)
    assert table[["low", "high", "segments"]].values.tolist() == [[0.9, 1.0, 3]]
    assert ece(table) == pytest.approx(2.95 / 3 - 2 / 3)


@pytest.mark.parametrize("equal", ["width", "mass"])
def test_empty_bins_are_left_out(equal):
    table = reliability([0, 0, 0, 1], [0, 0, 1, 1], equal=equal)
    assert table["segments"].tolist() == [3, 1]
    assert table.index.tolist() == table["mean_probability"].tolist() == [0, 1]
    assert ece(table) == pytest.approx(1 / 4)


def test_bins_of_equal_mass():
    table = reliability([0.9, 0.2, 0.4, 0.1, 0.8, 0.3], [1] * 6, bins=3, equal="mass")
    assert table["segments"].tolist() == [2, 2, 2]
    assert table["low"].tolist() == [0.1, 0.3, 0.8]
    assert table["high"].tolist() == [0.2, 0.4, 0.9]


def test_equal_mass_keeps_ties_together_in_any_order():
    probability = np.repeat([0.0, 0.25, 0.5, 1.0], [50, 3, 17, 5])
    truth = np.arange(75) % 3 == 0
    table = reliability(probability, truth, equal="mass")
    assert table["segments"].tolist() == [50, 3, 17, 5]
    assert table["low"].tolist() == table["high"].tolist() == [0, 0.25, 0.5, 1]
    order = np.random.default_rng(0).permutation(75)
    shuffled = reliability(probability[order], truth[order], equal="mass")
    assert shuffled.equals(table)


@pytest.mark.parametrize("equal", ["width", "mass"])
def test_every_segment_is_in_one_bin(equal):
    probability, truth = draw(1000)
    probability = probability.astype(np.float32)
    table = reliability(probability, truth, equal=equal)
    assert table["segments"].sum() == 1000
    assert (table["low"] <= table["mean_probability"]).all()
    assert (table["mean_probability"] <= table["high"]).all()
    total = (table["frequency"] * table["segments"]).sum()
    assert total == pytest.approx(truth.sum())


def test_scores_are_those_of_scikit_learn():
    probability, truth = draw(500)
    assert brier(probability, truth) == pytest.approx(
        brier_score_loss(truth, probability)
    )
    assert nll(probability, truth) == pytest.approx(log_loss(truth, probability))


def test_scores_are_to_the_bit_those_of_all_segments_at_once():
    probability, truth = draw(200_000)
    exactly, calibration = probability.astype(np.float64), fitted(*draw(500, 2.0))
    for name, corrected in (
        ("raw", exactly),
        ("temperature", calibration.rescaled(exactly)),
        ("isotonic", calibration.isotonic(exactly)),
    ):
        found = report(probability, truth, calibration)[name]
        of_truth = np.where(truth, corrected, 1 - corrected).clip(CLIP, 1 - CLIP)
        assert found["brier"] == np.mean((corrected - truth) ** 2)
        assert found["nll"] == -np.mean(np.log(of_truth))
        for equal in ("width", "mass"):
            table = reliability(corrected, truth, equal=equal)
            assert found[f"ece_{equal}"] == ece(table)


def test_nll_of_wrong_certainty_is_finite():
    assert nll([0, 1], [1, 0]) == pytest.approx(-np.log(CLIP))
    assert nll([0, 1], [0, 1]) == pytest.approx(CLIP)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_of_a_sample_is_recovered(temperature):
    probability, truth = draw(20_000, temperature)
    assert temperature_of(probability, truth) == pytest.approx(temperature, rel=0.05)


def test_temperature_is_the_best_there_is():
    probability, truth = draw(500, 2.0)
    best = temperature_of(probability, truth)

    def loss(temperature):
        return nll(expit(logit(probability) / temperature), truth)

    assert loss(best) < min(loss(1.0), loss(best * 1.01), loss(best / 1.01))


@pytest.mark.parametrize(
    ("probability", "truth"), [([0.1, 0.8], [1, 1]), ([0.3, 0.3], [0, 1])]
)
def test_temperature_of_nothing_to_learn_from(probability, truth):
    assert temperature_of(probability, truth) == 1


def test_temperature_stays_in_its_range():
    lowest, highest = TEMPERATURES
    perfect = temperature_of([0.4, 0.6], [0, 1])
    useless = temperature_of([0, 0, 1, 1], [0, 1, 0, 1])
    assert lowest <= perfect < 1.01 * lowest
    assert 0.99 * highest < useless <= highest


def test_isotonic_is_monotone_and_that_of_scikit_learn():
    probability, truth = draw(2000, 2.0)
    probability = np.concatenate([probability, np.repeat([0.0, 0.5, 1.0], 100)])
    truth = np.concatenate([truth, np.arange(300) % 3 == 0])
    x, y = fit_isotonic(Labelled.of(probability, truth))
    assert np.all(np.diff(x) > 0)
    assert np.all(np.diff(y) >= 0)
    assert len(x) < 200
    asked = np.linspace(0, 1, 999)
    expected = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    expected.fit(probability.astype(np.float64), truth)
    assert x == tuple(expected.X_thresholds_)
    assert y == tuple(expected.y_thresholds_)
    found = Calibration(1.0, x, y).isotonic(asked)
    np.testing.assert_allclose(found, expected.predict(asked), atol=1e-12)


def test_isotonic_takes_tiny_probabilities_as_scikit_learn_does():
    generator = np.random.default_rng(0)
    probability = generator.uniform(0, 1e-14, 500).astype(np.float32)
    truth = generator.random(500) < 0.2
    x, y = fit_isotonic(Labelled.of(probability, truth))
    expected = IsotonicRegression(y_min=0, y_max=1)
    expected.fit(probability.astype(np.float64), truth)
    assert (x, y) == (tuple(expected.X_thresholds_), tuple(expected.y_thresholds_))


def test_isotonic_of_a_single_probability_is_the_frequency():
    calibration = fitted([0.3, 0.3, 0.3, 0.3], [0, 1, 0, 0])
    np.testing.assert_allclose(calibration.isotonic([0, 0.3, 1]), 0.25)


def test_corrections_keep_shape_and_range():
    calibration = fitted(PROBABILITY, TRUTH)
    asked = np.array([[0, 0.2, 1]], np.float32)
    for corrected in (calibration.rescaled(asked), calibration.isotonic(asked)):
        assert corrected.shape == (1, 3)
        assert corrected.min() >= 0
        assert corrected.max() <= 1


def test_rescaled_divides_the_logit():
    calibration = Calibration(2.0, (0.0, 1.0), (0.0, 1.0))
    np.testing.assert_allclose(logit(calibration.rescaled([0.2])), logit([0.2]) / 2)


def test_calibration_survives_json():
    calibration = fitted(PROBABILITY, TRUTH)
    text = json.dumps(calibration.as_json(), allow_nan=False)
    assert Calibration.from_json(json.loads(text)) == calibration


def test_report_shows_what_calibration_gains():
    calibration = fitted(*draw(5000, 4.0))
    found = report(*draw(5000, 4.0, seed=1), calibration)
    assert found.pop("segments") == 5000
    assert list(found) == ["raw", "temperature", "isotonic"]
    for corrected in ("temperature", "isotonic"):
        for score in ("ece_width", "ece_mass", "brier", "nll"):
            assert found[corrected][score] < found["raw"][score]


@pytest.mark.parametrize("truth", [TRUTH, [0] * 10, [1] * 10])
def test_report_of_hard_answers_is_finite(truth):
    hard = np.array(PROBABILITY) > 0.5
    json.dumps(report(hard, truth, fitted(hard, truth)), allow_nan=False)


@pytest.mark.parametrize(
    ("probability", "truth", "message"),
    [
        ([], [], "single slices"),
        ([0.5, 0.5], [1], "2 probabilities for 1 truths"),
        ([0.5, 1.5], [1, 0], "range from 0.5 to 1.5"),
        ([0.5, np.nan], [1, 0], "nan"),
    ],
)
@pytest.mark.parametrize("score", [reliability, Labelled.of])
def test_what_cannot_be_judged_is_refused(score, probability, truth, message):
    with pytest.raises(TableError, match=message):
        score(probability, truth)
