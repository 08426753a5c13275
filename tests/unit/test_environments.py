"""The lock, pyproject.toml and envs/ name the same packages."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

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
    assert set(pins) <= set(map(name_of, PROJECT["dependencies"]))


def test_the_lock_holds_every_dependency():
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert set(map(name_of, declared)) <= set(LOCK)


def test_torch_is_pinned_to_the_one_version_with_a_cpu_build():
    assert LOCK["torch"] == "2.13.0"
