"""Check and downsample raw volumes of a group; score their contacts if asked."""

from collections.abc import Callable
from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.manifests import require_intact
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.hashes import file_hash
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import DOWNLOADED, RawVolume
from eyewire_validator.volumes.store import FINE_CONTACTS_TABLE


def scorer(checkpoint: str) -> Callable[[RawVolume, Path], None]:
    """Return what scores the contacts of a raw volume and writes them to a file."""
    # A second to import, and mostly nobody asks.
    from eyewire_validator.models.fine_scorer import fine_scorer
    from eyewire_validator.volumes.voxel_size import voxel_size

    params, manifest = snakemake.params, snakemake.input.manifest
    return fine_scorer(
        Path(checkpoint),
        voxel_size(params.voxel_nm, Path(manifest) if manifest else None),
        snakemake.threads,
    )


with job_log(snakemake.log[0], snakemake.output):
    params, evidence = snakemake.params, snakemake.input.evidence
    geometry = VolumeGeometry(**params.geometry)
    score = scorer(*evidence) if evidence else None
    hashes = {}
    for volume in Progress(params.volumes, unit="volumes"):
        raw = RawVolume(
            Path(snakemake.input.raw) / volume, int(volume), geometry, params.invert
        )
        require_intact(raw.folder / DOWNLOADED)
        folder = Path(snakemake.output.volumes) / volume
        hashes[volume] = write_volume(folder, downsample_volume(raw))
        if score:
            score(raw, folder / FINE_CONTACTS_TABLE)
            hashes[volume][FINE_CONTACTS_TABLE] = file_hash(
                folder / FINE_CONTACTS_TABLE
            )
    write_json(Path(snakemake.output.manifest), hashes)
