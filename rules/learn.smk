"""Learn this tissue from labelled tasks and from what people decided.

INPUT   results/models/{model}/0/checkpoint.pt of the first agglomeration that answers
        results/tasks/index.parquet, the volumes,
        results/review/decisions.parquet and stops.parquet
OUTPUT  results/learn/
            evidence/           what linkage says of the tasks of which anything is known,
                                and what people decided
            agglomeration.pt    the checkpoint, with a membership for this tissue if that
                                helped on cells that were held out; else as it was
            learned.json, learned.txt
                                what it brought
"""


rule learn:
    """Learn this tissue, and say what it brought."""
    input:
        LEARNED,
    localrule: True


rule gather_labels:
    """Score and link the tasks of which anything is known."""
    input:
        checkpoint=checkpoint_of_learner,
        decisions="results/review/decisions.parquet",
        stops="results/review/stops.parquet",
        supervoxels=own_ids,
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        tasks="results/learn/evidence/tasks.parquet",
        candidates="results/learn/evidence/candidates.parquet",
        decided="results/learn/evidence/decided.parquet",
    log:
        "results/logs/gather_labels/gather_labels.log",
    benchmark:
        "results/benchmarks/gather_labels/gather_labels.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    params:
        splits=config["learn"]["splits"],
        most_volumes=config["learn"]["volumes"],
        geometry=GEOMETRY,
        dust=DUST,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("gather_labels.py"),
    script:
        "../workflow/scripts/gather_labels.py"


rule learn_tissue:
    """Refit membership to what is known, and take it if it helped on other cells."""
    input:
        checkpoint=checkpoint_of_learner,
        index="results/tasks/index.parquet",
        tasks="results/learn/evidence/tasks.parquet",
        candidates="results/learn/evidence/candidates.parquet",
        decided="results/learn/evidence/decided.parquet",
    output:
        checkpoint=LEARNED,
        record="results/learn/learned.json",
        text="results/learn/learned.txt",
    log:
        "results/logs/learn_tissue/learn_tissue.log",
    benchmark:
        "results/benchmarks/learn_tissue/learn_tissue.tsv"
    conda:
        "../envs/model.yaml"
    params:
        tissue=TISSUE,
        splits=config["learn"]["splits"],
        volume_voxels=VOLUME.voxels,
        decisions={key: config["evaluation"][key] for key in DECISIONS},
        bootstrap=BOOTSTRAP,
        code=code("learn_tissue.py"),
    script:
        "../workflow/scripts/learn_tissue.py"
