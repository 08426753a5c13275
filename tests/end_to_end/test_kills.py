"""A run that is killed again and again ends with the bytes of one that was not.

``python tests/end_to_end/test_kills.py 20`` kills 20 times, in every stage, and prints
when; with 0, it compares two runs that nobody disturbed. The tests kill in a download,
in a training, and wherever cells grow.
"""

import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
MODELS = [
    name
    for file in (ROOT / "config" / "config.yaml", TINY)
    for name in yaml.safe_load(file.read_text())["models"]
]
# Each job has to start, so there are few: one network alone.
SMALL = {
    "volumes": {"group_span": 1000},
    "models": {
        **dict.fromkeys(MODELS),
        "lwunet": {"replicates": 1, "training": {"epochs": 6}},
    },
    "evaluation": {"loops": [2]},
    "report": {"model": "lwunet"},
}
# The share of the kills that each stage gets, in the order in which they come.
STAGES = {
    "make_sandbox": 1,
    "download_cells": 3,
    "catalog_volumes": 1,
    "download_volumes": 2,
    "downsample_volumes": 2,
    "index_tasks": 1,
    "train_model": 5,
    "evaluate_network": 2,
    "summarize_model": 1,
    "plot_tasks": 1,
    "render_report": 1,
}
# Not compared: what a job said and took, hashes of what it made at any time (a kill may
# leave those of a job that is done again), and temporary files.
NOT_COMPARED = ("logs", "benchmarks")


@dataclass(frozen=True)
class Kill:
    """A kill: what it was aimed at, and what ran when it came."""

    rule: str
    seconds: float
    running: tuple[str, ...]
    epochs_kept: bool


def start(
    folder: Path, targets: Sequence[str], config: object, path: str = ""
) -> subprocess.Popen:
    """Start a run as the leader of a process group; its output is a pipe.

    ``path`` comes before the folders from which Python imports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "changes.json").write_text(json.dumps(config or {}))
    command = [sys.executable, "-m", "snakemake", *targets, "--cores=2"]
    command += ["--rerun-incomplete", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile"]
    command += [str(TINY), str(folder / "changes.json")]
    folders = filter(None, [path, os.environ.get("PYTHONPATH")])
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )


def finish(folder: Path, targets: Sequence[str], config: object) -> None:
    with start(folder, targets, config) as run:
        output, _ = run.communicate()
    assert run.returncode == 0, output


def kill_in(
    rule: str, share: float, reference: Path, run: subprocess.Popen, folder: Path
) -> Kill | None:
    """Kill a run at a share of a job's usual time; none if there was no such job.

    The time counts from when the job has imported all and opens its log.
    """
    output: list[str] = []
    begin = time.time()
    reader = threading.Thread(target=lambda: output.extend(run.stdout), daemon=True)
    reader.start()
    while rule not in begun("".join(output)):
        if not reader.is_alive():
            assert run.wait() == 0, "".join(output)
            return None
        time.sleep(0.02)
    logs = folder / "results/logs" / rule
    while reader.is_alive() and not any(
        log.stat().st_mtime > begin for log in logs.glob("*.log")
    ):
        time.sleep(0.02)
    seconds = share * usual_seconds(reference, rule)
    time.sleep(seconds)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    reader.join()
    # What `snakemake --unlock` does.
    shutil.rmtree(folder / ".snakemake" / "locks", ignore_errors=True)
    epochs_kept = any(folder.glob("results/models/*/*/resume.pt"))
    return Kill(rule, seconds, running("".join(output)), epochs_kept)


# Imported by every Python that starts: ends the process group, and so the run, when
# anything is opened after a file of that name was made in it.
MORTAL = """
import os, signal, sys
from pathlib import Path

def end(event, arguments):
    if event == "open" and any(Path({folder!r}).glob({name!r})):
        os.killpg(0, signal.SIGKILL)

sys.addaudithook(end)
"""


def kill_once_there_is(name: str, folder: Path, targets: Sequence[str]) -> str:
    """Kill a run as soon as it has made a file; return what it said until then."""
    assert not any(folder.glob(name)), "it must be this run that makes it"
    mortal = folder / "mortal"
    mortal.mkdir(exist_ok=True)
    code = MORTAL.format(folder=str(folder), name=name)
    (mortal / "sitecustomize.py").write_text(code)
    with start(folder, targets, None, path=str(mortal)) as run:
        output, _ = run.communicate()
    assert run.returncode == -signal.SIGKILL, output
    assert any(folder.glob(name))
    # What `snakemake --unlock` does.
    shutil.rmtree(folder / ".snakemake" / "locks", ignore_errors=True)
    return output


def is_done(rule: str, reference: Path, folder: Path) -> bool:
    """Whether no job of the rule is left.

    Each writes a benchmark file at its end, unless it was killed when it had just made
    all that it makes; but then a job of a later stage has ended.
    """
    usual, found = (
        {file.name for file in (path / "results/benchmarks" / rule).glob("*")}
        for path in (reference, folder)
    )
    later = [*STAGES][[*STAGES].index(rule) + 1 :]
    begun = any((folder / "results/benchmarks" / stage).exists() for stage in later)
    return begun or usual <= found


def usual_seconds(reference: Path, rule: str) -> float:
    """How long jobs of a rule took on average, as their benchmark files say."""
    files = (reference / "results/benchmarks" / rule).glob("*.tsv")
    return statistics.mean(
        float(file.read_text().splitlines()[1].split("\t")[0]) for file in files
    )


def begun(output: str) -> list[str]:
    """The rules of the jobs that had begun."""
    return re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", output, re.MULTILINE)


def running(output: str) -> tuple[str, ...]:
    """The rules of the jobs that had begun and not ended."""
    rules = begun(output)
    for rule in re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", output, re.M):
        rules.remove(rule)
    return tuple(rules)


def kill_again_and_again(
    folder: Path,
    reference: Path,
    rules: Sequence[str],
    targets: Sequence[str] = (),
    config: object = None,
) -> Iterator[Kill]:
    """Run in a folder to the end, killed once in a job of each of the rules.

    In place of a rule whose jobs are done it is the first whose are not.
    """
    generator = random.Random(20)
    for rule in rules:
        aims = (aim for aim in (rule, *STAGES) if not is_done(aim, reference, folder))
        if (aim := next(aims, None)) is None:
            break
        with start(folder, targets, config) as run:
            kill = kill_in(aim, generator.random(), reference, run, folder)
        if kill:
            yield kill
    finish(folder, targets, config)
    # Raw volumes stay where the kill came when they had just been downsampled.
    finish(folder, ("--delete-temp-output", *targets), config)


def results(folder: Path) -> dict[str, bytes]:
    """What a run leaves, by name."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file())
    names = {path.relative_to(folder / "results"): path for path in files}
    return {
        str(name): path.read_bytes()
        for name, path in names.items()
        if name.parts[0] not in NOT_COMPARED
        and not any(part.startswith(".") for part in name.parts)
    }


def test_a_run_killed_in_a_download_and_in_a_training_ends_with_the_same_bytes(
    finished, tmp_path
):
    """So that two runs, even of which one is disturbed, give the same bytes."""
    targets = (
        "results/models/lwunet/0/checkpoint.pt",
        "results/evaluation/lwunet/0/test/loops-2/summary.json",
    )
    rules = ("download_volumes", "train_model")
    kills = list(kill_again_and_again(tmp_path, finished, rules, targets))
    print(*kills, sep="\n")
    assert [kill.rule for kill in kills] == list(rules)
    undisturbed, killed = results(finished), results(tmp_path)
    also = {"results/sandbox/manifest.json", "results/tasks/index.parquet"}
    assert also.union(targets) <= {f"results/{name}" for name in killed}
    assert [name for name in killed if killed[name] != undisturbed[name]] == []


# Where the jobs of growth are killed: the rule, what was asked for, and the file after
# which the job has more to do. Of scores, those of one group are to be made.
SCORES = "scores/11079.parquet"
PARTS_OF_GROWTH = (
    ("skeletonize_truth", "results/growth/skeletons.parquet", "skeletons.parquet"),
    ("score_contacts", "results/growth/grown.parquet", SCORES),
    ("grow_cells", "results/growth/grown.parquet", "grown.parquet"),
    ("label_grown", "results/growth/labels", ".labels.unfinished/*/*"),
    ("measure_growth", "grow", "cells.csv"),
)


def test_growth_that_is_killed_in_every_part_ends_with_the_same_bytes(
    run, finished_copy, tmp_path
):
    done = run(finished_copy, "grow")
    assert done.returncode == 0, done.stdout
    killed = Path(shutil.copytree(finished_copy, tmp_path / "killed"))
    (killed / "results/growth" / SCORES).unlink()
    for made in (killed / "results/growth").iterdir():
        if made.is_dir() and made.name != "scores":
            shutil.rmtree(made)
        elif made.is_file():
            made.unlink()
    for rule, target, name in PARTS_OF_GROWTH:
        output = kill_once_there_is(f"results/growth/{name}", killed, [target])
        assert rule in running(output), output
    assert "score_contacts" not in begun(output), "scores are kept"
    finish(killed, ["grow"], None)
    undisturbed, found = results(finished_copy), results(killed)
    assert any(name.startswith("growth/labels/") for name in found)
    assert found.keys() == undisturbed.keys()
    assert [name for name in found if found[name] != undisturbed[name]] == []
    assert not (killed / "results/growth/.labels.unfinished").exists()


def main(kills: int) -> None:
    """Compare a run killed so often, and a little more, with one that was not."""
    with tempfile.TemporaryDirectory() as temporary:
        reference, folder = Path(temporary, "undisturbed"), Path(temporary, "killed")
        finish(reference, (), SMALL)
        print(f"undisturbed: {len(results(reference))} files", flush=True)
        rules = [rule for rule, count in STAGES.items() for _ in range(count)][:kills]
        for kill in kill_again_and_again(folder, reference, rules, (), SMALL):
            print(kill, flush=True)
        undisturbed, killed = results(reference), results(folder)
        names = sorted(undisturbed.keys() | killed.keys())
        other = [name for name in names if undisturbed.get(name) != killed.get(name)]
        print(f"{len(names)} files, {len(other)} of them other:", *other)
        sys.exit(bool(other))


if __name__ == "__main__":
    main(int(sys.argv[1]))
