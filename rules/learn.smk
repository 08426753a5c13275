"""Learn this tissue from labelled tasks and from what people decided.

INPUT   results/models/{model}/0/checkpoint.pt of the first agglomeration that answers
        results/tasks/index.parquet, the volumes,
        results/review/decisions.parquet and stops.parquet
OUTPUT  results/learn/
            evidence/{network}/ what linkage says of the tasks of which anything is known:
                                by the network as it was (`given`), and of each half of
                                the cells (`half_0`, `half_1`) by one that the other
                                taught; and what people decided
            networks/{taught}.pt
                                tuned to all labelled tasks (`by_all`), or without a half
                                of the cells (`without_half_0`, `without_half_1`)
            agglomeration.pt    the checkpoint, with what was learned of this tissue if that
                                helped on cells that were held out; else as it was
            learned.json, learned.txt
                                what it brought
"""


rule learn:
    """Learn this tissue, and say what it brought."""
    input:
        LEARNED,
    localrule: True


rule tune_network:
    """Train the network on, on labelled tasks; an interrupted training goes on."""
    input:
        checkpoint=checkpoint_of_learner,
        decisions="results/review/decisions.parquet",
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        checkpoint="results/learn/networks/{taught}.pt",
    log:
        "results/logs/tune_network/{taught}.log",
    benchmark:
        "results/benchmarks/tune_network/{taught}.tsv"
    wildcard_constraints:
        taught="by_all|without_half_[01]",
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        half=lambda wildcards: half_in(wildcards.taught),
        training=tuning(config),
        splits=config["learn"]["splits"],
        most_volumes=config["learn"]["volumes"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("tune_network.py"),
    script:
        "../workflow/scripts/tune_network.py"


rule gather_labels:
    """Score and link the tasks of which anything is known, or those of half the cells."""
    input:
        checkpoint=network_that_is_asked,
        decisions="results/review/decisions.parquet",
        stops="results/review/stops.parquet",
        supervoxels=own_ids,
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        tasks="results/learn/evidence/{network}/tasks.parquet",
        candidates="results/learn/evidence/{network}/candidates.parquet",
        decided="results/learn/evidence/{network}/decided.parquet",
    log:
        "results/logs/gather_labels/{network}.log",
    benchmark:
        "results/benchmarks/gather_labels/{network}.tsv"
    wildcard_constraints:
        network="given|half_[01]",
    conda:
        "../envs/model.yaml"
    threads: 1
    params:
        half=lambda wildcards: half_in(wildcards.network),
        splits=config["learn"]["splits"],
        most_volumes=config["learn"]["volumes"],
        geometry=GEOMETRY,
        dust=DUST,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("gather_labels.py"),
    script:
        "../workflow/scripts/gather_labels.py"


rule learn_tissue:
    """Refit membership, for either network, and take what helped on other cells."""
    input:
        checkpoint=checkpoint_of_learner,
        index="results/tasks/index.parquet",
        tasks="results/learn/evidence/given/tasks.parquet",
        candidates="results/learn/evidence/given/candidates.parquet",
        decided="results/learn/evidence/given/decided.parquet",
        tuned=if_tuned("results/learn/networks/by_all.pt"),
        tasks_of_halves=if_tuned(
            expand("results/learn/evidence/half_{half}/tasks.parquet", half=range(2))
        ),
        candidates_of_halves=if_tuned(
            expand(
                "results/learn/evidence/half_{half}/candidates.parquet", half=range(2)
            )
        ),
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
