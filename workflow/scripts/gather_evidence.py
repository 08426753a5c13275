"""Link the tasks of a tissue, after a second look at contacts scored before."""

from functools import lru_cache
from pathlib import Path

from eyewire_validator.agglomeration.scoring import (
    SCORED_VOLUMES,
    ScoredContacts,
    linker_of,
)
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.growth.scores import scored_volumes, scores_in
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.gather_evidence import gather_evidence, region_graphs
from eyewire_validator.models.second_look import read_second_look
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.tasks.split import usable_tasks
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    folders = filter(Path.is_dir, Path(params.volumes).iterdir())
    store = VolumeStore.open(folders, params.geometry, params.voxel_nm)
    usable = usable_tasks(index).sort_values(["volume", "task"])
    volumes = scored_volumes(Path(files.scores))
    first_look = scores_in([Path(files.scores)])
    perceptrons = read_second_look(Path(files.second_look))

    @lru_cache(SCORED_VOLUMES)
    def looked_at_again(volume: int) -> ScoredContacts:
        """Return the contacts of a volume by the second look."""
        return first_look(volume).looked_at_again(perceptrons, store.get(volume))

    settings = AgglomerationSettings.from_mapping(params.model, "model")
    found = gather_evidence(
        linker_of(looked_at_again, store, settings),
        index,
        store,
        Dust(**params.dust),
        usable.loc[usable["volume"].isin(volumes), "task"].tolist(),
    )
    write_table(Path(snakemake.output.tasks), found.tasks, EVIDENCE_TASKS)
    write_table(Path(snakemake.output.candidates), found.candidates, EVIDENCE)
    # Peers are methods for affinities, so they get the first look.
    graphs = region_graphs({volume: first_look(volume) for volume in volumes})
    write_table(Path(snakemake.output.contacts), graphs, CONTACTS)
