"""Fetch volumes and downsample them, a group of volumes a job.

A group holds the volumes whose ids share id // group_span; it stays the same whatever
else is added.

INPUT   the bucket, by the addresses in results/volumes/catalog.parquet
OUTPUT  results/volumes/groups/{group}.json       SHA-256 of each file of each volume
        results/volumes/groups/{group}/{volume}/  image.lzma, segmentation.lzma,
                                                  coverage.parquet, segments.parquet,
                                                  graph.parquet; contacts.parquet where
                                                  volumes.evidence names a checkpoint
        results/volumes/evidence.pt               that checkpoint, adapted to raw volumes
                                                  where its model says `adapt`
"""

PARTIAL_DOWNLOADS = here("results/downloads/partial")
RAW_VOLUMES = local(directory(here("results/downloads/volumes/{group}")))
DRAWN_VOLUMES = local(directory(here("results/downloads/drawn")))
# Scores contacts while the raw volume is in hand; [] if nothing shall.
GIVEN_EVIDENCE = (
    [named_checkpoint(config["volumes"]["evidence"])]
    if config["volumes"]["evidence"]
    else []
)
# Made once: another one would have to fetch all volumes again.
EVIDENCE = [ancient(ADAPTED_EVIDENCE)] if ADAPTED_VOLUMES else GIVEN_EVIDENCE


rule download_volumes:
    """Fetch the images and segmentations of a group, mostly only until downsampled.

    What is fetched waits in `partial`, which outlives a job that fails, until the group
    is whole.
    """
    input:
        sandbox=sandbox_folder,
        catalog=catalog_of_groups,
    output:
        RAW_VOLUMES if config["volumes"]["keep_raw"] else temp(RAW_VOLUMES),
    log:
        "results/logs/download_volumes/{group}.log",
    benchmark:
        "results/benchmarks/download_volumes/{group}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        storage_jobs=1,
        storage_requests_per_second=share(
            "storage_requests_per_second", API["storage_jobs"]
        ),
    params:
        source=SOURCE,
        volumes=volumes_of_group,
        geometry=GEOMETRY,
        format=RAW_VOLUME_FORMAT,
        partial=unrecorded(PARTIAL_DOWNLOADS),
        failures=unrecorded(FAILURES["storage"]),
    script:
        "../workflow/scripts/download_volumes.py"


use rule download_volumes as download_drawn_volumes with:
    # By itself, and kept: whatever is asked about later, the network stays as it is.
    output:
        DRAWN_VOLUMES,
    log:
        "results/logs/download_drawn_volumes/download_drawn_volumes.log",
    benchmark:
        "results/benchmarks/download_drawn_volumes/download_drawn_volumes.tsv"
    params:
        source=SOURCE,
        volumes=lambda wildcards, output: drawn_volumes(wildcards),
        geometry=GEOMETRY,
        format=RAW_VOLUME_FORMAT,
        partial=unrecorded(here("results/downloads/partial_drawn")),
        failures=unrecorded(FAILURES["storage"]),


rule adapt_evidence:
    """Adapt what scores contacts at full resolution to some raw volumes, unlabelled.

    An interrupted training continues where it was.
    """
    input:
        raw=local(here("results/downloads/drawn")),
        checkpoint=GIVEN_EVIDENCE,
        manifest=manifest_of_files,
    output:
        ADAPTED_EVIDENCE,
    log:
        "results/logs/adapt_evidence/adapt_evidence.log",
    benchmark:
        "results/benchmarks/adapt_evidence/adapt_evidence.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        volumes=ADAPTED_VOLUMES,
        device=unrecorded(config["training"]["device"]),
        geometry=GEOMETRY,
        invert=config["image"]["invert"] and not HAS_FILES,
        voxel_nm=config["volumes"]["voxel_nm"],
        contents=contents(GIVEN_EVIDENCE),
    script:
        "../workflow/scripts/adapt_evidence.py"


rule downsample_volumes:
    """Check a group's raw volumes, downsample them and count what covers what."""
    input:
        raw=local(here("results/downloads/volumes/{group}")),
        catalog=catalog_of_groups,
        evidence=EVIDENCE,
        manifest=manifest_of_files if EVIDENCE else [],
    output:
        manifest="results/volumes/groups/{group}.json",
        volumes=directory("results/volumes/groups/{group}"),
    log:
        "results/logs/downsample_volumes/{group}.log",
    benchmark:
        "results/benchmarks/downsample_volumes/{group}.tsv"
    conda:
        "../envs/model.yaml" if EVIDENCE else "../envs/data.yaml"
    params:
        volumes=lambda wildcards: sorted(volumes_of_group(wildcards)),
        geometry=GEOMETRY,
        format=VOLUME_FORMAT,
        # Unrecorded as long as it is as before there was such a key.
        invert=config["image"]["invert"] and not HAS_FILES or unrecorded(False),
        evidence=contents(GIVEN_EVIDENCE) if EVIDENCE else unrecorded(None),
        adapt=ADAPTED_VOLUMES or unrecorded(0),
        voxel_nm=config["volumes"]["voxel_nm"] if EVIDENCE else unrecorded(None),
    script:
        "../workflow/scripts/downsample_volumes.py"
