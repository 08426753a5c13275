"""Eyewire Validator: from a cell registry to honest figures.

Run it with ``snakemake --cores N``; ``-n`` shows what would run. Everything it makes is
under results/:

    first_answer/                               one task and its answer, for newcomers
    cells/registry.parquet                      which cells are used, and why not
    downloads/cells/{group}/                    what the API said about cells' tasks
    volumes/groups/{group}/{volume}/            downsampled image, segmentation, coverage
    tasks/index.parquet, split.json             one row a task; what was left out, and why
    models/{model}/{replicate}/                 checkpoints and training curves
    evaluation/{model}/{replicate}/{split}/     metrics of each task, and their summary
    parts/                                      parts of them, until they are joined
    answers/{model}/                            what to do with each segment, by own ids
    review/                                     what people should decide
    learn/                                      a model that learned this tissue
    growth/                                     cells grown by a model (`grow`)
    audit.json                                  what leaks; the rule `audit` refuses it
    figures/{model}/{replicate}/{split}/        figures, with their tables
    carry_over/                                 how good on tissue never seen (a study)
    report/                                     index.html and the honest table
    logs/{rule}/, benchmarks/{rule}/            what each job said and what it took
    logs/{rule}/{job}.sha256                    what it made; the rule `verify` compares
"""

from snakemake.utils import min_version

min_version("9.10")


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/first_answer.smk"
include: "rules/sandbox.smk"
include: "rules/registry.smk"
include: "rules/tasks.smk"
include: "rules/volumes.smk"
include: "rules/index.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/answers.smk"
include: "rules/review.smk"
include: "rules/learn.smk"
include: "rules/growth.smk"
include: "rules/audit.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/tissues.smk"
include: "rules/carry_over.smk"
include: "rules/verify.smk"


onstart:
    refuse_interpreter()
    refuse_results_without_format()
    # Whoever starts the workflow again wants to try again.
    for record in FAILURES.values():
        Path(record).unlink(missing_ok=True)


rule all:
    # What lies behind a checkpoint whose file is gone is not looked at: the checkpoints
    # are asked for by name. So are the evaluations, or one that is deleted would be
    # missed only when something else asks for it.
    default_target: True
    input:
        "results/cells/registry.parquet",
        "results/volumes/catalog.parquet",
        rules.answers.input,
        *(made_where_answers_are_known() if HAS_LABELS else []),
    localrule: True
