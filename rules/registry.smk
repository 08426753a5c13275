"""Read the cell registry.

INPUT   the CSVs in config["registry"]["csvs"]: Cell ID, Name, Status, Size, Tags
OUTPUT  results/cells/registry.parquet  every row, kept or with the reason why not
"""


checkpoint read_registry:
    """Keep the cells that the filters let through. Which they are is known after it."""
    input:
        [given(csv) for csv in config["registry"]["csvs"]],
    output:
        "results/cells/registry.parquet",
    log:
        "results/logs/read_registry/read_registry.log",
    benchmark:
        "results/benchmarks/read_registry/read_registry.tsv"
    conda:
        "../envs/data.yaml"
    params:
        filters={
            key: value
            for key, value in config["registry"].items()
            if key not in ("csvs", "group_span")
        },
        csvs=config["registry"]["csvs"],
        contents=lambda wildcards: contents(config["registry"]["csvs"]),
        code=code("read_registry.py"),
    script:
        "../workflow/scripts/read_registry.py"
