"""Find the thresholds of answers, of the run or the checkpoint, and their worth."""

from pathlib import Path
from typing import TYPE_CHECKING

from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.evaluation.decision_list import Thresholds
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.left_out import describe_saving
from eyewire_validator.evaluation.operating_point import OperatingPoint
from eyewire_validator.storage.files import read_json

if TYPE_CHECKING:
    from eyewire_validator.models.checkpoint import CheckpointInfo

OF_THE_RUN = "validation tasks of this run"


def read_thresholds(path: Path) -> Thresholds:
    """Read what a run chose on validation, or what a checkpoint carries.

    Args:
        path: a ``decisions.json``, or a checkpoint.

    Raises:
        ModelError: the checkpoint carries none.
    """
    if path.suffix == ".json":
        chosen = read_json(path)
        calibration = chosen.pop("calibration")
        decisions = Decisions.from_json(chosen)
        return Thresholds(decisions, calibration["temperature"], OF_THE_RUN)
    point = _operating_point(path)
    if point is None:
        raise ModelError(
            f"{path}: carries no thresholds, and no answer is known here that they "
            "could be chosen on; take one that was packaged (results/models/…/"
            "packaged.pt), or name labels"
        )
    return Thresholds(point.decisions, point.temperature, _source(point))


def read_calibration(path: Path) -> Calibration | None:
    """Read what a run fitted to its validation tasks; none from a checkpoint.

    Args:
        path: as for `read_thresholds`.
    """
    if path.suffix != ".json":
        return None
    return Calibration.from_json(read_json(path)["calibration"])


def read_temperature(path: Path) -> float:
    """Read what logits are to be divided by; 1 where nobody measured it.

    Args:
        path: as for `read_thresholds`.
    """
    if path.suffix == ".json":
        return read_thresholds(path).temperature
    point = _operating_point(path)
    if point is None:
        print(f"{path}: carries no calibration; its probabilities count as they are")
    return point.temperature if point else 1.0


def describe_thresholds(checkpoint: Path, is_adapted: bool = False) -> str:
    """Describe the thresholds that a checkpoint carries, and their measurement.

    Args:
        checkpoint: the file.
        is_adapted: whether what answers is its network once it was adapted.
    """
    point = _operating_point(checkpoint, is_adapted)
    return _source(point) if point else "no thresholds, as the checkpoint carries none"


def describe_left_out(checkpoint: Path, is_adapted: bool = False) -> str | None:
    """Describe what answers save on tissue left out; none if nobody measured it.

    Args:
        checkpoint: the file.
        is_adapted: as for `describe_thresholds`.
    """
    info = _info(checkpoint)
    scores = info.adapted.left_out if is_adapted and info.adapted else info.left_out
    if not scores:
        return None
    return f"on tissue left out of its training it saves {describe_saving(scores)}"


def _operating_point(
    checkpoint: Path, is_adapted: bool = False
) -> OperatingPoint | None:
    info = _info(checkpoint)
    if is_adapted and info.adapted:
        return info.adapted.operating_point
    return info.operating_point


def _info(checkpoint: Path) -> "CheckpointInfo":
    # Where thresholds are the run's, nothing needs torch, which takes two seconds.
    from eyewire_validator.models.checkpoint import load_checkpoint

    return load_checkpoint(checkpoint)[1]


def _source(point: OperatingPoint) -> str:
    return f"checkpoint, measured on {point.describe()}"
