import json

import pyarrow as pa
import pytest

from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.tasks import published_formats
from eyewire_validator.tasks.published_formats import COLUMNS, task_data, task_vol

ROWS = [
    {"task": 4, "volume": 7, "seed": [1], "parent": None, "aggregate": [1, 2]},
    {"task": 5, "volume": 7, "seed": [], "parent": 4, "aggregate": []},
    {"task": 60, "volume": 8, "seed": [3, 10], "parent": 4, "aggregate": [3, 10, 500]},
    {"task": 61, "volume": 9, "seed": [8], "parent": 60, "aggregate": [8]},
]
SPLITS = ["train", None, "test", "validation"]


@pytest.fixture(params=[2**16, 2])
def index(request, monkeypatch):
    """Four tasks, of which the second is not used, whole and in parts of two rows."""
    monkeypatch.setattr(published_formats, "ROWS_OF_A_PART", request.param)
    rows = [row | {"split": split} for row, split in zip(ROWS, SPLITS, strict=True)]
    return pa.Table.from_pylist(rows, pa.schema([TASK_INDEX.field(n) for n in COLUMNS]))


def test_task_vol_maps_used_tasks_to_volumes_as_text(index):
    expected = {"4": "7", "60": "8", "61": "9"}
    assert "".join(task_vol(index)) == json.dumps(expected, indent=2) + "\n"


def test_task_data_is_what_json_makes_of_the_used_tasks(index):
    expected = {
        str(row["task"]): {name: row[name] for name in ("seed", "parent", "aggregate")}
        for row in ROWS
        if row["aggregate"]
    }
    assert "".join(task_data(index)) == json.dumps(expected, indent=2) + "\n"
