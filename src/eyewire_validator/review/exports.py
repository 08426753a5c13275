"""The questions of the queue as lines that other review tools take.

Both tools split a line at each comma, and take no heading. Points are voxels (x, y, z).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

# NeuVue reads ids as signed numbers of 64 bits.
NEUVUE_IDS = 2**63


def webknossos_tasks(queue: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line a question, for "Bulk Create Tasks" of webKnossos.

    The fields: datasetId, taskTypeId, experienceDomain, minExperience, x, y, z, rotX,
    rotY, rotZ, instances, minX, minY, minZ, width, height, depth, project. A box of
    width 0 is none.

    Source: scalableminds/webknossos, admin/task/task_create_bulk_view.tsx.

    Args:
        queue: table of the schema `QUEUE`; a question whose place nobody knows is left
            out.
        settings: ``review.webknossos`` of the configuration.
    """
    names = ("dataset_id", "task_type_id", "experience_domain", "min_experience")
    for row in _placed(queue).itertuples():
        fields = [
            *(settings[name] for name in names),
            *(row.x, row.y, row.z),
            *(0, 0, 0),
            settings["instances"],
            *(0, 0, 0, 0, 0, 0),
            settings["project"],
        ]
        yield ",".join(map(str, fields)) + "\n"


def neuvue_segments(queue: pd.DataFrame) -> Iterator[str]:
    """Yield a line a question, for the segmentation table of NeuVue's task generation.

    The fields: seg_id, of the seed, and x, y, z, in the candidate.

    Source: aplbrain/neuvue-app, workspace/forms.py, `TaskGenerationForm`.

    Args:
        queue: table of the schema `QUEUE`; a question whose place nobody knows, or
            whose seed has an id that NeuVue cannot hold, is left out.
    """
    for row in _placed(queue).itertuples():
        if row.seed < NEUVUE_IDS:
            yield f"{row.seed},{row.x},{row.y},{row.z}\n"


def _placed(queue: pd.DataFrame) -> pd.DataFrame:
    return queue[(queue[["z", "y", "x"]] >= 0).all(axis=1)]
