"""`snakemake verify`, on the tiny sandbox."""

import re
from pathlib import Path

import pytest


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def kind(path: Path) -> str:
    """Name what several artifacts have in common: volumes, cells, figures, ..."""
    return re.sub(r"\d+", "N", "/".join(path.parts[-2:]))


def artifacts(folder: Path) -> list[Path]:
    """One artifact of each kind that a run makes; Snakemake's own times are hidden."""
    files = sorted(path for path in (folder / "results").rglob("*") if path.is_file())
    made = [
        path.relative_to(folder)
        for path in files
        if not {"logs", "benchmarks"} & set(path.parts) and path.name[0] != "."
    ]
    return list({kind(path): path for path in made}.values())


def named(output: str) -> set[str]:
    """Return the files that were found."""
    pattern = r"^(\S+): is (?:missing|not as it was made) \(results/logs/\S+\.sha256\)$"
    return set(re.findall(pattern, output, re.MULTILINE))


def test_an_untouched_run_passes_however_often(run, finished_copy):
    for _ in range(2):
        done = run(finished_copy, "verify")
        assert done.returncode == 0, done.stdout
        assert re.search("what [0-9]+ jobs made: all is as it was made", done.stdout)


@pytest.fixture
def damaged(finished_copy):
    """A finished run with a bit flipped in one artifact of each kind."""
    for path in artifacts(finished_copy):
        flip_a_bit(finished_copy / path)
    return finished_copy


def test_a_flipped_bit_in_any_artifact_is_found_and_the_artifact_named(run, damaged):
    flipped = {str(path) for path in artifacts(damaged)}
    names = {Path(path).name for path in flipped}
    assert {
        *("registry.csv", "registry.parquet", "tasks.parquet", "replies.json.xz"),
        *("catalog.parquet", "image.lzma", "segmentation.lzma", "coverage.parquet"),
        *("index.parquet", "task_vol.json", "checkpoint.pt", "history.parquet"),
        *("segments.parquet", "decisions.json", "summary.json", "audit.json"),
        *("task.png", "task.svg", "honest_table.txt", "index.html"),
    } <= names
    done = run(damaged, "verify")
    assert done.returncode != 0
    assert named(done.stdout) == flipped
    assert f"error: {len(flipped)} files are not as they were made" in done.stdout


def test_what_it_says_to_do_makes_the_same_bytes_again(run, finished, finished_copy):
    volume = min((finished_copy / "results/volumes/groups").glob("*/*/image.lzma"))
    flip_a_bit(volume)
    found = run(finished_copy, "verify").stdout
    (advice,) = re.findall("to make all of it again: (.+)", found)
    again = run(finished_copy, "results/tasks/index.parquet", *advice.split())
    assert again.returncode == 0, again.stdout
    same = finished / volume.relative_to(finished_copy)
    assert volume.read_bytes() == same.read_bytes()
    assert run(finished_copy, "verify").returncode == 0
