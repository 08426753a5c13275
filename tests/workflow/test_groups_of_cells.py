"""Several cells a job: what was fetched of them is not asked for again."""

import json
import shutil
from pathlib import Path

GROUP = "results/downloads/cells/0/tasks.parquet"


def know(folder: Path, lists: dict[str, dict], cells: set[str]) -> None:
    """Let the sandbox know the tasks of these cells alone."""
    known = {
        cell: tasks if cell in cells else {**tasks, "tasks": []}
        for cell, tasks in lists.items()
    }
    file = folder / "results/sandbox/api/cell_tasks.json"
    file.write_text(json.dumps(known))


def test_no_cell_of_a_group_is_asked_for_twice(run, tmp_path):
    config = {"registry": {"csvs": ["cells.csv"], "group_span": None}}
    registry, replies = tmp_path / "cells.csv", tmp_path / "results/downloads/replies"
    assert run(tmp_path, "results/sandbox/manifest.json").returncode == 0
    sandbox = tmp_path / "results/sandbox"
    shutil.copyfile(sandbox / "registry.csv", registry)
    expected = run(tmp_path, GROUP, config=config)
    assert expected.returncode == 0, expected.stdout
    table = (tmp_path / GROUP).read_bytes()
    first, missing, *others, last = sorted((f.name for f in replies.iterdir()), key=int)
    shutil.rmtree(replies)
    lists = json.loads((sandbox / "api/cell_tasks.json").read_text())

    rows = registry.read_text().splitlines(keepends=True)
    registry.write_text("".join(r for r in rows if not r.startswith(f"{last},")))
    know(tmp_path, lists, {first})
    failed = run(tmp_path, GROUP, config=config)
    assert f"error: cell {missing}: its task list is empty" in failed.stdout

    know(tmp_path, lists, {missing, *others})
    done = run(tmp_path, GROUP, config=config)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / GROUP).read_bytes() != table

    registry.write_text("".join(rows))
    know(tmp_path, lists, {last})
    done = run(tmp_path, GROUP, config=config)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / GROUP).read_bytes() == table
    assert "Nothing to be done" in run(tmp_path, GROUP, config=config).stdout
