"""Make supervoxels of an image that has none."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import resolve_device, torch_threads
from eyewire_validator.models.grey_values import grey_values
from eyewire_validator.models.supervoxels import make_supervoxels
from eyewire_validator.storage.array_files import Access, open_array
from eyewire_validator.storage.array_files.hdf5 import write_hdf5
from eyewire_validator.volumes.voxel_size import agreed

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    device = resolve_device("auto", cuda_granted=snakemake.resources.cuda > 0)
    access = Access(Path(params.cache), rate=params.rate)
    given = agreed(params.voxel_nm, None)
    opened = open_array(params.image, given, access)
    image = grey_values(opened.read(tuple(slice(0, edge) for edge in opened.shape)))
    if params.invert:
        image = 255 - image
    voxel_nm = given or opened.resolution_nm
    made = make_supervoxels(Path(files.checkpoint), device, image, voxel_nm)
    frame = opened.resolution_nm, opened.offset_nm
    write_hdf5(Path(snakemake.output[0]), "supervoxels", made, *frame)
    print(f"{made.max()} supervoxels of {image.shape} voxels")
