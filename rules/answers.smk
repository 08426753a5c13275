"""Answer open tasks, list decisions by own ids, and package models for others.

INPUT   results/evaluation/{model}/0/{split}/…, also of the split `open`: the tasks that
        nobody has answered
OUTPUT  results/answers/{model}/
            answers.parquet     a row a candidate of a task: accept, ask or reject
            decisions.csv       the same, of each task the most probable first
            tasks.csv           a row a task: answered, ask a person, or not answered
            against_truth.json  how good they are, where a sandbox knows
        results/models/{model}/{replicate}/packaged.pt
                                the checkpoint with thresholds and calibration
"""


rule answers:
    """Answer what is open. With models that name a checkpoint, nothing is trained."""
    input:
        # Each by its name, or one that is deleted would be missed by nothing.
        expand(
            "results/answers/{model}/{file}",
            model=ANSWERING,
            file=["answers.parquet", "decisions.csv", "tasks.csv"],
        ),
        expand("results/answers/{model}/against_truth.json", model=ANSWERING)
        if has_people(config)
        else [],
    localrule: True


use rule evaluate_network as answer_open_tasks with:
    # One job a model, in whatever number of parts labelled tasks are evaluated.
    output:
        tasks=[
            "results/evaluation/{model}/{replicate}/open/loops-{loops}/tasks.parquet"
        ],
        segments=[
            "results/evaluation/{model}/{replicate}/open/loops-{loops}/segments.parquet"
        ],
    log:
        "results/logs/answer_open_tasks/{model}-{replicate}-{loops}.log",
    benchmark:
        "results/benchmarks/answer_open_tasks/{model}-{replicate}-{loops}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.has_weights),
    params:
        loops=lambda wildcards: [int(wildcards.loops)],
        splits=["open"],
        parts=1,


rule list_answers:
    """Decide on segments and tasks: by the own ids, for a bulk merge.

    Thresholds are those that this run chose on its validation tasks; where it has none,
    those that the checkpoint carries.
    """
    input:
        index="results/tasks/index.parquet",
        supervoxels=own_ids,
        manifest=manifest_of_files,
        segments=in_listed_splits("segments.parquet"),
        tasks=in_listed_splits("tasks.parquet"),
        thresholds=thresholds_of,
    output:
        answers="results/answers/{model}/answers.parquet",
        decisions="results/answers/{model}/decisions.csv",
        tasks="results/answers/{model}/tasks.csv",
    log:
        "results/logs/list_answers/{model}.log",
    benchmark:
        "results/benchmarks/list_answers/{model}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        splits=LISTED_SPLITS,
        voxel_nm=config["volumes"]["voxel_nm"],
        metadata=metadata_of_decisions,
        code=code("list_answers.py"),
    script:
        "../workflow/scripts/list_answers.py"


rule check_answers:
    """Compare the answers to open tasks with what the sandbox knows."""
    input:
        segments=evaluation_of_open("segments.parquet"),
        tasks=evaluation_of_open("tasks.parquet"),
        thresholds=thresholds_of,
    output:
        "results/answers/{model}/against_truth.json",
    log:
        "results/logs/check_answers/{model}.log",
    benchmark:
        "results/benchmarks/check_answers/{model}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        tissue=TISSUE,
        code=code("check_answers.py"),
    script:
        "../workflow/scripts/check_answers.py"


rule package_model:
    """Put thresholds, calibration and what they were worth into the checkpoint."""
    input:
        checkpoint=checkpoint_of,
        segments=of_test_tasks("segments.parquet"),
        tasks=of_test_tasks("tasks.parquet"),
        decisions=of_test_tasks("decisions.json"),
    output:
        "results/models/{model}/{replicate}/packaged.pt",
    log:
        "results/logs/package_model/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/package_model/{model}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        tissue=TISSUE,
        code=code("package_model.py"),
    script:
        "../workflow/scripts/package_model.py"
