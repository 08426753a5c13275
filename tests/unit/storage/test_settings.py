"""Tests for refusing results of other settings."""

import pandas as pd
import pyarrow as pa
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.storage.settings import require_settings_of_table
from eyewire_validator.storage.tables import write_table

SCHEMA = pa.schema([pa.field("task", pa.int64(), nullable=False)])


@pytest.mark.parametrize("metadata", [{"settings": "a"}, {}])
def test_a_table_of_other_settings_is_refused(tmp_path, metadata):
    path = tmp_path / "tasks.parquet"
    write_table(path, pd.DataFrame({"task": [1]}), SCHEMA, metadata)
    with pytest.raises(TableError, match=r"tasks\.parquet: .+expected b; delete it"):
        require_settings_of_table(path, "b")


def test_a_table_of_these_settings_passes(tmp_path):
    path = tmp_path / "tasks.parquet"
    write_table(path, pd.DataFrame({"task": [1]}), SCHEMA, {"settings": "b"})
    require_settings_of_table(path, "b")
