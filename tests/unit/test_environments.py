"""The lock, pyproject.toml and envs/ name the same packages."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from eyewire_validator.jobs.code_hash import imports_in, modules_behind

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    name = re.split(r"[<>=!~ ]", requirement, maxsplit=1)[0]
    return name.lower().replace("_", "-")


LOCK = {
    name_of(line): line.split("==")[1]
    for line in (ROOT / "requirements.lock").read_text().split()
}


def pins_of(environment: str) -> dict[str, str]:
    text = (ROOT / "envs" / environment).read_text()
    *_, pip = yaml.safe_load(text)["dependencies"]
    return {name_of(pin): pin.split("==")[1] for pin in pip["pip"]}


@pytest.mark.parametrize("environment", ["data.yaml", "model.yaml", "figures.yaml"])
def test_an_environment_has_the_locked_versions(environment):
    pins = pins_of(environment)
    assert pins == {name: LOCK[name] for name in pins}
    peers = PROJECT["optional-dependencies"]["peers"]
    assert set(pins) <= set(map(name_of, PROJECT["dependencies"] + peers))


def test_the_lock_holds_every_dependency():
    # `cave` brings two dozen packages for those who have a token, `neuroglancer` one
    # dozen for a test.
    extras = [
        names
        for extra, names in PROJECT["optional-dependencies"].items()
        if extra not in ("cave", "neuroglancer")
    ]
    declared = sum(extras, start=PROJECT["dependencies"])
    assert set(map(name_of, declared)) <= set(LOCK)


def test_torch_is_pinned_to_the_one_version_with_a_cpu_build():
    assert LOCK["torch"] == "2.13.0"


# Where the name to import is not that of the package.
PACKAGES = {
    "PIL": "pillow", "bioimage_cpp": "bioimage-cpp", "skimage": "scikit-image",
    "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip
RULES = [
    (environment, script)
    for rules in sorted((ROOT / "rules").glob("*.smk"))
    for rule in re.split(r"\n(?=rule |checkpoint )", rules.read_text())
    for environment, script in re.findall(
        r'"../envs/(\w+).yaml".*"../workflow/scripts/(\w+).py"', rule, re.DOTALL
    )
]


@cache
def packages_in(path: Path) -> set[str]:
    """Return the packages that a file imports."""
    return {
        name.split(".")[0]
        for node in imports_in(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }


def packages_behind(script: Path) -> set[str]:
    """Return the packages that a script and the modules behind it import."""
    names = set().union(*map(packages_in, {script, *modules_behind(script)}))
    foreign = names - sys.stdlib_module_names - {"eyewire_validator", "snakemake"}
    return {PACKAGES.get(name, name) for name in foreign}


@pytest.mark.parametrize(("environment", "script"), RULES)
def test_an_environment_has_what_its_scripts_import(environment, script):
    needed = packages_behind(ROOT / "workflow" / "scripts" / f"{script}.py")
    assert needed <= set(pins_of(f"{environment}.yaml"))


def test_every_script_is_of_a_rule():
    scripts = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    assert {script for _, script in RULES} == scripts
