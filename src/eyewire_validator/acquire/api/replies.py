"""Parse the service's replies: raw JSON to rows of `CELL_TASKS`.

Tolerant where Eyewire is known to vary (numbers as text, empty containers as ``{}``,
``[]`` or null), strict about the rest. Nothing here does I/O.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from eyewire_validator.errors import MalformedReplyError

Reply = Mapping[str, Any]
HIGHEST_ID = 2**63 - 1


def parse_task_list(reply: Reply, cell: int) -> dict[int, Reply]:
    """Map the ids of a cell's tasks to their entries in its task list.

    Args:
        reply: of ``/1.0/cell/{cell}/tasks``.
        cell: the cell, for messages.

    Raises:
        MalformedReplyError: no list of tasks, or an entry without a usable id.
    """
    where = f"cell {cell}: task list"
    entries = _required(reply, "tasks", where) or [] if reply else []
    if not isinstance(entries, list):
        raise _unexpected(where, "tasks", entries, "a list")
    return {
        _whole(_required(entry, "id", where), f"{where}: id"): entry
        for entry in entries
    }


def parse_task(
    cell: int, task: int, entry: Reply, reply: Reply, aggregate: Reply
) -> dict[str, Any]:
    """Combine three replies about a task into a row.

    Args:
        cell: the cell that was asked for.
        task: the task that was asked for.
        entry: its entry in the cell's task list.
        reply: of ``/1.0/task/{task}``; empty if the service does not know it.
        aggregate: of ``/1.0/task/{task}/aggregate``; empty if there is none.

    Returns:
        One row of `CELL_TASKS`.

    Raises:
        MalformedReplyError: a required field is missing, or a value is of another form.
    """
    where = f"task {task}"
    segments = _segments(
        _required(aggregate, "segments", f"{where}: aggregate") if aggregate else None,
        f"{where}: aggregate segments",
    )
    family = _members(aggregate, "task_family", where)
    votes = _members(aggregate, "votes", where)
    return {
        "task": task,
        "cell": cell,
        **_origin(reply, where),
        **_bounds(entry, reply, where),
        "seed": list(_seed(reply, where)),
        "aggregate": list(segments),
        "aggregate_weights": [
            _number(weight, f"{where}: weight of segment {segment}")
            for segment, weight in segments.items()
        ],
        "status": _first(_whole, where, "status", reply, aggregate, entry),
        "weight": _first(_number, where, "weight", aggregate, entry),
        "votes": _first(_whole, where, "total", votes),
        "votes_max": _first(_whole, where, "max", votes),
        "children": sorted(
            _whole(child, f"{where}: children")
            for child in _listed(family, "children", where)
        ),
        "problem": _problem(cell, task, reply, aggregate),
    }


def cell_of_task(reply: Reply, task: int) -> int:
    """Return the cell that a task belongs to; 0 if its reply does not say.

    Args:
        reply: of ``/1.0/task/{task}``.
        task: the task, for messages.

    Raises:
        MalformedReplyError: it is no whole number.
    """
    return _first(_whole, f"task {task}", "cell", reply) or 0


def is_unanswered(reply: Reply, where: str) -> bool:
    """Return whether a task says that nobody has answered it yet.

    Args:
        reply: of ``/1.0/task/{task}``.
        where: the task or its cell, for messages.

    Raises:
        MalformedReplyError: the weight is no number.
    """
    weight = _first(_number, where, "weightsum", reply)
    return weight is not None and weight == 0


def _origin(reply: Reply, where: str) -> dict[str, Any]:
    """Read volume, address and parent of a task; all none for an unknown task."""
    if not reply:
        return dict.fromkeys(("parent", "volume", "channel", "full_path"))
    data = _required(reply, "data", where)
    segmentation = _required(data, "segmentation", f"{where}: data")
    full_path = _required(reply, "full_path", where)
    # A URL is printable ASCII; anything else could garble logs and tables.
    if not isinstance(full_path, str) or not re.fullmatch("[!-~]+", full_path):
        raise _unexpected(where, "full_path", full_path, "a URL")
    volume = _required(segmentation, "id", f"{where}: data.segmentation")
    return {
        # ASSUME 0 means no parent: a published client reads a null parent as 0.
        "parent": _first(_whole, where, "parent", reply) or None,
        "volume": _whole(volume, f"{where}: data.segmentation.id"),
        "channel": _first(_whole, where, "id", _members(data, "channel", where)),
        "full_path": full_path.rstrip("/") + "/",
    }


def _seed(reply: Reply, where: str) -> dict[int, Any]:
    if reply:
        _required(reply, "prior", where)
    prior = _members(reply, "prior", where)
    segments = _required(prior, "segments", f"{where}: prior") if prior else None
    return _segments(segments, f"{where}: prior.segments")


def _bounds(entry: Reply, reply: Reply, where: str) -> dict[str, int | None]:
    """Read the bounds from the task list, or else from the task itself."""
    bounds = _members(entry, "bounds", where) or _members(reply, "bounds", where)
    corners = {side: _members(bounds, side, where) for side in ("min", "max")}
    return {
        f"{side}_{axis}": _first(_whole, f"{where}: bounds.{side}", axis, corner)
        for side, corner in corners.items()
        for axis in "zyx"
    }


def _problem(cell: int, task: int, reply: Reply, aggregate: Reply) -> str | None:
    where = f"task {task}"
    if not reply:
        return "the service does not know the task"
    if (found := _whole(_required(reply, "id", where), f"{where}: id")) != task:
        raise _unexpected(where, "id", found, "the id that was asked for")
    if (owner := _first(_whole, where, "cell", reply)) not in (None, cell):
        return f"the task says that it belongs to cell {owner}"
    if aggregate or is_unanswered(reply, where):
        return None
    return "the service has no aggregate of the task"


def _segments(value: Any, where: str) -> dict[int, Any]:
    """Sort a JSON object of segments by id; segment 0 is no segment."""
    if not value and not isinstance(value, str | int | float):
        return {}
    if not isinstance(value, Mapping):
        raise _unexpected(where, "value", value, "an object keyed by segment id")
    segments = {_whole(key, where): weight for key, weight in value.items()}
    return {segment: segments[segment] for segment in sorted(segments) if segment}


def _first(parse: Any, where: str, name: str, *replies: Reply) -> Any:
    """Parse the first of the replies' values that is there; none if none is."""
    values = (reply.get(name) for reply in replies)
    value = next((value for value in values if value is not None), None)
    return None if value is None else parse(value, f"{where}: {name}")


def _required(reply: Any, name: str, where: str) -> Any:
    if not isinstance(reply, Mapping) or name not in reply:
        raise _unexpected(where, name, reply, f"an object with the key {name}")
    return reply[name]


def _members(reply: Reply, name: str, where: str) -> Reply:
    """Return an object of the reply; one that is empty or missing has no members."""
    value = reply.get(name) or {}
    if not isinstance(value, Mapping):
        raise _unexpected(where, name, value, "an object")
    return value


def _listed(reply: Reply, name: str, where: str) -> list[Any]:
    """Return a list of the reply; one that is empty or missing has no items."""
    value = reply.get(name) or []
    if not isinstance(value, list):
        raise _unexpected(where, name, value, "a list")
    return value


def _whole(value: Any, where: str) -> int:
    """Read an id or count, which some replies hold as text."""
    text = str(value).removesuffix(".0" if isinstance(value, float) else "")
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > HIGHEST_ID:
        raise MalformedReplyError(f"{where} is {value!r:.80}, expected a whole number")
    return int(text)


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise MalformedReplyError(f"{where} is {value!r:.80}, expected a number")
    return number


def _unexpected(
    where: str, name: str, value: Any, expected: str
) -> MalformedReplyError:
    return MalformedReplyError(
        f"{where}: {name} is {value!r:.80}, expected {expected}; has the API changed?"
    )
