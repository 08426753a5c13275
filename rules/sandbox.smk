"""Make the sandbox: an Eyewire of our own, in a folder.

INPUT   nothing, or the files named in config["sandbox"]["files"]
OUTPUT  results/supervoxels/supervoxels.h5
                                       where the image comes without any
        results/sandbox/registry.csv   its cell registry
        results/sandbox/manifest.json  how it was made, counts, hash
        results/sandbox/api/, bucket/  the API's replies and the bucket
        results/sandbox/truth/         what really belongs to each task and cell
        results/sandbox/supervoxels.parquet
                                       if made from files: which one each segment is of
"""


rule make_supervoxels:
    """Cut the image into supervoxels, where there are none (`supervoxels: make`)."""
    input:
        image=image_of_sandbox,
        checkpoint=checkpoint_of_maker,
    output:
        SUPERVOXELS,
    log:
        "results/logs/make_supervoxels/make_supervoxels.log",
    benchmark:
        "results/benchmarks/make_supervoxels/make_supervoxels.tsv"
    conda:
        "../envs/model.yaml"
    threads: ALL_CORES
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        image=SANDBOX["files"]["image"],
        voxel_nm=config["volumes"]["voxel_nm"],
        cache=unrecorded(here("results/downloads/arrays")),
        rate=unrecorded(API["storage_requests_per_second"]),
        invert=config["image"]["invert"],
        contents=lambda wildcards, input: contents([*input]),
        code=code("make_supervoxels.py"),
    script:
        "../workflow/scripts/make_supervoxels.py"


rule make_sandbox:
    """Draw the synthetic retina, or cut real files, and spawn tasks in it."""
    input:
        sandbox_files,
    output:
        **supervoxels_of_sandbox(),
        registry="results/sandbox/registry.csv",
        manifest="results/sandbox/manifest.json",
        truth=expand("results/sandbox/truth/{name}.json", name=["tasks", "cells"]),
        folders=[
            directory(f"results/sandbox/{name}")
            for name in ("api", "bucket", "truth/volumes")
        ],
    log:
        "results/logs/make_sandbox/make_sandbox.log",
    benchmark:
        "results/benchmarks/make_sandbox/make_sandbox.tsv"
    conda:
        "../envs/data.yaml"
    threads: 2
    params:
        settings=in_key_order(SANDBOX),
        # Blocks a second, of files that lie elsewhere; no other job asks for them.
        rate=unrecorded(API["storage_requests_per_second"]),
        geometry=GEOMETRY,
        dust=DUST,
        contents=lambda wildcards: contents(sandbox_files(wildcards)),
        format=SANDBOX_FORMAT,
    script:
        "../workflow/scripts/make_sandbox.py"
