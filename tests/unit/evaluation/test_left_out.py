import math

import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.left_out import (
    LeftOutScore,
    Measured,
    describe_saving,
    scores_left_out,
)


def row(tissue, replicate, edits, *, network="adapted", model="agglomeration"):
    return {
        "tissue": tissue, "replicate": replicate, "network": network, "model": model,
        "tasks": 30, "cells": 9, "edits_unanswered": 4.0, "alarm": 0.5,
        "edits": edits, "edits_low": edits - 1, "edits_high": edits + 1,
        "f1": 0.5, "f1_low": 0.4, "f1_high": 0.6,
        "pr_auc": math.nan, "pr_auc_low": math.nan, "pr_auc_high": math.nan,
    }  # fmt: skip


TABLE = pd.DataFrame(
    [
        row("fly", 0, 1.0),
        row("mouse", 0, 5.0),
        row("fly", 1, 2.0),
        row("fly", 0, 9.0, network="given"),
        row("fly", 0, 9.0, model="multicut"),
    ]
)
FLY, MOUSE = scores_left_out(TABLE, "adapted")


def test_a_score_is_the_mean_of_trainings_of_one_network():
    assert (FLY.tissue, FLY.replicates, FLY.tasks, FLY.cells) == ("fly", 2, 30, 9)
    assert FLY.edits == Measured(1.5, 0.5, 2.5)
    assert FLY.pr_auc == Measured(None, None, None)
    assert (MOUSE.tissue, MOUSE.replicates, MOUSE.edits.value) == ("mouse", 1, 5.0)


def test_what_is_saved_is_of_the_edits_of_answering_nothing():
    assert (
        describe_saving([FLY, MOUSE]) == "62 % and -25 % of the edits in fly and mouse"
    )
    assert describe_saving([FLY]) == "62 % of the edits in fly"


def test_a_score_comes_back_from_plain_values_or_is_refused():
    plain = FLY.as_plain()
    assert LeftOutScore.from_plain(plain) == FLY
    del plain["edits"]["low"]
    with pytest.raises(TableError, match=r"tissue left out: .*low.*measure it again"):
        LeftOutScore.from_plain(plain)
