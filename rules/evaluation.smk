"""Evaluate each model: answer tasks, and measure the answers where they are known.

INPUT   results/tasks/index.parquet, the volumes, results/models/…/checkpoint.pt
OUTPUT  results/evaluation/{model}/{replicate}/{split}/loops-{loops}/
            tasks.parquet     voxels, a row a task
            segments.parquet  probability of every candidate segment of every task
            decisions.json    thresholds and calibration, chosen on validation
            answers.parquet   what was decided, a row a task
            summary.json      metrics with intervals, and the published ones

A job answers for a replicate of a model; with ``evaluation.parts`` above 1, for a part of
each split's tasks.
Networks, agglomerations and baselines (rules, people, finished segmentations) differ in
what they need, not in what is done.
"""


rule evaluate_network:
    """Answer the tasks of all splits with a network, at all loop counts in one run."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        truth=truth_of_sandbox,
        supervoxels=own_ids,
        manifest=manifest_of_files,
        checkpoint=checkpoint_of,
    output:
        tasks=tables_of("tasks", LOOPS),
        segments=tables_of("segments", LOOPS),
    log:
        f"results/logs/evaluate_network/{{model}}-{{replicate}}{OF_PART}.log",
    benchmark:
        f"results/benchmarks/evaluate_network/{{model}}-{{replicate}}{OF_PART}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.is_network),
    conda:
        "../envs/model.yaml"
    threads: ALL_CORES
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        model=lambda wildcards: MODELS[wildcards.model].entry,
        loops=LOOPS,
        splits=ANSWERED_SPLITS,
        part=lambda wildcards: int(wildcards.get("part", 0)),
        parts=PARTS,
        evaluation=EVALUATION,
        device=lambda wildcards: MODELS[wildcards.model].training.device,
        metadata=metadata_of,
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("evaluate_model.py", "module", "answerer"),
    script:
        "../workflow/scripts/evaluate_model.py"


use rule evaluate_network as evaluate_agglomeration with:
    output:
        tasks=tables_of("tasks", [1]),
        segments=tables_of("segments", [1]),
    log:
        f"results/logs/evaluate_agglomeration/{{model}}-{{replicate}}{OF_PART}.log",
    benchmark:
        f"results/benchmarks/evaluate_agglomeration/{{model}}-{{replicate}}{OF_PART}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.has_weights and not model.is_network),
    threads: 1
    resources:
        cuda=0,
        gpu=0,
    params:
        loops=[1],


use rule evaluate_network as evaluate_baseline with:
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        truth=truth_of_sandbox,
        supervoxels=own_ids,
        labels=labels_of,
    output:
        tasks=tables_of("tasks", [1]),
        segments=tables_of("segments", [1]),
    log:
        f"results/logs/evaluate_baseline/{{model}}-{{replicate}}{OF_PART}.log",
    benchmark:
        f"results/benchmarks/evaluate_baseline/{{model}}-{{replicate}}{OF_PART}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: not model.has_weights),
    threads: 1
    resources:
        cuda=0,
        gpu=0,
    params:
        loops=[1],
        device="cpu",
        contents=lambda wildcards: contents(labels_of(wildcards)),


rule join_parts:
    """Join the parts of an evaluation, in the order of the tasks."""
    input:
        tasks=parts_of("tasks"),
        segments=parts_of("segments"),
    output:
        tasks="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
        segments="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/segments.parquet",
    log:
        "results/logs/join_parts/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/join_parts/{model}-{replicate}-{split}-{loops}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: PARTS > 1),
    conda:
        "../envs/data.yaml"
    params:
        code=code("join_parts.py"),
    script:
        "../workflow/scripts/join_parts.py"


rule summarize_model:
    """Choose thresholds on validation, decide on segments, and count what came of it."""
    input:
        tasks="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
        segments="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/segments.parquet",
        validation_tasks="results/evaluation/{model}/{replicate}/validation/loops-{loops}/tasks.parquet",
        validation_segments="results/evaluation/{model}/{replicate}/validation/loops-{loops}/segments.parquet",
    output:
        decisions="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/decisions.json",
        answers="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/answers.parquet",
        summary="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/summary.json",
    log:
        "results/logs/summarize_model/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/summarize_model/{model}-{replicate}-{split}-{loops}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        decisions={key: config["evaluation"][key] for key in DECISIONS},
        bootstrap=BOOTSTRAP,
        answers=metadata_of,
        metadata=metadata_of_decisions,
        volume_voxels=VOLUME.voxels,
        code=code("summarize_model.py"),
    script:
        "../workflow/scripts/summarize_model.py"
