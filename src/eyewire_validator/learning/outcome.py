"""What a training returns."""

from typing import NamedTuple

import pandas as pd
from torch import nn


class Trained(NamedTuple):
    """A trained model and its training curve.

    Attributes:
        model: with the weights of the best epoch.
        history: table in the schema `HISTORY`.
    """

    model: nn.Module
    history: pd.DataFrame
