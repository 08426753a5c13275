"""Let each model answer the tasks of a split, and measure the answers.

INPUT   results/tasks/index.parquet, the volumes, results/models/…/checkpoint.pt
OUTPUT  results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet
        results/evaluation/{model}/{replicate}/{split}/loops-{loops}/summary.json
"""


rule evaluate_model:
    """Answer every task of the split and count voxels."""
    input:
        index="results/tasks/index.parquet",
        manifests=manifests_of_groups,
        checkpoint=checkpoint_of,
    output:
        "results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
    log:
        "results/logs/evaluate_model/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/evaluate_model/{model}-{replicate}-{split}-{loops}.tsv"
    conda:
        "../envs/model.yaml"
    threads: workflow.cores or 1
    resources:
        cuda=CUDA_OF_A_JOB,
    params:
        model=lambda wildcards: MODELS[wildcards.model],
        evaluation={k: config["evaluation"][k] for k in ("threshold", "batch_size")},
        device=lambda wildcards: training_settings(config, wildcards.model)["device"],
        leaked=lambda wildcards: leaked(wildcards.model),
        geometry=GEOMETRY,
        volumes="results/volumes",
        code=code("evaluate_model.py"),
    script:
        "../workflow/scripts/evaluate_model.py"


rule summarize_model:
    """Pool and average the counts."""
    input:
        "results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
    output:
        "results/evaluation/{model}/{replicate}/{split}/loops-{loops}/summary.json",
    log:
        "results/logs/summarize_model/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/summarize_model/{model}-{replicate}-{split}-{loops}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        leaked=lambda wildcards: leaked(wildcards.model),
        code=code("summarize_model.py"),
    script:
        "../workflow/scripts/summarize_model.py"
