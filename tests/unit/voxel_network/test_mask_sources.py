import numpy as np
import pandas as pd

from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.voxel_network.mask_sources import ancestor_rows


def test_ancestors_are_those_of_the_lineage():
    generator = np.random.default_rng(1)
    tasks = generator.permutation(40)
    parents = pd.array(generator.integers(0, 45, 40), "Int64")
    parents[generator.random(40) < 0.1] = None
    table = pd.DataFrame({"task": tasks, "parent": parents})
    unused = set(Lineage.COLUMNS) - set(table)
    lineage = Lineage(table.assign(**dict.fromkeys(unused, 0)))
    for task, rows in zip(tasks, ancestor_rows(table, 3), strict=True):
        expected = [a.task for a in lineage.ancestors(lineage.task(task), 3)]
        assert tasks[rows[rows >= 0]].tolist() == expected
