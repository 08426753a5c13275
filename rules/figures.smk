"""Draw what was measured, each model with its own number of loops.

INPUT   the tables of rules/training.smk and rules/evaluation.smk
OUTPUT  results/figures/{model}/{replicate}/training.png, .svg
        results/figures/{model}/{replicate}/{split}/*.png, .svg, .csv
        results/figures/{split}/sizes.png, .svg, .csv
        results/figures/learning.png, .svg, .csv  if asked for
        docs/figures/*.png  those that the README shows, by `snakemake readme_figures`
"""


rule plot_metrics:
    """Draw the figures of the voxels of one evaluation, and write their tables."""
    input:
        this_evaluation("tasks.parquet"),
    output:
        png=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
            name=METRIC_FIGURES,
        ),
        svg=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.svg",
            name=METRIC_FIGURES,
        ),
        csv=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.csv",
            name=METRIC_FIGURES,
        ),
    log:
        "results/logs/plot_metrics/{model}-{replicate}-{split}.log",
    benchmark:
        "results/benchmarks/plot_metrics/{model}-{replicate}-{split}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        heading=heading,
        code=code("plot_metrics.py"),
    script:
        "../workflow/scripts/plot_metrics.py"


rule plot_segments:
    """Draw how far the segments' probabilities can be trusted, and where they err."""
    input:
        segments=this_evaluation("segments.parquet"),
        answers=this_evaluation("answers.parquet"),
        decisions=this_evaluation("decisions.json"),
    output:
        png=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
            name=SEGMENT_FIGURES,
        ),
        svg=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.svg",
            name=SEGMENT_FIGURES,
        ),
        csv=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.csv",
            name=SEGMENT_FIGURES,
        ),
    log:
        "results/logs/plot_segments/{model}-{replicate}-{split}.log",
    benchmark:
        "results/benchmarks/plot_segments/{model}-{replicate}-{split}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        heading=heading,
        code=code("plot_segments.py"),
    script:
        "../workflow/scripts/plot_segments.py"


rule plot_sizes:
    """Draw which segments are found by their size, and what coarse voxels allow."""
    input:
        segments=sized_files("segments.parquet"),
        answers=sized_files("answers.parquet"),
        decisions=sized_files("decisions.json"),
    output:
        png="results/figures/{split}/sizes.png",
        svg="results/figures/{split}/sizes.svg",
        csv="results/figures/{split}/sizes.csv",
    log:
        "results/logs/plot_sizes/{split}.log",
    benchmark:
        "results/benchmarks/plot_sizes/{split}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        titles=[MODELS[model]["title"] for model in SIZED_MODELS],
        ceiling=CEILING,
        leaked=leaked(config["report"]["model"]),
        code=code("plot_sizes.py"),
    script:
        "../workflow/scripts/plot_sizes.py"


rule plot_tasks:
    """Picture tasks, image to answer: a typical one, and those with the most edits."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        checkpoints=checkpoints_of,
        tasks=this_evaluation("tasks.parquet"),
        segments=this_evaluation("segments.parquet"),
        answers=this_evaluation("answers.parquet"),
        decisions=this_evaluation("decisions.json"),
    output:
        png=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
            name=TASK_FIGURES,
        ),
        svg=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.svg",
            name=TASK_FIGURES,
        ),
        csv="results/figures/{model}/{replicate}/{split}/tasks.csv",
    log:
        "results/logs/plot_tasks/{model}-{replicate}-{split}.log",
    benchmark:
        "results/benchmarks/plot_tasks/{model}-{replicate}-{split}.tsv"
    wildcard_constraints:
        model=models_that(has_weights),
    conda:
        "../envs/model.yaml"
    params:
        heading=heading,
        loops=lambda wildcards: own_loops(wildcards.model),
        geometry=GEOMETRY,
        threshold=config["evaluation"]["threshold"],
        code=code("plot_tasks.py"),
    script:
        "../workflow/scripts/plot_tasks.py"


rule plot_training:
    """Draw the training curve."""
    input:
        "results/models/{model}/{replicate}/history.parquet",
    output:
        png="results/figures/{model}/{replicate}/training.png",
        svg="results/figures/{model}/{replicate}/training.svg",
    log:
        "results/logs/plot_training/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/plot_training/{model}-{replicate}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        heading=heading,
        code=code("plot_training.py"),
    script:
        "../workflow/scripts/plot_training.py"


rule plot_learning:
    """Draw what more training tasks bring, for models that differ in nothing else."""
    input:
        answers=evaluation_files("answers.parquet", learning_evaluations()),
        segments=evaluation_files("segments.parquet", learning_evaluations()),
        summaries=evaluation_files("summary.json", learning_evaluations()),
        histories=learning_histories,
    output:
        png="results/figures/learning.png",
        svg="results/figures/learning.svg",
        csv="results/figures/learning.csv",
    log:
        "results/logs/plot_learning/plot_learning.log",
    benchmark:
        "results/benchmarks/plot_learning/plot_learning.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=learning_entries,
        bootstrap=BOOTSTRAP,
        volume_voxels=GEOMETRY["size"] ** 3,
        heading=lambda wildcards: heading_of(*FOCUS)
        | {"details": f"{config['report']['split']} tasks"},
        code=code("plot_learning.py"),
    script:
        "../workflow/scripts/plot_learning.py"


rule readme_figures:
    """Put the figures that the README shows into docs/figures."""
    input:
        README_FIGURES,
    output:
        local([f"docs/figures/{Path(figure).name}" for figure in README_FIGURES]),
    log:
        "results/logs/readme_figures/readme_figures.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    shell:
        "cp {input} docs/figures > {log} 2>&1"
