"""Ask the API for each cell's tasks.

INPUT   the API; results/sandbox/ where that is the sandbox
OUTPUT  results/downloads/cells/{cell}/tasks.parquet     one row a task
        results/downloads/cells/{cell}/replies.json.xz   the replies as they came
        results/downloads/tasks/                         the same of tasks asked by id
        results/volumes/catalog.parquet                  one row a distinct volume
"""


rule download_cell:
    """Fetch a cell's task list, tasks and aggregates.

    The registry is no input: one more cell must not fetch all others again.
    """
    input:
        sandbox_folder,
    output:
        tasks="results/downloads/cells/{cell}/tasks.parquet",
        replies="results/downloads/cells/{cell}/replies.json.xz",
    log:
        "results/logs/download_cell/{cell}.log",
    benchmark:
        "results/benchmarks/download_cell/{cell}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        api_jobs=1,
        api_requests_per_second=share("api_requests_per_second", API["jobs"]),
    params:
        source=SOURCE,
        base_url=API["base_url"],
        format=CELL_FORMAT,
        failures=unrecorded(FAILURES["api"]),
    script:
        "../workflow/scripts/download_cell.py"


rule download_tasks:
    """Fetch the tasks that are asked about by their ids."""
    input:
        sandbox=sandbox_folder,
        ids=(
            given(config["answers"]["tasks"] or [])
            if config["answers"]["tasks"]
            else []
        ),
    output:
        tasks="results/downloads/tasks/tasks.parquet",
        replies="results/downloads/tasks/replies.json.xz",
    log:
        "results/logs/download_tasks/download_tasks.log",
    benchmark:
        "results/benchmarks/download_tasks/download_tasks.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        api_jobs=1,
        api_requests_per_second=share("api_requests_per_second", API["jobs"]),
    params:
        source=SOURCE,
        base_url=API["base_url"],
        contents=lambda wildcards, input: contents(input.ids),
        format=CELL_FORMAT,
        failures=unrecorded(FAILURES["api"]),
    script:
        "../workflow/scripts/download_tasks.py"


checkpoint catalog_volumes:
    """List the distinct volumes. Which they are is known after it.

    The registry is an input so that this checkpoint runs whenever the other one did;
    Snakemake would otherwise go on with what it guessed before.
    """
    input:
        registry="results/cells/registry.parquet",
        tables=tables_of_cells,
    output:
        "results/volumes/catalog.parquet",
    log:
        "results/logs/catalog_volumes/catalog_volumes.log",
    benchmark:
        "results/benchmarks/catalog_volumes/catalog_volumes.tsv"
    conda:
        "../envs/data.yaml"
    params:
        group_span=config["volumes"]["group_span"],
        code=code("catalog_volumes.py"),
    script:
        "../workflow/scripts/catalog_volumes.py"
