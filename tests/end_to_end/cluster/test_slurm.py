"""The workflow on a real Slurm, through its profile."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROFILE = [
    *("--profile", str(ROOT / "profiles/slurm")),
    # This Slurm keeps no accounts, and a test has no time.
    *("--slurm-status-command", "squeue"),
    *("--seconds-between-status-checks", "1"),
    # As many as in the local runs that the results are compared with.
    *("--set-threads", "train_model=2", "evaluate_network=2"),
]
# What takes a second or two here waits for Slurm together, too.
MORE_GROUPS = [
    "--groups",
    *("download_volumes=volumes", "downsample_volumes=volumes"),
    *("summarize_model=summaries", "compare_models=figures", "compare_loops=figures"),
    *("plot_metrics=figures", "plot_segments=figures", "plot_sizes=figures"),
    *("plot_training=figures", "download_cells=cells", "evaluate_baseline=baselines"),
    "--group-components",
    *("cells=10", "volumes=10", "baselines=10", "summaries=100", "figures=100"),
]
GPU_RULES = (
    "rule_train_model",
    "rule_evaluate_network",
    "rule_answer_open_tasks",
)


@pytest.fixture(scope="module")
def run_there(run, slurm):
    """Return `run` through Slurm."""
    program = [str(Path(__file__).with_name("steady_snakemake.py"))]

    def run_there(folder, *targets, **more):
        return run(folder, *targets, *PROFILE, program=program, **more)

    return run_there


@pytest.fixture(scope="module")
def whole_run(run_there, few, slurm, tmp_path_factory):
    """The folder of a whole run through Slurm, and its Slurm jobs."""
    folder = tmp_path_factory.mktemp("whole")
    done = run_there(folder, *MORE_GROUPS, config=few())
    assert done.returncode == 0, done.stdout
    return folder, slurm.jobs()


def test_a_whole_run_makes_the_bytes_of_a_local_run(made, local_run, whole_run):
    here, there = made(local_run), made(whole_run[0])
    assert set(there) == set(here)
    assert [name for name in here if there[name] != here[name]] == []


def test_rules_that_want_a_gpu_are_given_one_and_no_others(whole_run):
    _, jobs = whole_run
    with_gpu = {job.comment for job in jobs if job.gres == "gpu:1"}
    on_gpus = {job.comment for job in jobs if job.partition == "gpu"}
    wanting = {job.comment for job in jobs if job.comment.startswith(GPU_RULES)}
    assert len(wanting) >= len(GPU_RULES)
    assert with_gpu == on_gpus == wanting


# Cells and their numbers of tasks, and the groups that their volumes form.
CELLS = {1020: 1, 1189: 5, 1331: 2, 78076: 5}
GROUPS = (11, 60)
CATALOG = "results/volumes/catalog.parquet"
MANIFESTS = [f"results/volumes/groups/{group}.json" for group in GROUPS]
RATE = 4


@pytest.fixture(scope="module")
def service(service_of):
    return service_of()


@pytest.fixture(scope="module")
def download(run, service, take_cells, configure):
    """Return a function that downloads into a folder, from the service."""
    with service.serve() as address:

        def download(folder, *targets, run=run):
            take_cells(folder, *CELLS)
            config = configure(
                address,
                requests_per_second=RATE,
                jobs=4,
                storage_requests_per_second=60,
            )
            config["volumes"] = {"group_span": 1000}
            done = run(folder, *targets, config=config, token="sandbox")
            assert done.returncode == 0, done.stdout

        yield download


@pytest.fixture(scope="module")
def undisturbed(download, tmp_path_factory):
    """The folder of a local download."""
    folder = tmp_path_factory.mktemp("undisturbed")
    download(folder, *MANIFESTS)
    return folder


def wait_for(found, run):
    """Wait until ``found()`` is true, as long as the run goes on."""
    while not found():
        if run.done():
            run.result()
            raise AssertionError("the run ended too early")
        time.sleep(0.2)


def test_a_cancelled_job_is_done_again_and_the_rate_holds_over_all_jobs(
    slurm, run_there, service, download, made, undisturbed, tmp_path
):
    service.reset()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(download, tmp_path, CATALOG, run=run_there)
        # Each job has its own process and claimed a fourth of the rate.
        wait_for(lambda: len(slurm.running("rule_download_cells")) > 1, run)
        wait_for(lambda: any("/cell/1189/" in a.path for a in service.arrivals), run)
        (job,) = slurm.running("rule_download_cells_wildcards_1189")
        slurm.ask("scancel", job.number)
        run.result()
    times = [arrival.time for arrival in service.arrivals]
    assert len(times) > len(CELLS) + 2 * sum(CELLS.values())
    busiest = max(sum(start <= time < start + 1 for time in times) for start in times)
    assert busiest <= RATE
    cancelled = [job for job in slurm.jobs() if job.state == "CANCELLED"]
    assert [job.comment for job in cancelled] == ["rule_download_cells_wildcards_1189"]
    (log,) = (tmp_path / "results/logs/slurm").rglob("*.log")
    assert log.parts[-3:] == ("rule_download_cells", "1189", f"{job.number}.log")
    tables = "downloads/cells"
    assert {name for name in made(tmp_path) if tables in name} == {
        name for name in made(undisturbed) if tables in name
    }


def test_what_a_dead_node_ran_is_done_again(
    slurm, run_there, service, download, made, undisturbed, tmp_path
):
    folder = Path(shutil.copytree(undisturbed, tmp_path / "copy"))
    for manifest in (folder / "results/volumes/groups").glob("*.json"):
        manifest.unlink()
        shutil.rmtree(manifest.with_suffix(""))
    service.reset()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(download, folder, *MANIFESTS, run=run_there)
        wait_for(lambda: len(service.arrivals) > 20, run)
        before = slurm.jobs()
        lost = slurm.running("volumes")
        slurm.lose_node()
        slurm.return_node(lost)
        run.result()
    slurm.settle()
    # Slurm does them again; if Snakemake asks in the meantime, it submits them anew.
    others = {job.number for job in before} - {job.number for job in lost}
    again = [job for job in slurm.jobs() if job.number not in others]
    assert lost
    assert sum(job.state == "COMPLETED" for job in again) >= len(lost)
    assert made(folder) == made(undisturbed)
