"""Test for leaks: whether a model knows its answer, or trained on what tests it.

INPUT   results/tasks/index.parquet, the volumes, results/models/…/checkpoint.pt
OUTPUT  results/audit.json  for each model and the split: the verdict, and what it
                            rests on
"""


rule audit_models:
    """Alter each held-out task's own aggregate, and compare what the models see."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        checkpoints=audited_checkpoints,
        manifest=manifest_of_files,
    output:
        "results/audit.json",
    log:
        "results/logs/audit_models/audit_models.log",
    benchmark:
        "results/benchmarks/audit_models/audit_models.tsv"
    conda:
        "../envs/model.yaml"
    params:
        models=audited_models(MODELS),
        evaluation=EVALUATION,
        random_seed=config["training"]["random_seed"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code_of_all_answering("audit_models.py"),
    script:
        "../workflow/scripts/audit_models.py"


rule audit:
    """Print the verdicts; fail if an honest model leaks, or a leaked one passes."""
    input:
        "results/audit.json",
    log:
        "results/logs/audit/audit.log",
    benchmark:
        "results/benchmarks/audit/audit.tsv"
    localrule: True
    conda:
        "../envs/model.yaml"
    params:
        code=code("audit.py"),
    script:
        "../workflow/scripts/audit.py"
