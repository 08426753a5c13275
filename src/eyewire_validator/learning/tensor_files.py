"""Read and write files of plain types and tensors, never unpickled freely."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eyewire_validator.errors import ModelError
from eyewire_validator.storage.files import write_bytes


def save_plain(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain types and tensors, whole or not at all.

    Written through memory, as `torch.save` puts the file's name into the file.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getvalue())


def load_plain(path: Path) -> dict[str, Any]:
    """Read a dictionary of plain types and tensors, on the CPU.

    Raises:
        ModelError: missing, damaged, or holding anything else.
    """
    try:
        if _unpacked_size(path) > path.stat().st_size:
            raise ModelError(f"{path}: is compressed; save it without compression")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from None
    except Exception:  # a damaged pickle can raise anything
        raise ModelError(
            f"{path}: damaged, or not a checkpoint of plain data and tensors; nothing "
            "in it was run; delete it, or train again"
        ) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds a {type(content).__name__}, not a checkpoint")
    return content


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """Return a SHA-256 of named tensors, in hex."""
    content = hashlib.sha256()
    for name, value in weights.items():
        content.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        content.update(value.cpu().contiguous().numpy().data)
    return content.hexdigest()


def _unpacked_size(path: Path) -> int:
    """Return the bytes that a zip's members take; 0 for torch's older format."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist())
