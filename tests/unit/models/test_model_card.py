"""The card of the ready-made model says what its checkpoint says."""

from pathlib import Path

import pytest

from eyewire_validator.models.checkpoint import load_checkpoint

MODELS = Path(__file__).resolve().parents[3] / "models"
CARD = (MODELS / "README.md").read_text(encoding="utf-8")
INFO = load_checkpoint(MODELS / "agglomeration.pt")[1]
NETWORKS = {"as it is": INFO.left_out, "adapted": INFO.adapted.left_out}


def measured(metric, digits):
    value, low, high = (
        f"{one:.{digits}f}" for one in (metric.value, metric.low, metric.high)
    )
    return f"{value} ({low} to {high})"


def line(score, network):
    """Return the line of the card's table on a tissue that was left out."""
    cells = (
        f"{score.tissue} ({score.tasks} tasks, {score.cells} cells)",
        network,
        measured(score.edits, 2),
        f"{score.edits_unanswered:.2f}",
        measured(score.f1, 3),
        measured(score.pr_auc, 3),
        f"{score.alarm:.0%}",
    )
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("network", NETWORKS)
def test_the_table_of_tissue_left_out_is_that_of_the_checkpoint(network):
    scores = NETWORKS[network]
    assert [score.tissue for score in scores] == ["fib25_dev", "fib25_other", "mouse"]
    assert [s.tissue for s in scores if line(s, network) not in CARD] == []
    assert {score.replicates for score in scores} == {1}
    assert "one training, intervals" in CARD


@pytest.mark.parametrize("point", [INFO.operating_point, INFO.adapted.operating_point])
def test_operating_points_are_those_of_the_checkpoint(point):
    prose = " ".join(CARD.split())
    assert f"{point.tasks:,} tasks of {point.cells:,} cells" in prose
    right = point.rejected
    assert f"{right.right:.3f} ({right.low:.3f} to {right.high:.3f})" in prose
    assert f"{right.segments:,}" in prose
    assert point.accepted.segments == 0
    assert "nothing was accepted unseen" in prose


def test_all_tissues_that_it_learned_from_are_named():
    assert [name for name in INFO.familiar.tissues if f"| {name}" not in CARD] == []
