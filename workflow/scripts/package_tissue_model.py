"""Put into a checkpoint what was fitted across tissues, and how these looked."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.packaging import LeftOut, fit_across
from eyewire_validator.models.second_look import read_second_look
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import coarsened, voxel_size


def appearances(index: str, volumes: str, geometry: VolumeGeometry) -> list[Appearance]:
    """Measure how the volumes of a tissue look."""
    store = VolumeStore(filter(Path.is_dir, Path(volumes).iterdir()), geometry)
    ids = read_table(Path(index), TASK_INDEX)["volume"].dropna().unique()
    return [Appearance.of(store.read(int(volume))) for volume in sorted(ids)]


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    own = map(Evidence.read, files.tasks, files.candidates)
    others = map(Evidence.read, files.other_tasks, files.other_candidates)
    pairs = dict(zip(permutations(params.left_out, 2), others, strict=True))
    left_out = {
        name: LeftOut(
            evidence, {other: pairs[one, other] for one, other in pairs if one == name}
        )
        for name, evidence in zip(params.left_out, own, strict=True)
    }
    settings = DecisionSettings.from_config(params.decisions)
    memberships, point = fit_across(left_out, settings)
    geometries = [VolumeGeometry(**one) for one in params.geometries]
    looks = map(appearances, files.indexes, params.volumes, geometries)
    sizes = {
        name: coarsened(voxel_size(voxel_nm), geometry.factor)
        for name, voxel_nm, geometry in zip(
            params.tissues, params.voxel_nm, geometries, strict=True
        )
    }
    familiar = Familiar.of(dict(zip(params.tissues, looks, strict=True)), sizes)
    model, info = load_checkpoint(Path(files.checkpoint))
    model.membership = memberships.of_all
    model.second_look = read_second_look(Path(files.second_look))
    info = replace(
        info,
        familiar=familiar,
        memberships=memberships.of_tissue,
        operating_point=point,
    )
    save_checkpoint(Path(snakemake.output[0]), model, info)
    print(point.describe())
