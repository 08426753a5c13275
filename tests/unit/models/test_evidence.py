"""What linkage says of candidates, and what is fitted to it."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.models.evidence import (
    Evidence,
    fit_membership_across,
)
from eyewire_validator.models.gather_evidence import gather_evidence
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.dust import Dust

SETTINGS = AgglomerationSettings(title="affinities", evidence="affinities")


@pytest.fixture
def model():
    model = ContactModel("affinities").eval()
    model.membership = Membership(0.5, 2.0, 0.1, -1.0)
    return model


def evidence(levels, truth):
    """Make the evidence of a task by one member."""
    count = len(truth)
    return Evidence(
        pd.DataFrame({"task": [1]}),
        pd.DataFrame(
            {
                "cell": 1,
                "seed_area": np.zeros(count),
                "rejected": np.zeros(count, np.bool_),
                "levels": [np.array([level], np.float32) for level in levels],
                "truth": truth,
            }
        ),
    )


def test_it_gives_the_probabilities_that_the_model_answers_with(
    model, membranes_store, membranes_index
):
    tasks = membranes_index["task"].tolist()
    found = gather_evidence(
        model, membranes_index, membranes_store, SETTINGS, Dust(0, 0), tasks
    )
    assert found.tasks["task"].tolist() == tasks
    lineage = Lineage(membranes_index)
    answer = agglomerate(model, membranes_store, SETTINGS)
    probability = found.probability(model.membership)
    for task, rows in found.candidates.groupby("task"):
        row = lineage.task(task)
        assert rows["segment"].tolist() == sorted({*range(1, 9)} - {*row.seed})
        assert set(rows.loc[rows["truth"], "segment"]) == {*row.aggregate} - {*row.seed}
        np.testing.assert_allclose(
            probability[rows.index],
            answer(row, lineage).segments[rows["segment"]],
            rtol=1e-6,
        )


def test_what_nothing_joins_to_the_seed_does_not_belong():
    alone = evidence([-np.inf, 3.0], [False, True])
    probability = alone.probability(Membership(0.0, 1.0, 0.0, 0.0))
    assert probability[0] == 0
    assert probability[1] > 0.9


def test_each_tissue_counts_the_same():
    draw = np.random.default_rng(0)
    truth = draw.random(4000) < 0.5
    noise = draw.normal(0, 2, len(truth))
    here, there = (
        evidence(np.where(truth, 1, -1) + noise + by, truth) for by in (3, -3)
    )
    small = Evidence(there.tasks, there.candidates[:400].reset_index(drop=True))
    both = fit_membership_across({"here": here, "small": small})
    same = fit_membership_across({"here": here, "there": there})
    assert both.bias == pytest.approx(same.bias, abs=0.15)
    only = fit_membership_across({"here": here})
    assert abs(only.bias - same.bias) > 1
