"""Adapt what scores contacts at full resolution to raw volumes of this tissue."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.manifests import require_intact
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.adapt import adapt_model
from eyewire_validator.models.adapt_finely import middle_of
from eyewire_validator.models.checkpoint import save_checkpoint
from eyewire_validator.models.fine_scorer import load_scorer
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import DOWNLOADED, RawVolume
from eyewire_validator.volumes.voxel_size import voxel_size

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    files, params = snakemake.input, snakemake.params
    model, info = load_scorer(Path(*files.checkpoint))
    geometry = VolumeGeometry(**params.geometry)
    manifest = Path(files.manifest) if files.manifest else None
    voxel_nm = voxel_size(params.voxel_nm, manifest)
    middles = []
    for folder in sorted(filter(Path.is_dir, Path(files.raw).iterdir())):
        require_intact(folder / DOWNLOADED)
        raw = RawVolume(folder, int(folder.name), geometry, params.invert)
        middles.append(middle_of(raw, voxel_nm))
    checkpoint = Path(snakemake.output[0])
    resume = checkpoint.with_name(RESUME_FILE)
    adapted, info = adapt_model(
        model,
        info,
        middles,
        resume,
        device=resolve_device(params.device, cuda_granted=snakemake.resources.cuda > 0),
        threads=snakemake.threads,
    )
    save_checkpoint(checkpoint, adapted, info)
    resume.unlink(missing_ok=True)
