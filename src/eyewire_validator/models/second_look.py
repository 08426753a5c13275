"""Keep the second look at contacts in a file, until it goes into a checkpoint."""

from pathlib import Path

from eyewire_validator.agglomeration.contact_classifier import (
    ContactClassifier,
    second_look_of,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.tensor_files import load_plain, save_plain


def save_second_look(path: Path, perceptrons: ContactClassifier) -> None:
    """Write the weights of a second look."""
    save_plain(path, {"second_look": perceptrons.state_dict()})


def read_second_look(path: Path) -> ContactClassifier:
    """Read what `save_second_look` wrote.

    Raises:
        ModelError: it is missing, damaged, or of another version.
    """
    try:
        return second_look_of(load_plain(path)["second_look"])
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path}: made by another version ({error})") from None
