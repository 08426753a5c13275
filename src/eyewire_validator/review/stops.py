"""Ask about the stops of growth, and find again what people decided about them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from eyewire_validator.growth.stops import as_open_tasks, stop_id, stops_of
from eyewire_validator.review.agreement import settled_pairs
from eyewire_validator.review.question import data_hash
from eyewire_validator.review.queue import STOP
from eyewire_validator.storage.schemas.columns import MINIMA
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.storage.schemas.review import DECIDED_PAIRS, QUEUE
from eyewire_validator.storage.tables import make_frame
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.frame import Frame
from eyewire_validator.volumes.geometry import Corner
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
    about |= {f"{axis}_nm": frame.in_nm(about[axis], n) for n, axis in enumerate("zyx")}
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
        "validated": np.nan,
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


def find_stops(
    decisions: pd.DataFrame,
    store: VolumeStore,
    corners: Mapping[int, Corner],
    origins: Origins,
) -> pd.DataFrame:
    """Find the stops that decisions are about, without growing again.

    A decision names the cell, the seed by own ids, and a point: the volume is one that
    holds the point, and the right one and its seed are those that the id of the stop
    is made of.

    Args:
        decisions: table in the schema `DECISIONS`, those on stops.
        store: the volumes.
        corners: lowest voxel (z, y, x) of each volume, at full resolution.
        origins: own ids of segments.

    Returns:
        Open tasks, see `as_open_tasks`; none of stops in data that are gone.
    """
    rows = [
        {"task": asked.task, "cell": asked.cell, "volume": volume, "seed": seed}
        | dict(zip(MINIMA, corners[volume], strict=True))
        for asked in decisions.drop_duplicates("task").itertuples()
        for volume in _volumes_around(asked, store, corners)
        for seed in [_seed_in(volume, asked.seeds, store, origins)]
        if stop_id(asked.cell, volume, seed) == asked.task
    ]
    columns = ["task", "cell", "volume", "seed", *MINIMA]
    return as_open_tasks(pd.DataFrame(rows, columns=columns))


def _volumes_around(
    asked: Any, store: VolumeStore, corners: Mapping[int, Corner]
) -> Iterator[int]:
    """Yield the volumes that hold the point of a decision."""
    point = np.array([asked.z, asked.y, asked.x])
    for volume, corner in corners.items():
        inside = point - corner
        if volume in store and ((inside >= 0) & (inside < store.geometry.size)).all():
            yield volume


def _seed_in(
    volume: int, own_ids: str, store: VolumeStore, origins: Origins
) -> NDArray[np.int64]:
    """Return the segments of a volume that have these own ids, ascending."""
    segments = store.coverage(volume).segments["segment"].to_numpy(np.int64)
    wanted = np.array(own_ids.split(), np.uint64)
    return np.sort(segments[np.isin(origins.own_ids(volume, segments), wanted)])


def pairs_of_stops(
    stops: pd.DataFrame, decisions: pd.DataFrame, store: VolumeStore
) -> pd.DataFrame:
    """Return what is settled of stops: ``task``, ``segment`` and ``belongs``.

    Args:
        stops: see `find_stops`.
        decisions: table in the schema `DECISIONS`, those on stops.
        store: the volumes.
    """
    lineage, decided = Lineage(stops), DecidedStops(decisions, store)
    rows = [
        (task, segment, belongs)
        for task in map(int, stops["task"])
        for segment, belongs in decided.of(lineage.task(task)).items()
    ]
    return make_frame(
        [dict(zip(DECIDED_PAIRS.names, row, strict=True)) for row in rows],
        DECIDED_PAIRS,
    )
