"""Test for leaks: whether a model knows its answer, or trained on what tests it.

INPUT   results/tasks/index.parquet, the volumes, results/models/…/checkpoint.pt
OUTPUT  results/audit.json  for each model and the split: the verdict, and what it
                            rests on
"""

from eyewire_validator.models.settings import REFERENCES

# The entry whose network a model answers with: an ensemble's members, or its own.
# References are no models, and may know the answer.
AUDITED = {
    model: entry.get("members", model)
    for model, entry in MODELS.items()
    if entry["kind"] not in REFERENCES
}
AUDITED_CHECKPOINTS = {
    model: expand(
        "results/models/{network}/{replicate}/checkpoint.pt",
        network=network,
        replicate=replicates(network),
    )
    for model, network in AUDITED.items()
    if MODELS[network]["kind"] == "lwunet"
}


rule audit_models:
    """Alter each held-out task's own aggregate, and compare what the models see."""
    input:
        index="results/tasks/index.parquet",
        manifests=manifests_of_groups,
        checkpoints=sorted(set(sum(AUDITED_CHECKPOINTS.values(), []))),
    output:
        "results/audit.json",
    log:
        "results/logs/audit_models/audit_models.log",
    benchmark:
        "results/benchmarks/audit_models/audit_models.tsv"
    conda:
        "../envs/model.yaml"
    params:
        models={
            model: {
                "entry": MODELS[network],
                "leaked": leaked(network),
                "checkpoints": AUDITED_CHECKPOINTS.get(model, []),
            }
            for model, network in AUDITED.items()
        },
        random_seed=config["training"]["random_seed"],
        geometry=GEOMETRY,
        volumes="results/volumes",
        code=code("audit_models.py"),
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
