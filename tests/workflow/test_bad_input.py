"""What a user sees who gives the workflow something wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"api": {"requests_per_secnd": 3}}, "unknown key api.requests_per_secnd"),
        ({"api": {"requests_per_second": -3}}, "requests_per_second: -3 is less than"),
        ({"volumes": {"factor": 3}}, "factor 3 does not divide"),
        ({"models": "lwunet"}, "models: 'lwunet' is not of type 'object'"),
    ],
)
def test_a_bad_config_stops_before_any_job(run, tmp_path, config, message):
    done = run(tmp_path, config=config)
    assert done.returncode != 0
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_an_entry_named_null_is_left_out(run, tmp_path):
    weights = "results/models/ready_made/0/checkpoint.pt"
    assert run(tmp_path, weights, "-n").returncode == 0
    done = run(tmp_path, weights, "-n", config={"models": {"ready_made": None}})
    assert done.returncode != 0
    assert "MissingRuleException" in done.stdout


def test_a_config_with_a_yaml_tag_is_refused_and_nothing_is_run(tmp_path):
    config = tmp_path / "hostile.yaml"
    config.write_text('source: !!python/object/apply:os.mkdir ["harm"]\n')
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "-n"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(config)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Config file is not valid" in done.stdout + done.stderr
    assert not (tmp_path / "harm").exists()


def test_a_registry_without_a_column_is_refused(run, tmp_path):
    (tmp_path / "cells.csv").write_text("Cell ID,Name,Status,Tags\n1,a,Completed,{}\n")
    done = run(tmp_path, config={"registry": {"csvs": ["cells.csv"]}})
    assert done.returncode != 0
    assert "error: cells.csv" in done.stdout
    assert "Size" in done.stdout
    assert not (tmp_path / "results/cells/registry.parquet").exists()


def test_the_real_service_needs_a_token(run, tmp_path):
    (tmp_path / "cells.csv").write_text(
        "Cell ID,Name,Status,Size,Tags\n1,a,Completed,5,{}\n"
    )
    config = {"source": "eyewire", "registry": {"csvs": ["cells.csv"]}}
    done = run(tmp_path, config=config)
    assert done.returncode != 0
    assert "EW_OAUTH2" in done.stdout
    assert not (tmp_path / "results/downloads/cells/1/tasks.parquet").exists()


def test_a_cell_without_tasks_is_named(run, finished_copy):
    replies = finished_copy / "results/sandbox/api/cell_tasks.json"
    tasks = json.loads(replies.read_text())
    cell = min(cell for cell in tasks if tasks[cell]["tasks"])
    tasks[cell]["tasks"] = []
    replies.write_text(json.dumps(tasks))
    table = f"results/downloads/cells/{cell}/tasks.parquet"
    (finished_copy / table).unlink()
    done = run(finished_copy, table)
    assert done.returncode != 0
    assert f"error: cell {cell}" in done.stdout
    assert not (finished_copy / table).exists()


@pytest.mark.parametrize(
    ("file", "message"),
    [("jpg/3.jpg", "3.jpg"), ("segmentation.lzma", "segmentation.lzma")],
)
def test_a_volume_cut_short_is_named(run, finished_copy, file, message):
    manifest = min((finished_copy / "results/volumes/groups").glob("*.json"))
    (bucket,) = (finished_copy / "results/sandbox/bucket").glob(
        f"*/Volume-*-{manifest.stem}"
    )
    damaged = bucket / file
    damaged.write_bytes(damaged.read_bytes()[:-40])
    manifest.unlink()
    done = run(finished_copy, str(manifest.relative_to(finished_copy)))
    assert done.returncode != 0
    assert f"error: volume {manifest.stem}" in done.stdout
    assert message in done.stdout
    assert not manifest.exists()
