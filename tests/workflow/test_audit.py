"""`snakemake audit`, on the tiny sandbox."""

import json
import shutil
from pathlib import Path

import pytest

from eyewire_validator.audit.split import audit_split
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.split import SplitSettings, assign_splits


@pytest.fixture(scope="module")
def audited(run, finished, tmp_path_factory) -> tuple[Path, str]:
    """A copy of the finished workflow after the audit, and what that printed."""
    folder = Path(
        shutil.copytree(finished, tmp_path_factory.mktemp("audited") / "copy")
    )
    done = run(folder, "audit")
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


def test_honest_models_pass_and_the_published_one_fails(audited):
    folder, printed = audited
    verdict = json.loads((folder / "results/audit.json").read_text())
    assert verdict["as_expected"]
    assert verdict["split"]["passed"]
    models = verdict["models"]
    assert {name for name, model in models.items() if not model["passed"]} == {
        "published"
    }
    assert models["published"]["own_answer"]["parts"] == ["context 1"]
    index = read_table(folder / "results/tasks/index.parquet", TASK_INDEX)
    held_out = index["split"].isin(["validation", "test"]).sum()
    for model in models.values():
        assert model["own_answer"]["tasks"] == held_out
        assert model["own_answer"]["blind"] == 0
    assert "published (LEAKED)" in printed
    assert "NOT AS EXPECTED" not in printed


def test_it_fails_if_an_honest_model_leaks(run, audited, tmp_path):
    folder = Path(shutil.copytree(audited[0], tmp_path / "copy"))
    file = folder / "results/audit.json"
    verdict = json.loads(file.read_text())
    verdict["as_expected"] = verdict["models"]["lwunet"]["as_expected"] = False
    file.write_text(json.dumps(verdict))
    done = run(folder, "audit")
    assert done.returncode == 1
    assert "error: the audit is not as expected for lwunet;" in done.stdout


def test_the_published_rule_fails(finished):
    index = read_table(finished / "results/tasks/index.parquet", TASK_INDEX)
    first_test_cell = int(index.loc[index["split"].notna(), "cell"].median())
    settings = SplitSettings("published", 0.2, 0.2, 1, first_test_cell)
    found = audit_split(assign_splits(index, settings, stride=48))
    assert not found.passed
    assert found.overlaps > 0
