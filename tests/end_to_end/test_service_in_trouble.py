"""Whole runs against a service that counts, fails, and recovers."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from eyewire_validator.sandbox.service.faults import Fault

# Cells and their numbers of tasks, and the groups that their volumes form.
CELLS = {1020: 1, 1189: 5, 1331: 2, 78076: 5}
GROUPS = {11: (11079,), 60: (60083, 60137, 60249, 60305, 60327, 60413)}
GROUP_SPAN = 1000
CATALOG = "results/volumes/catalog.parquet"
PARTIAL = "results/downloads/partial"
MANIFESTS = [f"results/volumes/groups/{group}.json" for group in GROUPS]


@pytest.fixture(scope="module")
def service(service_of):
    return service_of()


@pytest.fixture(scope="module")
def download(run, service, take_cells, configure):
    """Return a function that runs Snakemake in a folder, against the service."""
    with service.serve() as address:

        def download(folder, *targets, cores=2, **api):
            take_cells(folder, *CELLS)
            config = configure(address, **api)
            config["volumes"] = {"group_span": GROUP_SPAN}
            return run(folder, *targets, config=config, token="sandbox", cores=cores)

        yield download


@dataclass(frozen=True)
class Visit:
    """What a run took of the service: requests in its busiest second, and at once."""

    requests: int
    busiest_second: int
    most_under_way: int


def visit(service):
    times = [arrival.time for arrival in service.arrivals]
    busiest = max(sum(start <= time < start + 1 for time in times) for start in times)
    return Visit(len(times), busiest, service.most_under_way)


@pytest.fixture(scope="module")
def undisturbed(service, download, tmp_path_factory):
    """A folder of an undisturbed download, and what both parts of it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    visits = []
    for targets, seconds in (([CATALOG], 2), (MANIFESTS, 0.05)):
        service.reset()
        # Slower than the rate, so that requests would pile up.
        service.seconds = seconds
        done = download(
            folder,
            *targets,
            cores=6,
            requests_per_second=5,
            jobs=4,
            concurrent_requests=2,
            storage_requests_per_second=61,
            storage_jobs=2,
        )
        assert done.returncode == 0, done.stdout
        visits.append(visit(service))
    service.seconds = 0
    print(*visits, sep="\n")
    return folder, *visits


def test_the_api_is_asked_at_the_rate_and_by_so_many_at_once(undisturbed):
    _, of_api, _ = undisturbed
    assert of_api.requests == len(CELLS) + 2 * sum(CELLS.values())
    assert of_api.busiest_second <= 5
    # One job alone could have 2.
    assert 2 < of_api.most_under_way <= 4 * 2


def test_the_bucket_is_asked_at_its_own_rate(undisturbed):
    _, _, of_bucket = undisturbed
    volumes = sum(map(len, GROUPS.values()))
    assert of_bucket.requests >= volumes * (64 + 1)
    assert of_bucket.busiest_second <= 61
    assert 2 < of_bucket.most_under_way <= 2 * 2


def contents(folder):
    """What a download leaves to later stages, by name."""
    results = folder / "results"
    files = [*results.glob("downloads/cells/**/*"), *results.glob("volumes/**/*")]
    return {
        str(file.relative_to(results)): file.read_bytes()
        for file in files
        if file.is_file()
    }


def files_of_partial_downloads(folder):
    """How the addresses end of what was fetched of groups that are not whole."""
    files = (folder / PARTIAL).rglob("*.*")
    names = [file.relative_to(folder / PARTIAL).parts for file in files]
    return {
        f"-{volume}/{'/'.join(name)}"
        for volume, _, *name in names
        if name != ["files.sha256"] and not name[-1].startswith(".")
    }


def tables(folder: Path) -> set[int]:
    found = (folder / "results/downloads/cells").glob("*/tasks.parquet")
    return {int(file.parent.name) for file in found}


def test_a_run_in_trouble_stops_what_is_hit_and_a_later_run_completes_it(
    service, undisturbed, download, tmp_path
):
    impatient = {
        "requests_per_second": 100,
        "storage_requests_per_second": 1000,
        "tries": 2,
        "max_wait": 0.01,
        "failures_in_a_row": 2,
        "jobs": 2,
    }

    def run(*targets, fault=None):
        service.reset()
        service.application.faults += [fault] if fault else []
        done = download(tmp_path, *targets, **impatient)
        assert (done.returncode == 0) == (fault is None), done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    # An outage: two cells of two tries, and what the other job had under way.
    output = run(CATALOG, "--keep-going", fault=Fault("500"))
    assert "no request sent: 2 requests in a row failed" in output
    assert "api_failures.txt" in output
    assert "run the same command: what is done stays done" in output
    assert 2 * 2 <= len(service.arrivals) <= 3 * 2
    assert tables(tmp_path) == set()

    # A cell that cannot be had.
    output = run(CATALOG, "--keep-going", fault=Fault("500", "/cell/1189/"))
    assert "error: cell 1189: HTTP 500, after 2 tries" in output
    assert tables(tmp_path) == set(CELLS) - {1189}
    run(CATALOG)

    # A volume that is damaged: what else there is of its group is not fetched again.
    damage = Fault("JPEG cut short", "-60137/jpg/3.jpg")
    output = run(*MANIFESTS, "--keep-going", fault=damage)
    assert "error: volume 60137: " in output
    assert "60137/jpg/3.jpg: " in output
    assert "expected a whole JPEG" in output
    made = [manifest for manifest in MANIFESTS if (tmp_path / manifest).exists()]
    assert made == [MANIFESTS[0]]
    fetched = files_of_partial_downloads(tmp_path)
    assert len(fetched) > 64 + 2
    run("verify")
    run(*MANIFESTS)
    asked = [arrival.path for arrival in service.arrivals]
    assert not [path for path in asked if path.endswith(tuple(fetched))]
    volumes = json.loads((tmp_path / MANIFESTS[1]).read_text())
    assert len(asked) == len(volumes) * (64 + 2) - len(fetched)
    assert not list((tmp_path / PARTIAL).iterdir())
    assert contents(tmp_path) == contents(undisturbed[0])
