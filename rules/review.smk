"""List what people should decide.

INPUT   results/answers/{model}/answers.parquet of the first model that answers
OUTPUT  results/review/
            queue.parquet   a row a decision, the most useful first
            index.html      the page on which people decide
"""


rule review:
    """Ask people what only they can tell."""
    input:
        "results/review/queue.parquet",
        "results/review/index.html",
    localrule: True


rule list_review:
    """Rank what people should decide by the edits that each decision saves."""
    input:
        answers=f"results/answers/{REVIEWED}/answers.parquet",
        thresholds=thresholds_of_model(REVIEWED),
        checkpoint=checkpoint_of_reviewed,
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
        settings=hash_of_decisions(config, MODELS[REVIEWED]),
        code=code("list_review.py"),
    script:
        "../workflow/scripts/list_review.py"


rule render_review:
    """Write the page of the queue's first decisions, one file that needs no network."""
    input:
        queue="results/review/queue.parquet",
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        "results/review/index.html",
    log:
        "results/logs/render_review/render_review.log",
    benchmark:
        "results/benchmarks/render_review/render_review.tsv"
    conda:
        "../envs/model.yaml"
    params:
        page_items=config["review"]["page_items"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("render_review.py"),
    script:
        "../workflow/scripts/render_review.py"
