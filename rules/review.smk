"""List what people should decide, and take their decisions.

INPUT   results/answers/{model}/answers.parquet of the first model that answers
        results/growth/grown.parquet, if cells were grown: where growth stopped
        the files of `review.decisions`, as the page exported or Neuroglancer saved them
OUTPUT  results/review/
            queue.parquet   a row a decision, the most useful first
            index.html, index_parts/
                            the page on which people decide
            neuroglancer.json
                            the same questions as a state of Neuroglancer
            neuvue.csv, webknossos.csv
                            the same questions for other tools
            decisions.parquet, decisions.json, decided.csv
                            what came back, how far reviewers agree, and who decided
            merges.csv      what is settled as belonging, for CAVE
            stops.parquet   what came back about stops of growth, which goes on there
            curve.csv, curve.json
                            edits found against decisions made, where they are known
        results/figures/queue.png, .svg
"""


rule review:
    """Ask people what only they can tell."""
    input:
        "results/review/queue.parquet",
        "results/review/index.html",
        "results/review/index_parts",
        "results/review/neuroglancer.json",
        "results/review/decided.csv",
        "results/review/decisions.parquet",
        "results/review/decisions.json",
        "results/review/merges.csv",
        [f"results/review/{name}.csv" for name in EXPORTS],
        "results/figures/queue.png" if HAS_LABELS else [],
    localrule: True


rule import_decisions:
    """Take the decisions that came back; what is about other data is refused."""
    input:
        decisions=[given(file) for file in config["review"]["decisions"]],
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
    output:
        decisions="results/review/decisions.parquet",
        stops="results/review/stops.parquet",
        decided="results/review/decided.csv",
        summary="results/review/decisions.json",
    log:
        "results/logs/import_decisions/import_decisions.log",
    benchmark:
        "results/benchmarks/import_decisions/import_decisions.tsv"
    conda:
        "../envs/model.yaml"
    params:
        geometry=GEOMETRY,
        contents=contents(config["review"]["decisions"]),
        code=code("import_decisions.py"),
    script:
        "../workflow/scripts/import_decisions.py"


rule list_review:
    """Rank what people should decide by the edits that each decision saves."""
    input:
        answers=f"results/answers/{REVIEWED}/answers.parquet",
        thresholds=thresholds_of_model(REVIEWED),
        checkpoint=checkpoint_of_reviewed,
        decisions="results/review/decisions.parquet",
        grown=GROWN if HAS_GROWN else [],
        supervoxels=own_ids,
        manifest=manifest_of_files,
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
    output:
        "results/review/queue.parquet",
    log:
        "results/logs/list_review/list_review.log",
    benchmark:
        "results/benchmarks/list_review/list_review.tsv"
    conda:
        "../envs/model.yaml"
    params:
        audit_share=config["review"]["audit_share"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        settings=hash_of_decisions(config, MODELS[REVIEWED]),
        code=code("list_review.py"),
    script:
        "../workflow/scripts/list_review.py"


rule render_review:
    """Ask the first questions of the queue, on a page and in Neuroglancer."""
    input:
        queue="results/review/queue.parquet",
        grown=GROWN if HAS_GROWN else [],
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        page="results/review/index.html",
        parts=directory("results/review/index_parts"),
        neuroglancer="results/review/neuroglancer.json",
    log:
        "results/logs/render_review/render_review.log",
    benchmark:
        "results/benchmarks/render_review/render_review.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        page_items=config["review"]["page_items"],
        sources=[
            config["sandbox"]["files"][name] if HAS_FILES else None
            for name in ("image", "supervoxels")
        ],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("render_review.py"),
        template=page_hash("review"),
    script:
        "../workflow/scripts/render_review.py"


rule export_review:
    """Export the first questions of the queue, and what is settled, to other tools."""
    input:
        queue="results/review/queue.parquet",
        decisions="results/review/decisions.parquet",
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
        supervoxels=own_ids,
    output:
        merges="results/review/merges.csv",
        questions=[f"results/review/{name}.csv" for name in EXPORTS],
    log:
        "results/logs/export_review/export_review.log",
    benchmark:
        "results/benchmarks/export_review/export_review.tsv"
    conda:
        "../envs/model.yaml"
    params:
        page_items=config["review"]["page_items"],
        webknossos=config["review"]["webknossos"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("export_review.py"),
    script:
        "../workflow/scripts/export_review.py"


rule measure_review:
    """Measure the queue on labelled tasks: edits found against decisions made."""
    input:
        segments=of_first_replicate("segments.parquet", REVIEWED, EVALUATIONS.splits[0]),
        tasks=of_first_replicate("tasks.parquet", REVIEWED, EVALUATIONS.splits[0]),
        thresholds=thresholds_of_model(REVIEWED),
    output:
        csv="results/review/curve.csv",
        summary="results/review/curve.json",
        png=shown("results/figures/queue.png"),
        svg="results/figures/queue.svg",
    log:
        "results/logs/measure_review/measure_review.log",
    benchmark:
        "results/benchmarks/measure_review/measure_review.tsv"
    conda:
        "../envs/model.yaml"
    params:
        bootstrap=BOOTSTRAP,
        heading={
            **EVALUATIONS.heading(REVIEWED, 0),
            "details": f"{EVALUATIONS.splits[0]} tasks",
        },
        code=code("measure_review.py"),
    script:
        "../workflow/scripts/measure_review.py"
