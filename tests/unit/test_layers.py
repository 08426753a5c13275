"""The house: packages import only downwards, and no modules in a circle."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
PACKAGE = SRC / "eyewire_validator"
# Looked up for each import.
MODULES = dict.fromkeys(sorted(PACKAGE.rglob("*.py")))
# All but the face of the package, which names what users import.
HOUSE = [module for module in MODULES if module != PACKAGE / "__init__.py"]

# Lowest first: a module imports from its own layer and from those listed before it.
LAYERS = [
    "errors", "storage", "volumes", "jobs", "config", "answers", "sandbox", "tasks",
    "acquire", "learning", "baselines", "agglomeration", "evaluation", "voxel_network",
    "models", "plan", "growth", "review", "figures", "report", "audit", "__main__",
]  # fmt: skip


def layer_of(module: Path) -> str:
    """Return the package right below the root that a module is in."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports_of(module: Path) -> set[Path]:
    """Return the package's files that a module imports, wherever in it."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found.update(filter(None, map(file_of, names)))
    return found


def file_of(name: str) -> Path | None:
    """Return the file of the package that importing ``name`` reads, if any."""
    place = SRC.joinpath(*name.split("."))
    for found in (place.with_suffix(".py"), place / "__init__.py"):
        if found in MODULES:
            return found
    parent, _, attribute = name.rpartition(".")
    return file_of(parent) if attribute and "." in parent else None


def test_every_module_is_in_a_known_layer():
    assert {layer_of(module) for module in MODULES} == {"__init__", *LAYERS}


@pytest.mark.parametrize("module", HOUSE, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_a_module_imports_only_downwards(module):
    height = LAYERS.index(layer_of(module))
    upwards = [
        imported
        for imported in imports_of(module)
        if layer_of(imported) != "__init__"
        and LAYERS.index(layer_of(imported)) > height
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: imports_of(module) - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(str(m.relative_to(PACKAGE)) for m in error.args[1]))


def test_the_tests_of_a_module_lie_where_the_module_lies():
    folders = {module.parent.relative_to(PACKAGE) for module in MODULES}
    tests = Path(__file__).parent
    found = {test.parent.relative_to(tests) for test in tests.rglob("test_*.py")}
    assert found <= folders
