"""A machine that gets in the way: its disk, its clock, another run."""

import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INDEX = "results/tasks/index.parquet"


@pytest.fixture
def mount(tmp_path):
    """Mount a small disk in memory, with these options, on a new folder."""
    folder = tmp_path / "disk"

    def mount_disk(options: str) -> Path:
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not permitted here ({done.stderr.strip()})")
        return folder

    yield mount_disk
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def files_below(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_a_full_disk_stops_the_run_and_a_later_one_completes_it(run, finished, mount):
    folder = mount("size=1g") / "run"
    shutil.copytree(finished, folder)
    manifest = min((folder / "results/volumes/groups").glob("*.json"))
    manifest.unlink()
    shutil.rmtree(manifest.with_suffix(""))
    # Room for what Snakemake writes, and for a part of the volume's raw files.
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - 150_000)
    target = str(manifest.relative_to(folder))
    done = run(folder, target)
    assert done.returncode != 0
    assert "No space left on device; mend that and rerun" in done.stdout
    assert not manifest.exists()
    ballast.unlink()
    done = run(folder, target)
    assert done.returncode == 0, done.stdout
    volumes = "results/volumes"
    assert files_below(folder / volumes) == files_below(finished / volumes)


def test_a_read_only_folder_is_named(run, mount, tmp_path):
    (tmp_path / "results").symlink_to(mount("ro"))
    done = run(tmp_path, "results/sandbox/manifest.json")
    assert done.returncode != 0
    assert "Read-only file system" in done.stdout


@pytest.fixture
def spaced_python(tmp_path):
    """A Python with this one's packages, in a folder with a space."""
    venv.create(tmp_path / "my lab" / "venv")
    (packages,) = (tmp_path / "my lab").glob("venv/lib/*/site-packages")
    found = [path for path in sys.path if path.endswith("-packages")]
    (packages / "all.pth").write_text("\n".join([*found, str(ROOT / "src")]))
    return tmp_path / "my lab" / "venv" / "bin" / "python"


def test_a_python_in_a_folder_with_a_space_is_refused_before_any_job(
    spaced_python, tmp_path
):
    command = [spaced_python, "-m", "snakemake", "results/sandbox/manifest.json", "-c1"]
    command += ["--snakefile", ROOT / "Snakefile", "--directory", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{spaced_python}: the path of this Python has a space" in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("goal", ["demo", "test"])
def test_make_refuses_a_folder_with_a_space_before_it_installs(tmp_path, goal):
    folder = tmp_path / "my lab"
    folder.mkdir()
    for file in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    command = ["make", "-C", folder, "PYTHON=touch installed; false", goal]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{folder}/.venv has a space" in done.stderr
    assert not (folder / "installed").exists()


def test_of_two_runs_at_once_the_second_refuses(run, tmp_path):
    sandbox = "results/sandbox/manifest.json"
    command = [sys.executable, "-m", "snakemake", sandbox, "--cores=1", "--snakefile"]
    command += [str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    first = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    locks = tmp_path / ".snakemake" / "locks"
    while not (locks.exists() and any(locks.iterdir())):
        assert first.poll() is None
        time.sleep(0.05)
    second = run(tmp_path, sandbox)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout
    assert "--unlock" in second.stdout


def test_files_of_the_future_are_named_and_a_touch_helps(run, finished, finished_copy):
    """As a clock leaves them that is set back."""
    volumes = "results/tasks/task_vol.json"
    (finished_copy / volumes).unlink()
    index = finished_copy / INDEX
    tomorrow = (datetime.now() + timedelta(days=1)).timestamp()
    os.utime(index, (tomorrow, tomorrow))
    done = run(finished_copy, volumes)
    assert done.returncode != 0
    assert f"than input {INDEX}" in done.stdout
    assert "clock" in done.stdout
    now = datetime.now().timestamp()
    os.utime(index, (now, now))
    done = run(finished_copy, volumes)
    assert done.returncode == 0, done.stdout
    assert (finished_copy / volumes).read_bytes() == (finished / volumes).read_bytes()
