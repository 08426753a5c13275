"""Another workflow uses this one as a Snakemake module."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAKEFILE = ROOT / "tests/workflow/module/Snakefile"
FAILURES = "eyewire/results/downloads/api_failures.txt"


@pytest.fixture(scope="module")
def run_other(warm) -> Callable[..., str]:
    """Run the other workflow in a folder, and return what it says."""

    def run_other(folder: Path, *arguments: str) -> str:
        options = ["--snakefile", str(SNAKEFILE), "--directory", str(folder)]
        # Those that the other workflow has to set, as docs/as-a-module.md says.
        options += ["--workflow-profile", str(ROOT / "profiles/default")]
        environment = {k: v for k, v in os.environ.items() if k != "EW_OAUTH2"}
        done = warm.run([*arguments, "--cores=2", *options], ROOT, environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run_other


@pytest.fixture(scope="module")
def folder(run_other, tmp_path_factory) -> Path:
    """A folder in which the other workflow has run, after one whose API had failed."""
    folder = tmp_path_factory.mktemp("other")
    failures = folder / FAILURES
    failures.parent.mkdir(parents=True)
    # Full: as long as it is there, nothing is asked.
    failures.write_text("a failed request\n" * 1000)
    run_other(folder)
    return folder


def test_another_workflow_gets_its_tasks_below_the_prefix(folder):
    counts = json.loads((folder / "task_counts.json").read_text())
    assert counts["tasks"].keys() == {"train", "validation", "test"}
    shown = {path.name for path in folder.iterdir() if path.name[0] != "."}
    assert shown == {"eyewire", "task_counts.json"}
    assert {path.name for path in (folder / "eyewire").iterdir()} == {"results"}


def test_it_has_nothing_to_do_a_second_time(run_other, folder):
    assert "Nothing to be done" in run_other(folder, "-n")


def test_it_may_ask_for_all_that_there_is(run_other, folder):
    assert "rule eyewire_render_report:" in run_other(folder, "eyewire_all", "-n")


def test_it_may_verify_what_was_made(run_other, folder):
    assert "all is as it was made" in run_other(folder, "eyewire_verify")
