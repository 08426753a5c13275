"""Put the results side by side.

INPUT   the tables of rules/evaluation.smk, results/audit.json, the figures of
        rules/figures.smk, results/models/…/checkpoint.pt; once decisions came back,
        results/review/decisions.json
OUTPUT  results/report/left_out.json           what models reached on tissue left out
        results/report/honest_table.txt, .csv  every model, in sections by standing
        results/report/neurons.csv             the same against what really belongs
        results/report/differences.csv         one model against all others, in words
        results/report/decisions.csv           what is accepted and rejected unseen
        results/report/loops.csv               networks at every number of loops
        results/report/index.html              all of it on one page
        results/figures/honest_table.png, .svg, loops.png, .svg
"""

# Of these checkpoints, some say how good models of their kind are on tissue left out.
GIVEN = [name for name, model in MODELS.items() if model.given_checkpoint]
LEFT_OUT_OF_GIVEN = "results/report/left_out.json" if GIVEN else []


rule list_left_out:
    """List what models reached on tissue left out, as their checkpoints say."""
    input:
        expand("results/models/{model}/0/checkpoint.pt", model=GIVEN),
    output:
        "results/report/left_out.json",
    log:
        "results/logs/list_left_out/list_left_out.log",
    benchmark:
        "results/benchmarks/list_left_out/list_left_out.tsv"
    conda:
        "../envs/model.yaml"
    params:
        titles=[MODELS[name].settings.title for name in GIVEN],
        code=code("list_left_out.py"),
    script:
        "../workflow/scripts/list_left_out.py"


rule compare_models:
    """Print the honest table and draw it."""
    input:
        answers=evaluation_files("answers.parquet", EVALUATIONS.reported()),
        segments=evaluation_files("segments.parquet", EVALUATIONS.reported()),
        summaries=evaluation_files("summary.json", EVALUATIONS.reported()),
        left_out=LEFT_OUT_OF_GIVEN,
    output:
        text=report(
            "results/report/honest_table.txt",
            caption="../workflow/report/table.rst",
            category="Report",
        ),
        csv="results/report/honest_table.csv",
        neurons="results/report/neurons.csv",
        differences="results/report/differences.csv",
        decisions="results/report/decisions.csv",
        png=shown("results/figures/honest_table.png"),
        svg="results/figures/honest_table.svg",
    log:
        "results/logs/compare_models/compare_models.log",
    benchmark:
        "results/benchmarks/compare_models/compare_models.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=rows_of(EVALUATIONS.reported()),
        bootstrap=BOOTSTRAP,
        volume_voxels=VOLUME.voxels,
        split_rule=config["split"]["rule"],
        shown={key: config["report"][key] for key in ("model", "split")},
        code=code("compare_models.py"),
    script:
        "../workflow/scripts/compare_models.py"


rule compare_loops:
    """Measure networks at every number of loops, and draw what loops bring."""
    input:
        answers=evaluation_files("answers.parquet", EVALUATIONS.by_loops()),
        segments=evaluation_files("segments.parquet", EVALUATIONS.by_loops()),
        summaries=evaluation_files("summary.json", EVALUATIONS.by_loops()),
    output:
        csv="results/report/loops.csv",
        png=shown("results/figures/loops.png"),
        svg="results/figures/loops.svg",
    log:
        "results/logs/compare_loops/compare_loops.log",
    benchmark:
        "results/benchmarks/compare_loops/compare_loops.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        entries=rows_of(EVALUATIONS.by_loops()),
        bootstrap=BOOTSTRAP,
        volume_voxels=VOLUME.voxels,
        code=code("compare_loops.py"),
    script:
        "../workflow/scripts/compare_loops.py"


rule render_report:
    """Write the report, one file that needs no network."""
    input:
        table="results/report/honest_table.csv",
        neurons="results/report/neurons.csv",
        differences="results/report/differences.csv",
        decisions="results/report/decisions.csv",
        audit="results/audit.json",
        summary=evaluation_file("summary.json", FOCUS),
        bars="results/figures/honest_table.png",
        loops="results/figures/loops.png",
        trust=figure_files(FIGURES.trust()),
        errors=figure_files(FIGURES.errors()),
        figures=[
            file for _, figures in FIGURES.chapters() for file in figure_files(figures)
        ],
        counts="results/tasks/split.json",
        registry="results/cells/registry.parquet",
        manifest=manifest_of_files,
        growth="results/growth/growth.json" if HAS_GROWN else [],
        review="results/review/decisions.json" if config["review"]["decisions"] else [],
        left_out=LEFT_OUT_OF_GIVEN,
    output:
        report(
            "results/report/index.html",
            caption="../workflow/report/page.rst",
            category="Report",
        ),
    log:
        "results/logs/render_report/render_report.log",
    benchmark:
        "results/benchmarks/render_report/render_report.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        focus={**EVALUATIONS.heading(*FOCUS[:3]), "split": FOCUS.split},
        chapters=FIGURES.chapter_heads(),
        growing=EVALUATIONS.title(GROWING) if GROWING else None,
        split_rule=config["split"]["rule"],
        source=SOURCE,
        settings=settings_of_models(),
        code=code("render_report.py"),
        template=page_hash("report"),
    script:
        "../workflow/scripts/render_report.py"
