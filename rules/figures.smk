"""Draw what was measured.

INPUT   the tables of rules/training.smk and rules/evaluation.smk
OUTPUT  results/figures/honest_table.png, .svg
        results/figures/{model}/{replicate}/training.png, .svg
        results/figures/{model}/{replicate}/{split}/loops-{loops}/*.png, .svg, .csv
        docs/figures/*.png  those that the README shows, by `snakemake readme_figures`
"""

# Drawn from the metrics of one evaluation, each with its table.
METRIC_FIGURES = [
    "seedless_against_full",
    "distributions",
    "truth_volume",
    "guessed_volume",
    "uncertainty",
]
EVALUATION_FIGURES = "results/figures/{model}/{replicate}/{split}/loops-{loops}/"


def heading_of(model, replicate, split=None, loops=None):
    """What the title of a figure says about what it shows."""
    details = [
        split and f"{split} tasks",
        loops and has_weights(model) and f"{loops} loops",
        MODELS[model].get("replicates", 1) > 1 and f"replicate {replicate}",
    ]
    return {
        "title": MODELS[model]["title"],
        "details": ", ".join(filter(None, details)),
        "leaked": leaked(model),
    }


def heading(wildcards):
    return heading_of(**wildcards)


rule plot_metrics:
    """Draw the figures of one evaluation, and write the tables behind them."""
    input:
        "results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
    output:
        png=expand(
            EVALUATION_FIGURES + "{name}.png", name=METRIC_FIGURES, allow_missing=True
        ),
        svg=expand(
            EVALUATION_FIGURES + "{name}.svg", name=METRIC_FIGURES, allow_missing=True
        ),
        csv=expand(
            EVALUATION_FIGURES + "{name}.csv", name=METRIC_FIGURES, allow_missing=True
        ),
    log:
        "results/logs/plot_metrics/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/plot_metrics/{model}-{replicate}-{split}-{loops}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        heading=heading,
        code=code("plot_metrics.py"),
    script:
        "../workflow/scripts/plot_metrics.py"


rule plot_task:
    """Show one task, image to answer: the one whose seedless IoU is the median."""
    input:
        index="results/tasks/index.parquet",
        manifests=manifests_of_groups,
        checkpoint=checkpoint_of,
        metrics="results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
    output:
        png=EVALUATION_FIGURES + "task.png",
        svg=EVALUATION_FIGURES + "task.svg",
    log:
        "results/logs/plot_task/{model}-{replicate}-{split}-{loops}.log",
    benchmark:
        "results/benchmarks/plot_task/{model}-{replicate}-{split}-{loops}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        model=lambda wildcards: MODELS[wildcards.model],
        heading=heading,
        geometry=GEOMETRY,
        volumes="results/volumes",
        threshold=config["evaluation"]["threshold"],
        code=code("plot_task.py"),
    script:
        "../workflow/scripts/plot_task.py"


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


def figures_of(model, replicate, split, loops):
    """The PNGs of one evaluation, in reading order."""
    folder = f"results/figures/{model}/{replicate}"
    names = [*(["task"] if has_weights(model) else []), *METRIC_FIGURES]
    figures = [f"{folder}/{split}/loops-{loops}/{name}.png" for name in names]
    return [*figures, *([f"{folder}/training.png"] if is_trained(model) else [])]


def shown_evaluations():
    """The evaluations that figures are drawn of, at one loop count, and their PNGs."""
    return [
        (model, replicate, split, loops, figures_of(model, replicate, split, loops))
        for model, replicate, split, loops in all_evaluations()
        if loops == loops_to_show(model)
    ]


def figures_of_all_models(wildcards):
    return [figure for *_, figures in shown_evaluations() for figure in figures]


rule readme_figures:
    """Put the figures that the README shows into docs/figures."""
    input:
        "results/figures/honest_table.png",
        figures_of(
            config["figures"]["model"],
            0,
            config["figures"]["split"],
            loops_to_show(config["figures"]["model"]),
        ),
    output:
        directory("docs/figures"),
    log:
        "results/logs/readme_figures/readme_figures.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    shell:
        "(mkdir -p {output} && cp {input} {output}) > {log} 2>&1"
