"""Fetch volumes and downsample them, a group of volumes a job.

A group holds the volumes whose ids share id // group_span; it stays the same whatever
else is added.

INPUT   the bucket, by the addresses in results/volumes/catalog.parquet
OUTPUT  results/volumes/groups/{group}.json       SHA-256 of each file of each volume
        results/volumes/groups/{group}/{volume}/  image.lzma, segmentation.lzma,
                                                  coverage.parquet, segments.parquet,
                                                  graph.parquet; contacts.parquet where
                                                  volumes.evidence names a checkpoint
"""

PARTIAL_DOWNLOADS = here("results/downloads/partial")
RAW_VOLUMES = local(directory(here("results/downloads/volumes/{group}")))
# Scores contacts while the raw volume is in hand; [] if nothing shall.
EVIDENCE = (
    named_checkpoint(config["volumes"]["evidence"])
    if config["volumes"]["evidence"]
    else []
)


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
        evidence=contents([EVIDENCE]) if EVIDENCE else unrecorded(None),
        voxel_nm=config["volumes"]["voxel_nm"] if EVIDENCE else unrecorded(None),
    script:
        "../workflow/scripts/downsample_volumes.py"
