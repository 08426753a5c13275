"""Draw what was measured.

INPUT   the tables of rules/training.smk and rules/evaluation.smk
OUTPUT  results/figures/honest_table.png, .svg
        results/figures/{model}/{replicate}/training.png, .svg
        results/figures/{model}/{replicate}/{split}/loops-{loops}/*.png, .svg, .csv
        docs/figures/*.png  those that the README shows, by `snakemake readme_figures`
"""


rule plot_metrics:
    """Draw the figures of one evaluation, and write the tables behind them."""
    input:
        "results/evaluation/{model}/{replicate}/{split}/loops-{loops}/tasks.parquet",
    output:
        png=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/loops-{{loops}}/{name}.png",
            name=METRIC_FIGURES,
        ),
        svg=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/loops-{{loops}}/{name}.svg",
            name=METRIC_FIGURES,
        ),
        csv=expand(
            "results/figures/{{model}}/{{replicate}}/{{split}}/loops-{{loops}}/{name}.csv",
            name=METRIC_FIGURES,
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
        png="results/figures/{model}/{replicate}/{split}/loops-{loops}/task.png",
        svg="results/figures/{model}/{replicate}/{split}/loops-{loops}/task.svg",
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


rule readme_figures:
    """Put the figures that the README shows into docs/figures."""
    input:
        README_FIGURES,
    output:
        [f"docs/figures/{Path(figure).name}" for figure in README_FIGURES],
    log:
        "results/logs/readme_figures/readme_figures.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    shell:
        "cp {input} docs/figures > {log} 2>&1"
