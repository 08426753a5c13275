"""What linkage says of candidates, and what is fitted to it."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE, Membership
from eyewire_validator.agglomeration.scoring import linker, score_contacts
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.models.evidence import (
    Evidence,
    fit_membership_across,
    fit_memberships,
)
from eyewire_validator.models.gather_evidence import gather_evidence, region_graphs
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.storage.tables import write_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.dust import Dust

LOOKS = Appearance(1.0, 120.0, 5.0, -2.0, -1.0, -1.0, 0.0)
SETTINGS = AgglomerationSettings(title="affinities", evidence="affinities")


@pytest.fixture
def model():
    model = ContactModel("affinities").eval()
    model.membership = Membership(0.5, 2.0, 0.1, -1.0)
    return model


def evidence(levels, truth, mean=120.0, company=0.0):
    """Make the evidence on a task in three volumes, by one member."""
    count = len(truth)
    draw = np.random.default_rng(0)
    looks = [list(LOOKS._replace(mean=mean + draw.normal())) for _ in range(3)]
    return Evidence(
        pd.DataFrame(
            {
                "task": 1,
                "volume": [1, 2, 3],
                "looks": looks,
                "voxel_nm": [[10.0] * 3] * 3,
            }
        ),
        pd.DataFrame(
            {
                "cell": 1,
                "volume": np.arange(count) % 3 + 1,
                "seed_area": np.zeros(count),
                "rejected": np.zeros(count, np.bool_),
                "levels": [np.array([level], np.float32) for level in levels],
                "company": list(np.full((count, 1), company, np.float32)),
                "truth": truth,
            }
        ),
    )


def the_same_everywhere(membership):
    return TissueMemberships({}, membership, Familiar({}))


def test_it_gives_the_probabilities_that_the_model_answers_with(
    model, membranes_store, membranes_index
):
    tasks = membranes_index["task"].tolist()
    found = gather_evidence(
        linker(model, membranes_store, SETTINGS),
        *(membranes_index, membranes_store, Dust(0, 0), tasks),
    )
    model.by_tissue = the_same_everywhere(model.membership)
    assert found.tasks["task"].tolist() == tasks
    lineage = Lineage(membranes_index)
    answer = agglomerate(model, membranes_store, SETTINGS)
    probability = found.probability(model.by_tissue)
    for task, rows in found.candidates.groupby("task"):
        row = lineage.task(task)
        assert rows["segment"].tolist() == sorted({*range(1, 9)} - {*row.seed})
        assert set(rows.loc[rows["truth"], "segment"]) == {*row.aggregate} - {*row.seed}
        np.testing.assert_allclose(
            probability[rows.index],
            answer(row, lineage).segments[rows["segment"]],
            rtol=1e-6,
        )


def test_seeds_and_contacts_are_kept_for_peers(
    model, membranes_store, membranes_index, tmp_path
):
    tasks = membranes_index["task"].tolist()
    gathered = gather_evidence(
        linker(model, membranes_store, SETTINGS),
        *(membranes_index, membranes_store, Dust(0, 0), tasks),
    )
    volumes = [int(volume) for volume in gathered.tasks["volume"].unique()]
    first_look = {
        volume: score_contacts(model, membranes_store.get(volume), SETTINGS.image)
        for volume in volumes
    }
    files = [tmp_path / name for name in ("tasks", "candidates", "contacts")]
    schemas = (EVIDENCE_TASKS, EVIDENCE, CONTACTS)
    tables = (gathered.tasks, gathered.candidates, region_graphs(first_look))
    for file, table, schema in zip(files, tables, schemas, strict=True):
        write_table(file, table, schema)
    found = Evidence.read(*files)
    seeds = [Lineage(membranes_index).task(task).seed.tolist() for task in tasks]
    assert [seed.tolist() for seed in found.tasks["seed"]] == seeds
    assert set(found.contacts["volume"]) == set(volumes)
    scored = first_look[volumes[0]]
    rows = found.contacts[found.contacts["volume"] == volumes[0]]
    np.testing.assert_array_equal(rows[["one", "other"]], scored.pairs)
    np.testing.assert_array_equal(rows["area"], scored.area)
    mean = scored.evidence.mean(axis=0)
    np.testing.assert_allclose(rows["log_odds"], mean, rtol=1e-4)


def test_open_tasks_can_be_written(model, membranes_store, membranes_index, tmp_path):
    nobody = pd.Series([[]] * len(membranes_index), dtype=object)
    open_ones = membranes_index.assign(aggregate=nobody, state="open")
    found = gather_evidence(
        linker(model, membranes_store, SETTINGS),
        *(open_ones, membranes_store, Dust(0, 0), open_ones["task"][:1]),
    )
    write_table(tmp_path / "candidates.parquet", found.candidates, EVIDENCE)
    assert not found.candidates["truth"].any()


def test_what_nothing_joins_to_the_seed_does_not_belong():
    alone = evidence([-np.inf, 3.0], [False, True])
    probability = alone.probability(the_same_everywhere(LINKAGE_ALONE))
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


def test_a_volume_is_answered_as_the_tissue_that_it_looks_like():
    truth = np.tile([True, False], 100)
    dark, bright = (
        evidence(np.where(truth, 1, -1) + by, truth, mean)
        for by, mean in ((2.0, 90.0), (-2.0, 160.0))
    )
    memberships = fit_memberships({"dark": dark, "bright": bright})
    for one in (dark, bright):
        assert ((one.probability(memberships) > 0.5) == truth).all()
    # What looks like none of them is answered with what was fitted to all.
    strange = LOOKS._replace(grain=2.0)
    assert memberships.on(strange, (10, 10, 10)) == memberships.of_all
    assert memberships.of_all not in memberships.of_tissue.values()


def test_company_counts_in_known_tissue_and_not_in_strange_one():
    truth = np.tile([True, False], 100)
    company = np.where(truth, -1.0, 1.0)
    levels = truth + np.random.default_rng(0).normal(0, 3, 200)
    known = evidence(levels, truth, company=company[:, None])
    memberships = fit_memberships({"known": known})
    assert memberships.of_tissue["known"].company < -1
    assert memberships.of_all.company == 0
    small = evidence(levels, truth, company=-1.0)
    np.testing.assert_array_equal(
        small.probability(memberships.for_strangers()),
        known.probability(memberships.for_strangers()),
    )
