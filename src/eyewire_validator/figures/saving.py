"""Figures as files: PNG and SVG, the same bytes from the same input."""

from pathlib import Path

from matplotlib.figure import Figure

from eyewire_validator.figures.style import styled
from eyewire_validator.storage.files import atomic_path

DPI = 150
# Neither time nor version of the library, so that a rerun changes nothing.
_METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


@styled
def save_figure(figure: Figure, stem: Path) -> None:
    """Write ``figure`` as ``{stem}.png`` (150 dpi) and ``{stem}.svg``."""
    for suffix, metadata in _METADATA.items():
        with atomic_path(stem.parent / f"{stem.name}.{suffix}") as temporary:
            figure.savefig(temporary, dpi=DPI, metadata=metadata)
