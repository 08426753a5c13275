"""Commands that the documents show, as they are written."""

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
# Not docs/log: what was run once, at the commit that it names.
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "models/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/decisions").glob("*.md")),
    *sorted((ROOT / "docs/figures").glob("*.md")),
]

# What config/studies/carry_over.yaml names.
STUDIED = (
    *("fib25_dev.npz", "fib25_other_sparse.npz", "gala_train.npz", "mouse_ac4.npz"),
    *("snemi_mini.npz", "snemi_mini_neurons.npy", "fib25_dev.pt"),
)

# Fenced, and indented after an empty line.
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?<=\n\n)(?: {4}[^\n]*\n)+")
PROGRAMS = "snakemake|make|pytest|python|pip|sha256sum|export"
INLINE = re.compile(rf"`((?:\w+=\S+ )?(?:{PROGRAMS}) [^`]+)`")

NEVER_RUN = {
    r"pip install ": "installs from the package index",
    r"export EW_OAUTH2=": "a token, which only its owner has",
    r"snakemake .*my_site": "a profile that a site writes",
    r"snakemake .*--default-storage": "a store that a site mounts",
    r"python -m eyewire_validator\.sandbox serve ": "serves until it is stopped",
    r"python -m eyewire_validator answer .*://": "data that lie elsewhere",
}
# Run by those who test or measure: here only what they name is looked for.
NAMES_FILES = r"(FUZZ_CASES=\d+ )?(pytest|python (benchmarks|tests)/)"
# Run as they are: one question, and commands of Snakemake that are no run; all others
# need cores.
NO_RUN = (
    r"snakemake (--unlock|--delete-temp-output|--lint)"
    r"|python -m eyewire_validator answer "
)
NEEDED = r"(--cores|--profile|-n\b)"
# What only a shell understands.
OF_SHELL = re.compile(r"[$`\"'\\;&|<>()*?~#{}\[\]]")


def commands_of(text):
    """Yield the commands that a document shows, each on one line."""
    prose = FENCED.sub("", text)
    fenced = (code for kind, code in FENCED.findall(text) if kind == "sh")
    for block in (*fenced, *INDENTED.findall(prose)):
        # A whole script is not for a terminal.
        if not block.startswith("#!"):
            joined = re.sub(r"\\\n\s*", "", block)
            bare = (line.partition(" # ")[0].strip() for line in joined.split("\n"))
            yield from filter(None, bare)
    inline = INLINE.findall(INDENTED.sub("", prose))
    yield from (re.sub(r"\s*\n\s*", " ", found) for found in inline)


COMMANDS = sorted({c for page in DOCUMENTS for c in commands_of(page.read_text())})
UNRUN = [c for c in COMMANDS if any(re.match(p, c) for p in NEVER_RUN)]
READ = [c for c in COMMANDS if re.match(NAMES_FILES, c)]
ON_RESULTS = [c for c in COMMANDS if re.match("sha256sum|snakemake --report", c)]
TRIED = [c for c in COMMANDS if c not in {*UNRUN, *READ, *ON_RESULTS}]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder in which the files of the repository are, and those of a user."""
    folder = tmp_path_factory.mktemp("clone")
    tracked = (
        *("Snakefile", "Makefile", "requirements.lock", "pyproject.toml", "rules"),
        *("config", "profiles", "workflow", "envs", "models", "src"),
    )
    for name in tracked:
        (folder / name).symlink_to(ROOT / name)
    (folder / "my.yaml").write_text("report: {resamples: 10}\n")
    blocks = np.arange(1, 513, dtype=np.uint16).reshape(8, 8, 8)
    np.save(folder / "supervoxels.npy", np.kron(blocks, np.ones((4, 4, 4), np.uint16)))
    image = np.full((32, 32, 32), 140, np.uint8)
    image[::4] = image[:, ::4] = image[:, :, ::4] = 60
    np.save(folder / "em.npy", image)
    (folder / "docs/figures").mkdir(parents=True)
    for place in (folder, folder / "my_run", folder / "FOLDER"):
        place.mkdir(exist_ok=True)
        for name in ("block.npz", "cells1.csv", "cells2.csv", "cells3.csv", *STUDIED):
            (place / name).touch()
    return folder


def environment():
    """Return this environment, with the programs and the package of this Python."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    changes = {"PATH": os.pathsep.join(paths), "PYTHONPATH": str(ROOT / "src")}
    return os.environ | changes


@pytest.fixture(scope="session")
def shell(warm):
    """Return a function that runs a command in a folder, as a shell would."""

    def shell(command, folder):
        program, *arguments = command.split()
        if program == "snakemake" and not OF_SHELL.search(command):
            done = warm.run(arguments, folder, environment())
        else:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        assert done.returncode == 0, f"{command}\n{done.stdout}"

    return shell


@pytest.mark.parametrize("command", TRIED)
def test_a_command_works_as_written(clone, command, shell):
    if not re.match(NO_RUN, command):
        assert command.startswith("make") or re.search(NEEDED, command)
        command = re.sub(r"^(snakemake|make)\b", r"\1 --dry-run", command)
    shell(command, clone)


@pytest.mark.parametrize("command", READ)
def test_files_that_a_command_names_exist(command):
    files = re.findall(r"\b(?:tests|benchmarks)[/\w]*(?:\.py)?\b", command)
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.fixture(scope="module")
def run_in_clone(clone, finished):
    """The same, with what the tiny run made and what Snakemake knows of it."""
    for name in ("results", ".snakemake"):
        shutil.rmtree(clone / name, ignore_errors=True)
        shutil.copytree(finished / name, clone / name)
    return clone


@pytest.mark.parametrize("command", ON_RESULTS)
def test_a_command_on_results_works_as_written(run_in_clone, command, shell):
    config = f" --configfile {TINY}" if command.startswith("snakemake") else ""
    shell(command + config, run_in_clone)


def test_the_report_of_snakemake_holds_figures_and_the_honest_table(
    run_in_clone, shell
):
    shell(f"snakemake --report all.html --configfile {TINY}", run_in_clone)
    page = (run_in_clone / "all.html").read_text()
    results = run_in_clone / "results"
    shown = [results / "report/honest_table.txt", *results.glob("figures/**/*.png")]
    assert len(shown) > 20
    for file in shown:
        assert base64.b64encode(file.read_bytes()).decode() in page, file


@pytest.mark.parametrize("pattern", NEVER_RUN)
def test_what_is_never_run_is_still_shown(pattern):
    assert [command for command in COMMANDS if re.match(pattern, command)]


@pytest.mark.parametrize("command", ["--summary", "--dag", "--list-input-changes"])
def test_what_needs_no_cores_asks_for_none(clone, command, shell):
    shell(f"snakemake {command} --configfile {TINY}", clone)
