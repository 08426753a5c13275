"""Make supervoxels of an image that has none."""

from pathlib import Path

from eyewire_validator.agglomeration.oversegmentation import oversegment
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import resolve_device, torch_threads
from eyewire_validator.models.affinity_model import load_affinity_unet
from eyewire_validator.models.grey_values import grey_values
from eyewire_validator.storage.array_files import open_array
from eyewire_validator.storage.array_files.hdf5 import write_hdf5

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    device = resolve_device("auto", cuda_granted=snakemake.resources.cuda > 0)
    network = load_affinity_unet(Path(snakemake.input.checkpoint), device)
    opened = open_array(snakemake.params.image)
    image = grey_values(opened.read(tuple(slice(0, edge) for edge in opened.shape)))
    if snakemake.params.invert:
        image = 255 - image
    made = oversegment(network, image)
    frame = opened.resolution_nm, opened.offset_nm
    write_hdf5(Path(snakemake.output[0]), "supervoxels", made, *frame)
    print(f"{made.max()} supervoxels of {image.shape} voxels")
