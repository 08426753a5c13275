"""Count the cells, and the volumes, that one job fetches.

Those whose ids share ``id // span`` form a group; it stays the same whatever is added.
"""

from collections.abc import Mapping
from typing import Any

# Every id is below it: all of them are one group.
ALL = 2**63
# Ids of volumes go in steps of 2 in a sandbox that is cut from files, of some 60 in the
# synthetic retina: some volumes a job, and some jobs.
VOLUMES_OF_FILES = 64
VOLUMES_OF_RETINA = 400


def cell_span(config: Mapping[str, Any]) -> int:
    """Return how many successive ids of cells form a group.

    By default 1 at the real service, where a cell takes minutes, and one that cannot be
    had must stop no other; all of them where the answers come from this machine.
    """
    default = 1 if config["source"] == "eyewire" else ALL
    return int(config["registry"]["group_span"] or default)


def volume_span(config: Mapping[str, Any]) -> int:
    """Return how many successive ids of volumes form a group.

    By default 1 at the real service, so that reruns are precise; else some volumes.
    """
    if given := config["volumes"]["group_span"]:
        return int(given)
    if config["source"] == "eyewire":
        return 1
    is_retina = config["sandbox"]["made_from"] == "synthetic_retina"
    return VOLUMES_OF_RETINA if is_retina else VOLUMES_OF_FILES
