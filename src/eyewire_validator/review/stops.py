"""Ask about the stops of growth, and tell growth what people decided."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from eyewire_validator.evaluation.decision_list import Frame, in_nm
from eyewire_validator.growth.stops import stop_id, stops_of
from eyewire_validator.review.agreement import settled_pairs
from eyewire_validator.review.question import data_hash
from eyewire_validator.review.queue import STOP
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.storage.schemas.review import QUEUE
from eyewire_validator.storage.tables import make_frame
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.store import VolumeStore

# What is not told with a question alone, but with the queue.
_ASKED = pa.schema(
    [field for field in QUEUE if field.name not in ("rank", "data", "checkpoint")]
)


def ask_about_stops(
    grown: pd.DataFrame,
    lineage: Lineage,
    store: VolumeStore,
    origins: Origins,
    frame: Frame,
) -> pd.DataFrame:
    """Return a question for each segment at which growth stopped.

    All of them more likely belong than not, and none is joined if nobody looks.

    Args:
        grown: table in the schema `GROWN`.
        lineage: with its stops.
        store: the volumes.
        origins: own ids of segments.
        frame: of the data, for points in nm.

    Returns:
        The columns that `select_decisions` returns.
    """
    rows = [
        row
        for stop in stops_of(grown).itertuples()
        for row in _questions(stop, lineage.task(stop.task), store, origins, frame)
    ]
    return make_frame(rows, _ASKED).assign(drawn=0.0)


def _questions(
    stop: Any, task: Task, store: VolumeStore, origins: Origins, frame: Frame
) -> Iterator[dict[str, Any]]:
    coverage = store.coverage(task.volume_id)
    about = origins.of(task, coverage, store.geometry.factor)
    about["voxels"] = coverage.segments["voxels"].to_numpy()
    about |= {
        f"{axis}_nm": in_nm(about[axis], frame, n) for n, axis in enumerate("zyx")
    }
    places = pd.Index(coverage.segments["segment"]).get_indexer(stop.withheld)
    seeds = origins.of_seed(task)
    of_stop = {
        "reason": STOP,
        "why": f"Growth {stop.why}.",
        "split": OPEN,
        "task": task.task,
        "cell": task.cell,
        "volume": task.volume_id,
        "seed": seeds[0],
        "seeds": " ".join(map(str, seeds)),
        "proposal": True,
        "current": False,
        "blind": False,
    }
    asked = zip(stop.withheld, places, stop.withheld_probability, strict=True)
    for segment, place, probability in asked:
        yield of_stop | {
            "item": f"{task.task}-{segment}",
            "segment": segment,
            **{name: values[place] for name, values in about.items()},
            "probability": probability,
            "expected_edits": probability,
        }


class DecidedStops:
    """Decisions about the stops of growth on which people agree.

    Args:
        decisions: table in the schema `DECISIONS`, those on stops.
        store: the volumes.
    """

    def __init__(self, decisions: pd.DataFrame, store: VolumeStore) -> None:
        """Sort them by stop; whether they are about these data is seen when asked."""
        self.rows = dict(list(decisions.groupby("task")))
        self.store = store

    def of(self, task: Task) -> Mapping[int, bool]:
        """Return, by segment, whether it belongs; only what was settled.

        Decisions that are about another image, other segments or another seed do not
        count.

        Args:
            task: a cube of a cell, whatever its id.
        """
        rows = self.rows.get(stop_id(task.cell, task.volume_id, task.seed))
        if rows is None:
            return {}
        data = data_hash(self.store.get(task.volume_id), task)
        pairs = settled_pairs(rows[rows["data"] == data])
        return dict(zip(pairs["segment"], pairs["belongs"], strict=True))
