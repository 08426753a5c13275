"""Index the tasks and split them.

INPUT   results/cells/registry.parquet, which says what cells are in progress
        results/downloads/cells/{group}/tasks.parquet, results/volumes/groups/{group}.json
OUTPUT  results/tasks/index.parquet    one row a task: open, or labelled with its split, or
                                       why it is excluded
        results/tasks/split.json       counts by split and by reason
        results/tasks/task_vol.json    the published formats
        results/tasks/task_data.json
"""


rule index_tasks:
    """Join tasks with their volumes' segments, say which can be used, and split."""
    input:
        registry="results/cells/registry.parquet",
        tables=tables_of_cells,
        listed=table_of_listed_tasks,
        manifests=manifests_of_groups,
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
    output:
        index="results/tasks/index.parquet",
        counts="results/tasks/split.json",
    log:
        "results/logs/index_tasks/index_tasks.log",
    benchmark:
        "results/benchmarks/index_tasks/index_tasks.tsv"
    conda:
        "../envs/data.yaml"
    params:
        aggregate=config["aggregate"],
        split=config["split"],
        stride=as_config(VOLUME.stride),
        code=code("index_tasks.py"),
    script:
        "../workflow/scripts/index_tasks.py"


rule export_published_formats:
    """Write the two JSON files that the published validator reads."""
    input:
        "results/tasks/index.parquet",
    output:
        task_vol="results/tasks/task_vol.json",
        task_data="results/tasks/task_data.json",
    log:
        "results/logs/export_published_formats/export_published_formats.log",
    benchmark:
        "results/benchmarks/export_published_formats/export_published_formats.tsv"
    conda:
        "../envs/data.yaml"
    params:
        code=code("export_published_formats.py"),
    script:
        "../workflow/scripts/export_published_formats.py"
