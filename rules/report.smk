"""Put the results side by side.

INPUT   the summaries of rules/evaluation.smk, the figures of rules/figures.smk
OUTPUT  results/report/honest_table.txt, .csv  every model, leaked ones set apart
        results/report/report.html             the table and all figures in one file
"""


rule compare_models:
    """Print the honest table and draw it."""
    input:
        evaluations("summary.json"),
    output:
        text="results/report/honest_table.txt",
        csv="results/report/honest_table.csv",
        png="results/figures/honest_table.png",
        svg="results/figures/honest_table.svg",
    log:
        "results/logs/compare_models/compare_models.log",
    benchmark:
        "results/benchmarks/compare_models/compare_models.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=entries,
        split_rule=config["split"]["rule"],
        shown={key: config["figures"][key] for key in ("split", "loops")},
        code=code("compare_models.py"),
    script:
        "../workflow/scripts/compare_models.py"


rule render_report:
    """Write the report, one file that needs no network."""
    input:
        summaries=evaluations("summary.json"),
        bars="results/figures/honest_table.png",
        figures=figures_of_all_models,
        counts="results/tasks/split.json",
        registry="results/cells/registry.parquet",
    output:
        "results/report/report.html",
    log:
        "results/logs/render_report/render_report.log",
    benchmark:
        "results/benchmarks/render_report/render_report.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=entries,
        chapters=chapters,
        split_rule=config["split"]["rule"],
        provenance=provenance,
        code=code("render_report.py"),
    script:
        "../workflow/scripts/render_report.py"
