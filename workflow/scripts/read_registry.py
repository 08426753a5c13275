"""Filter the cell registry."""

from pathlib import Path

from eyewire_validator.acquire.registry import (
    RegistrySettings,
    read_registry,
    unreadable_lines,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import write_table

with job_log(snakemake.log[0], snakemake.output):
    registry = read_registry(
        [Path(csv) for csv in snakemake.input],
        RegistrySettings(**snakemake.params.filters),
    )
    # By their names in the config, not by those of copies from a store.
    names = dict(zip(map(str, snakemake.input), snakemake.params.csvs, strict=True))
    registry["source"] = registry["source"].map(names)
    write_table(Path(snakemake.output[0]), registry, REGISTRY)
    print(registry["reason"].fillna("kept").value_counts().to_string())
    print("", *unreadable_lines(registry), sep="\n")
