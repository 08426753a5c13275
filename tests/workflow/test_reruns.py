"""What a change of the code makes again, seen by a finished run of the tiny workflow.

Each test works on a copy of the sources, so that it may change them.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
INDEX = "results/tasks/index.parquet"
PACKAGE = "src/eyewire_validator"


@pytest.fixture
def sources(tmp_path) -> Path:
    """A copy of all that runs."""
    folder = tmp_path / "sources"
    for name in ("src", "workflow", "rules", "config", "profiles", "envs"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copyfile(ROOT / "Snakefile", folder / "Snakefile")
    return folder


def jobs_of(output: str) -> dict[str, int]:
    """Count the jobs that ran, or would, by rule."""
    rules = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", output, re.MULTILINE)
    return {rule: rules.count(rule) for rule in rules}


def change(file: Path, pattern: str, replacement: str | Callable[..., str]) -> None:
    """Replace a pattern in a file, everywhere; it must be there."""
    text, count = re.subn(pattern, replacement, file.read_text())
    assert count, f"{file}: no {pattern}"
    file.write_text(text)


def reword_every_column(sources: Path) -> None:
    """Let the description of each column of each schema say more."""
    change(
        sources / PACKAGE / "storage/schemas/columns.py",
        r'\{"meaning": meaning\}',
        '{"meaning": f"{meaning}, in other words"}',
    )
    for schema in (sources / PACKAGE / "storage/schemas").glob("*.py"):
        if "column(" in (text := schema.read_text()) and schema.stem != "columns":
            assert re.search(r'column\(\s*"\w+", [^"]+"', text), schema
            change(schema, r'(column\(\s*"\w+", [^"]+")', r"\1in other words: ")


def move_a_module(sources: Path) -> None:
    """Move a module that all stages import."""
    package = sources / PACKAGE / "storage"
    (package / "files.py").rename(package / "plain_files.py")
    for folder in ("src", "workflow", "rules"):
        for file in sources.joinpath(folder).rglob("*"):
            if file.suffix in (".py", ".smk"):
                text = file.read_text()
                file.write_text(text.replace("storage.files", "storage.plain_files"))


def document_the_client(sources: Path) -> None:
    """Let a docstring of the client, and a comment in it, say more."""
    client = sources / PACKAGE / "acquire/api/client.py"
    change(client, r"\A(\"\"\".+)", r"\1 In other words.")
    client.write_text(f"{client.read_text()}\n# In other words.\n")


def make_former(results: Path) -> None:
    """Let Snakemake's records say what they said before there was FORMAT."""
    for file in (results / ".snakemake/metadata").rglob("*"):
        if file.is_file() and (record := json.loads(file.read_text()))["params"]:
            former = ["'230ca56d5362'" if p == "1" else p for p in record["params"]]
            file.write_text(json.dumps({**record, "params": former}))


def raise_format(sources: Path, module: str) -> None:
    change(sources / PACKAGE / module, r"\nFORMAT = \d+", "\nFORMAT = 1000")


def test_a_change_of_words_or_place_makes_nothing_costly(run, finished_copy, sources):
    for change_sources in (reword_every_column, move_a_module, document_the_client):
        change_sources(sources)
    # The same as before, but first.
    config = {"sandbox": {"random_seed": 2013}}
    done = run(finished_copy, INDEX, sources=sources, config=config)
    assert done.returncode == 0, done.stdout
    # These three have a hash of their code, and have seen the changes.
    expected = {"read_registry": 1, "catalog_volumes": 1, "index_tasks": 1}
    assert jobs_of(done.stdout) == expected
    assert "Nothing to be done" in run(finished_copy, INDEX, sources=sources).stdout


def test_another_format_of_cells_asks_for_all_cells(run, finished_copy, sources):
    raise_format(sources, "acquire/cells.py")
    # Bytes that are the same as before make nothing that follows again.
    changed = r'make_frame([{**row, "votes": 7} for row in rows]'
    change(sources / PACKAGE / "acquire/cells.py", r"make_frame\(rows", changed)
    cells = len(list((finished_copy / "results/downloads/cells").iterdir()))
    done = run(finished_copy, INDEX, sources=sources)
    assert done.returncode == 0, done.stdout
    assert jobs_of(done.stdout) == {
        "download_cells": cells,
        "catalog_volumes": 1,
        "index_tasks": 1,
    }
    assert "Nothing to be done" in run(finished_copy, INDEX, sources=sources).stdout


@pytest.mark.parametrize("module", ["acquire/volumes.py", "volumes/__init__.py"])
def test_another_format_of_volumes_fetches_all_volumes(
    run, finished_copy, sources, module
):
    """Also that of the downsampled ones: the raw ones are not kept."""
    raise_format(sources, module)
    groups = len(list((finished_copy / "results/volumes/groups").glob("*.json")))
    # No checkpoint is among them, so that the plan holds them all.
    plan = run(finished_copy, INDEX, "-n", sources=sources)
    assert jobs_of(plan.stdout) == {
        "download_volumes": groups,
        "downsample_volumes": groups,
        "index_tasks": 1,
    }


def test_another_format_of_sandboxes_makes_all_again(run, finished_copy, sources):
    raise_format(sources, "sandbox/__init__.py")
    # What lies behind the first checkpoint, no plan can hold; the cell's is in front.
    cell = min((finished_copy / "results/downloads/cells").iterdir()).name
    table = f"results/downloads/cells/{cell}/tasks.parquet"
    plan = run(finished_copy, INDEX, table, "-n", sources=sources)
    assert jobs_of(plan.stdout) == {
        "make_sandbox": 1,
        "read_registry": 1,
        "download_cells": 1,
        "catalog_volumes": 1,
        "index_tasks": 1,
    }


def test_results_without_a_format_are_refused_until_touched(
    run, finished_copy, sources
):
    make_former(finished_copy)
    refused = run(finished_copy, INDEX)
    assert refused.returncode != 0
    assert jobs_of(refused.stdout) == {}
    (advice,) = re.findall(r"without FORMAT .+ (--touch .+); or delete", refused.stdout)
    option, *patterns = advice.split()
    named = [
        str(file.relative_to(finished_copy))
        for pattern in patterns
        for file in finished_copy.glob(pattern)
    ]
    touched = run(finished_copy, option, *named)
    assert touched.returncode == 0, touched.stdout
    assert "Nothing to be done" in run(finished_copy, INDEX).stdout
    # A touch does not hide what is raised later.
    raise_format(sources, "volumes/__init__.py")
    plan = run(finished_copy, INDEX, "-n", sources=sources)
    assert "downsample_volumes" in jobs_of(plan.stdout)


def test_a_setting_reaches_results_whose_volumes_are_gone(run, finished_copy):
    """Snakemake looks at nothing that lies behind a checkpoint whose file is gone."""
    (finished_copy / "results/volumes/catalog.parquet").unlink()
    config = {"evaluation": {"batch_size": 3}}
    planned = jobs_of(run(finished_copy, "-n", config=config).stdout)
    assert {"catalog_volumes", "evaluate_network", "evaluate_baseline"} <= set(planned)


def test_a_deleted_evaluation_is_made_again(run, finished_copy):
    shutil.rmtree(finished_copy / "results/evaluation/msty")
    planned = jobs_of(run(finished_copy, "-n").stdout)
    assert planned["evaluate_baseline"] == 1  # both splits
    assert {"summarize_model", "compare_models", "render_report"} <= set(planned)


def test_deleted_answers_are_made_again(run, finished_copy):
    for file in finished_copy.glob("results/answers/*/tasks.csv"):
        file.unlink()
    assert "list_answers" in jobs_of(run(finished_copy, "-n").stdout)


def test_deleted_volumes_are_missed_by_nothing_that_is_finished(run, finished_copy):
    """Whoever needs the disk may delete them, but for the catalog."""
    shutil.rmtree(finished_copy / "results/volumes/groups")
    assert "Nothing to be done" in run(finished_copy, "-n").stdout


def test_no_report_stands_over_numbers_of_other_settings(run, finished_copy):
    """Even if Snakemake were made to believe that all is well."""
    report = "results/report/index.html"
    config = {"evaluation": {"reject_recall": 0.9}}
    done = run(
        finished_copy,
        report,
        *("--forcerun", "render_report", "--rerun-triggers", "mtime"),
        config=config,
    )
    assert done.returncode != 0
    assert "honest_table.csv: was made with the settings" in done.stdout


def test_a_block_that_is_older_than_the_one_before_is_seen(run, tmp_path):
    manifest, block = "results/sandbox/manifest.json", tmp_path / "block.npz"
    config = {
        "sandbox": {
            "made_from": "files",
            "files": {
                **{name: f"block.npz::{name}" for name in ("image", "labels")},
                "supervoxels": "block.npz::labels",
                "min_cell_voxels": 1,
            },
        },
        "volumes": {"size": 16, "overlap": 4, "factor": 1, "voxel_nm": [10] * 3},
        "models": {"agglomeration": None, "lwunet": None, "published": None},
        "report": {"model": "ready_made"},
    }
    write_block(block, cells=2)
    done = run(tmp_path, manifest, config=config)
    assert done.returncode == 0, done.stdout
    other = tmp_path / "other.npz"
    write_block(other, cells=4)
    os.utime(other, (0, 0))
    other.replace(block)
    assert jobs_of(run(tmp_path, manifest, config=config).stdout) == {"make_sandbox": 1}
    os.utime(block)
    done = run(tmp_path, manifest, config=config)
    assert "Nothing to be done" in done.stdout


def write_block(path: Path, cells: int) -> None:
    """Write slabs along x, each a cell, as a block of 16 voxels an edge."""
    labels = np.broadcast_to(np.arange(16) * cells // 16 + 1, (16, 16, 16))
    np.savez(path, image=(labels * 50).astype(np.uint8), labels=labels)
