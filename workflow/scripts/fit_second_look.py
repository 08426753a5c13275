"""Learn the second look at contacts from tissues, scored by what never saw them."""

from pathlib import Path

from eyewire_validator.agglomeration.second_look_training import (
    KnownContacts,
    learn_second_look,
)
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.growth.block import corners_in
from eyewire_validator.growth.scores import scored_volumes, scores_in
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.known_contacts import known_contacts
from eyewire_validator.models.second_look import save_second_look
from eyewire_validator.sandbox.triple import FilesSettings, open_triple
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.store import VolumeStore


def known_in(tissue: dict, scores: str) -> list[KnownContacts]:
    """Look the contacts of a tissue up in its labels."""
    groups = Path(tissue["volumes"])
    store = VolumeStore.open(
        filter(Path.is_dir, groups.iterdir()), tissue["geometry"], tissue["voxel_nm"]
    )
    triple = open_triple(FilesSettings(**tissue["files"]))
    labels = triple.labels(tuple(slice(0, edge) for edge in triple.shape))
    corners = corners_in(read_table(groups.parent / "catalog.parquet", CATALOG))
    volumes, scored = scored_volumes(Path(scores)), scores_in([Path(scores)])
    return known_contacts(volumes, scored, store, labels, corners)


with job_log(snakemake.log[0], snakemake.output):
    params = snakemake.params
    training = AgglomerationTraining.from_mapping(params.training, "training")
    tissues = [
        known_in(tissue, scores)
        for tissue, scores in zip(params.tissues, snakemake.input.scores, strict=True)
    ]
    for tissue, volumes in zip(params.tissues, tissues, strict=True):
        contacts = sum(len(one.together) for one in volumes)
        print(f"{tissue['name']}: {contacts} contacts in {len(volumes)} volumes")
    seed = training.random_seed + int(snakemake.wildcards.replicate)
    perceptrons = learn_second_look(tissues, training, seed)
    save_second_look(Path(snakemake.output[0]), perceptrons)
