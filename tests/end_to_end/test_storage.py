"""Results on a store, worked on from disks that are empty."""

import re
import shutil
from importlib.util import find_spec

import pytest

GROUP = "results/volumes/groups/11.json"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder that is the store, and one on the disk where the workflow runs."""
    if not shutil.which("rsync"):
        pytest.skip("the fs plugin copies with rsync, which is not installed (.ci/run)")
    if not find_spec("snakemake_storage_plugin_fs"):
        pytest.skip("snakemake-storage-plugin-fs is not installed (extra `storage`)")
    return tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("disk") / "run"


def storing_in(store):
    """What Snakemake is told: where the store is, and the records of what was run."""
    return [
        *("--default-storage-provider", "fs", "--default-storage-prefix", str(store)),
        *("--persistence-backend", "db", "--persistence-backend-db-url"),
        f"sqlite:///{store}/records.sqlite",
    ]


@pytest.fixture(scope="module")
def options(folders):
    return storing_in(folders[0])


@pytest.fixture(scope="module")
def stored(folders, options, run_few):
    """The store after a whole run, and what that left on the disk."""
    store, disk = folders
    disk.mkdir()
    run_few(disk, *options)
    left = [file.relative_to(disk) for file in disk.rglob("*") if file.is_file()]
    return store, left


@pytest.fixture
def empty_disk(folders, stored):
    """The folder where the workflow runs, as after a first run on a new machine."""
    _, disk = folders
    shutil.rmtree(disk)
    disk.mkdir()
    return disk


def rules_of(output):
    """The rules that ran, or were planned."""
    pattern = r"^(?:local)?(?:rule|checkpoint) (\w+):$"
    return set(re.findall(pattern, output, re.MULTILINE)) - {"all"}


def test_the_store_holds_the_bytes_of_a_local_run(made, local_run, stored):
    here, there = made(local_run), made(stored[0])
    assert set(there) == set(here)
    assert [name for name in here if there[name] != here[name]] == []


def test_no_results_stay_on_the_disk(stored):
    _, left = stored
    assert "results" not in {file.parts[0] for file in left}
    copies = [file for file in left if "storage" in file.parts]
    assert copies
    assert {"logs", "benchmarks"} >= {
        file.parts[file.parts.index("results") + 1] for file in copies
    }


def test_another_empty_disk_has_nothing_to_do(run_few, stored, options, tmp_path):
    assert "Nothing to be done" in run_few(tmp_path, *options)


def test_another_model_is_made_with_what_it_needs(
    run_few, made, stored, options, empty_disk
):
    before = made(stored[0])
    another = {"title": "another", "kind": "dilated_seed", "dilation": 2}
    done = run_few(empty_disk, *options, another=another)
    assert rules_of(done) == {
        *("evaluate_baseline", "summarize_model", "audit_models"),
        *("compare_models", "render_report"),
    }
    fetched = set(re.findall(r"from storage: \S+?/results/(\S+)", done))
    assert {"volumes/groups/11", "volumes/groups/60", "tasks/index.parquet"} <= fetched
    assert not any(name.startswith(("downloads/", "sandbox/b")) for name in fetched)
    after = made(stored[0])
    changed = {name for name in after if after[name] != before.get(name)}
    assert all(
        name.startswith(("results/report/", "results/figures/honest_table."))
        or "/another/" in name
        or name == "results/audit.json"
        for name in changed
    )


def test_verify_says_that_it_cannot(run, few, stored, options, empty_disk):
    done = run(empty_disk, "verify", *options, config=few())
    assert done.returncode != 0
    assert "results on a store cannot be verified" in done.stdout


def test_files_that_the_config_names_are_read_from_the_disk(
    run, few, stored, empty_disk, tmp_path
):
    made = ["cells/registry.parquet", "models/ready_made/0/checkpoint.pt"]
    csv = stored[0] / "results/sandbox/registry.csv"
    shutil.copy(csv, empty_disk / "cells.csv")
    config = few(ready_made={}) | {"registry": {"csvs": ["cells.csv"]}}
    targets = [f"results/{file}" for file in made]
    done = run(empty_disk, *targets, *storing_in(tmp_path), config=config)
    assert done.returncode == 0, done.stdout
    assert rules_of(done.stdout) == {"read_registry", "adopt_checkpoint"}
    for file in made:
        assert (tmp_path / "results" / file).is_file()


def test_a_forced_group_is_made_anew_and_nothing_else(
    run_few, made, stored, options, tmp_path
):
    """The last test: what depends on the group is older than it now."""
    before = made(stored[0])
    forced = ["--forcerun", "downsample_volumes"]
    done = run_few(tmp_path, GROUP, *forced, *options)
    assert rules_of(done) == {"download_volumes", "downsample_volumes"}
    assert made(stored[0]) == before
