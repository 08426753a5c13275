"""Judge a finished segmentation on the tasks of a tissue that the study left out.

    python benchmarks/judge_labels_left_out.py RUN TISSUE FILE::ARRAY

RUN is the folder of a finished `snakemake carry_over`; the segmentation has the shape
of the tissue's image, 0 is nothing. As for the truth of a task, an object counts as far
as it hangs together with the seed within the cube. What lies for half or more in the
objects under the seed is chosen, so that there is no threshold to choose.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from eyewire_validator.baselines.labels import Labels
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.models.carry_over import REPORTED, report_answers
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

# The majority of a segment, and nothing else, is asked for.
MAJORITY = Decisions(0.5, accept=None, reject=None, tasks=0, cells=0, segments=0)
# Voxels touch by a face, an edge or a corner.
TOUCHING = np.ones((3, 3, 3), bool)
BOOTSTRAP = {"resamples": 2000, "random_seed": 0}


def share_in_objects(
    evidence: Evidence, index: pd.DataFrame, store: VolumeStore, source: str
) -> np.ndarray:
    """Return (candidates,) float32, the share of each in the objects under its seed."""
    answer, lineage = Labels(source, store), Lineage(index)
    found = np.zeros(len(evidence.candidates), np.float32)
    for task, rows in evidence.candidates.groupby("task").indices.items():
        asked = lineage.task(int(task))
        volume = store.get(asked.volume_id).segmentation
        seed = np.isin(volume, asked.seed)
        objects, _ = ndimage.label((answer(asked).probability >= 0.5) | seed, TOUCHING)
        inside = np.isin(objects, np.unique(objects[seed]))
        ids = volume.ravel()
        share = np.bincount(ids, inside.ravel()) / np.maximum(1, np.bincount(ids))
        found[rows] = share[evidence.candidates["segment"].to_numpy()[rows]]
    return found


def judge(folder: Path, tissue: str, source: str) -> dict[str, float]:
    """Return what `report_answers` does."""
    run = folder / "results/carry_over/tissues" / tissue
    volumes = read_json(run / "config.json")["volumes"]
    geometry = VolumeGeometry(
        **{key: volumes[key] for key in ("size", "overlap", "factor")}
    )
    groups = (run / "results/volumes/groups").iterdir()
    store = VolumeStore(filter(Path.is_dir, groups), geometry)
    tables = folder / f"results/carry_over/evidence/given/{tissue}/{tissue}/0"
    evidence = Evidence.read(tables / "tasks.parquet", tables / "candidates.parquet")
    index = read_table(run / "results/tasks/index.parquet", TASK_INDEX)
    segments = evidence.candidates.assign(
        probability=share_in_objects(evidence, index, store, source)
    )
    tasks = evidence.tasks.assign(alarm=None)
    answers = decide(segments, tasks, MAJORITY, volume_voxels=geometry.voxels)
    ranked = rank_segments(batches_of(segments), tasks)
    return report_answers(answers, ranked, BOOTSTRAP, REPORTED)


def main() -> None:
    """Print the metrics, with intervals over cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("tissue")
    parser.add_argument("labels")
    given = parser.parse_args()
    row = judge(given.run, given.tissue, given.labels)
    print(pd.Series(row).round(3).to_string())


if __name__ == "__main__":
    main()
