"""Draw what was measured, each model with its own number of loops.

INPUT   the tables of rules/training.smk and rules/evaluation.smk
OUTPUT  results/figures/{model}/{replicate}/training.png, .svg
        results/figures/{model}/{replicate}/{split}/*.png, .svg, .csv
        results/figures/{split}/sizes.png, .svg, .csv
        results/figures/learning.png, .svg, .csv  if asked for
        docs/figures/*.png  those that the README shows, by `readme_figures`
"""


rule plot_metrics:
    """Draw the figures of the voxels of one evaluation, and write their tables."""
    input:
        this_evaluation("tasks.parquet"),
    output:
        png=shown(
            expand(
                "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
                name=METRIC_FIGURES,
            ),
            "{model}, {replicate}, {split}",
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
        png=shown(
            expand(
                "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
                name=SEGMENT_FIGURES,
            ),
            "{model}, {replicate}, {split}",
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
        segments=files_by_size("segments.parquet"),
        answers=files_by_size("answers.parquet"),
        decisions=files_by_size("decisions.json"),
    output:
        png=shown("results/figures/{split}/sizes.png"),
        svg="results/figures/{split}/sizes.svg",
        csv="results/figures/{split}/sizes.csv",
    log:
        "results/logs/plot_sizes/{split}.log",
    benchmark:
        "results/benchmarks/plot_sizes/{split}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        titles=[EVALUATIONS.title(e.model) for e in EVALUATIONS.by_size("test")],
        ceiling=EVALUATIONS.ceiling(),
        leaked=MODELS[FOCUS.model].is_leaked,
        code=code("plot_sizes.py"),
    script:
        "../workflow/scripts/plot_sizes.py"


rule plot_tasks:
    """Picture tasks, image to answer: a typical one, and those with the most edits."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        checkpoint=checkpoint_of,
        tasks=this_evaluation("tasks.parquet"),
        segments=this_evaluation("segments.parquet"),
        answers=this_evaluation("answers.parquet"),
        decisions=this_evaluation("decisions.json"),
    output:
        png=shown(
            expand(
                "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.png",
                name=FIGURES.task_figures,
            ),
            "{model}, {replicate}, {split}",
        ),
        svg=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/{name}.svg",
            name=FIGURES.task_figures,
        ),
        csv="results/figures/{model}/{replicate}/{split}/tasks.csv",
    log:
        "results/logs/plot_tasks/{model}-{replicate}-{split}.log",
    benchmark:
        "results/benchmarks/plot_tasks/{model}-{replicate}-{split}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.has_weights),
    conda:
        "../envs/model.yaml"
    params:
        heading=heading,
        model=lambda wildcards: MODELS[wildcards.model].entry,
        loops=lambda wildcards: MODELS[wildcards.model].loops,
        geometry=GEOMETRY,
        threshold=config["evaluation"]["threshold"],
        dust=DUST,
        code=code("plot_tasks.py", "module", "answerer"),
    script:
        "../workflow/scripts/plot_tasks.py"


rule plot_training:
    """Draw the training curve."""
    input:
        "results/models/{model}/{replicate}/history.parquet",
    output:
        png=shown(
            "results/figures/{model}/{replicate}/training.png", "{model}, {replicate}"
        ),
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
        answers=evaluation_files("answers.parquet", EVALUATIONS.by_training_tasks()),
        segments=evaluation_files("segments.parquet", EVALUATIONS.by_training_tasks()),
        summaries=evaluation_files("summary.json", EVALUATIONS.by_training_tasks()),
        histories=histories_of(EVALUATIONS.by_training_tasks()),
    output:
        png=shown("results/figures/learning.png"),
        svg="results/figures/learning.svg",
        csv="results/figures/learning.csv",
    log:
        "results/logs/plot_learning/plot_learning.log",
    benchmark:
        "results/benchmarks/plot_learning/plot_learning.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=rows_of(EVALUATIONS.by_training_tasks()),
        bootstrap=BOOTSTRAP,
        volume_voxels=VOLUME.voxels,
        heading={
            **EVALUATIONS.heading(FOCUS.model, FOCUS.replicate),
            "details": f"{FOCUS.split} tasks",
        },
        code=code("plot_learning.py"),
    script:
        "../workflow/scripts/plot_learning.py"


rule readme_figures:
    """Put the figures that the README shows into docs/figures."""
    input:
        figure_files(FIGURES.of_readme()),
    output:
        local([f"docs/figures/{figure.name}.png" for figure in FIGURES.of_readme()]),
    log:
        "results/logs/readme_figures/readme_figures.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    shell:
        "cp {input} docs/figures > {log} 2>&1"
