"""What a script imports before it starts to work: nothing heavy without need."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
# Each takes 0.1 s or more to import; of `import scipy`, a part does when it is used.
HEAVY = {
    "h5py", "httpx", "matplotlib", "numba", "scipy.ndimage", "scipy.optimize",
    "scipy.sparse", "scipy.special", "skimage", "sklearn", "starlette", "tifffile",
    "torch",
}  # fmt: skip
# What a script not listed here imports of them is nothing.
EXPECTED = {
    "adapt_checkpoint": {"numba", "scipy.ndimage", "torch"},
    "adapt_evidence": {"numba", "scipy.ndimage", "torch"},
    "adapt_to_tissue": {"numba", "scipy.ndimage", "torch"},
    "adopt_checkpoint": {"torch"},
    "audit_models": {"torch"},
    "answer_first_task": {
        "matplotlib", "numba", "scipy.ndimage", "scipy.sparse", "torch",
    },
    "compare_loops": {"matplotlib"},
    "compare_models": {"matplotlib"},
    "download_cells": {"httpx"},
    "download_tasks": {"httpx"},
    "download_volumes": {"httpx"},
    "downsample_volumes": {"numba"},
    "grow_cells": {"numba", "scipy.ndimage", "scipy.sparse", "torch"},
    "label_grown": {"scipy.ndimage", "scipy.sparse"},
    "make_sandbox": {"numba", "scipy.ndimage", "scipy.sparse"},
    "gather_evidence": {"numba", "scipy.ndimage", "torch"},
    "fit_second_look": {"numba", "scipy.ndimage", "scipy.sparse", "torch"},
    "score_tissue": {"numba", "scipy.ndimage", "torch"},
    "gather_labels": {"numba", "scipy.ndimage", "scipy.sparse", "torch"},
    "learn_tissue": {"numba", "scipy.ndimage", "torch"},
    "train_tissue": {"numba", "scipy.ndimage", "torch"},
    "tune_network": {"numba", "scipy.ndimage", "torch"},
    "join_fitted": {"torch"},
    "list_left_out": {"torch"},
    "make_supervoxels": {"scipy.ndimage", "skimage", "torch"},
    "measure_growth": {"matplotlib", "scipy.ndimage", "scipy.sparse"},
    "measure_review": {"matplotlib"},
    "package_left_out": {"torch"},
    "package_model": {"torch"},
    "package_tissue_model": {"torch"},
    "plot_learning": {"matplotlib"},
    "plot_metrics": {"matplotlib"},
    "plot_risk_left_out": {"matplotlib"},
    "plot_segments": {"matplotlib"},
    "plot_sizes": {"matplotlib"},
    "plot_tasks": {"matplotlib"},
    "plot_tissues": {"matplotlib"},
    "plot_training": {"matplotlib"},
    "render_report": {"matplotlib"},
    "score_contacts": {"numba", "scipy.ndimage", "torch"},
    "show_grown": {"scipy.ndimage", "scipy.sparse"},
    "skeletonize_truth": {"scipy.ndimage", "scipy.sparse"},
    "train_model": {"torch"},
}  # fmt: skip


@cache
def names_in(path: Path) -> set[str]:
    """Return what a file imports when it is imported itself, not in its functions."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def files_behind(path: Path) -> set[Path]:
    """Return this project's files that importing what a file imports runs."""
    return {file for name in names_in(path) for file in files_of(name)}


def files_of(name: str) -> Iterator[Path]:
    """Yield this project's files that importing a module runs."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = ROOT / "src" / Path(*parts[:length])
        yield from filter(Path.is_file, (place / "__init__.py", Path(f"{place}.py")))


def heavy_behind(script: Path) -> set[str]:
    """Return the heavy packages that a script imports, also indirectly."""
    names, seen, waiting = set(), set(), {script}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        names |= names_in(path)
        waiting |= files_behind(path) - seen
    parts = [name.split(".") for name in names]
    return HEAVY & {".".join(part[:depth]) for part in parts for depth in (1, 2)}


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda p: p.stem)
def test_a_script_imports_nothing_heavy_without_need(script):
    assert heavy_behind(script) == EXPECTED.get(script.stem, set())
