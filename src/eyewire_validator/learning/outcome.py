"""The outcome of a training."""

from typing import NamedTuple

import pandas as pd
from torch import nn


class Trained(NamedTuple):
    """A trained module and its training curve.

    Attributes:
        module: with the weights of the best epoch.
        history: table in the schema `HISTORY`.
    """

    module: nn.Module
    history: pd.DataFrame
