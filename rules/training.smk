"""Train the models that have weights.

INPUT   results/tasks/index.parquet and the volumes
OUTPUT  results/models/{model}/{replicate}/checkpoint.pt    explains itself
        results/models/{model}/{replicate}/history.parquet  the training curve
"""


rule adopt_checkpoint:
    """Take the weights that a model's entry names, instead of training."""
    input:
        given_checkpoint,
    output:
        "results/models/{model}/{replicate}/checkpoint.pt",
    log:
        "results/logs/adopt_checkpoint/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/adopt_checkpoint/{model}-{replicate}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.given_checkpoint and not adapts(model)),
    conda:
        "../envs/model.yaml"
    params:
        model=lambda wildcards: MODELS[wildcards.model].entry,
        contents=lambda wildcards: contents([given_checkpoint(wildcards)]),
        code=code("adopt_checkpoint.py", "module"),
    script:
        "../workflow/scripts/adopt_checkpoint.py"


rule adapt_checkpoint:
    """Adapt such weights to this tissue, by supervoxels alone: nobody has to label any.

    An interrupted training continues where it was.
    """
    input:
        checkpoint=given_checkpoint,
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        "results/models/{model}/{replicate}/checkpoint.pt",
    log:
        "results/logs/adapt_checkpoint/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/adapt_checkpoint/{model}-{replicate}.tsv"
    wildcard_constraints:
        model=models_that(adapts),
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        model=lambda wildcards: MODELS[wildcards.model].entry,
        device=config["training"]["device"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        contents=lambda wildcards: contents([given_checkpoint(wildcards)]),
        code=code("adapt_checkpoint.py", "module"),
    script:
        "../workflow/scripts/adapt_checkpoint.py"


rule train_model:
    """Train one replicate; an interrupted training continues where it was.

    Claims the one `cuda` there is, so that trainings follow each other on a GPU as on
    a CPU; with `--resources cuda=0` they run on the CPU.
    """
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        checkpoint="results/models/{model}/{replicate}/checkpoint.pt",
        history="results/models/{model}/{replicate}/history.parquet",
    log:
        "results/logs/train_model/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/train_model/{model}-{replicate}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.is_trained and model.convolves),
    conda:
        "../envs/model.yaml"
    threads: ALL_CORES
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        model=lambda wildcards: MODELS[wildcards.model].entry,
        training=lambda wildcards: asdict(MODELS[wildcards.model].training),
        leaked=lambda wildcards: MODELS[wildcards.model].is_leaked,
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("train_model.py", "module", "trainer"),
    script:
        "../workflow/scripts/train_model.py"


use rule train_model as train_agglomeration with:
    log:
        "results/logs/train_agglomeration/{model}-{replicate}.log",
    benchmark:
        "results/benchmarks/train_agglomeration/{model}-{replicate}.tsv"
    wildcard_constraints:
        model=models_that(lambda model: model.is_trained and not model.convolves),
    threads: 1
    resources:
        cuda=0,
        gpu=0,
