"""Leave one tissue out: learn from the others, answer this one.

INPUT   the labelled blocks that carry_over.tissues names
OUTPUT  results/carry_over/
            tissues/{tissue}/results/     volumes and tasks of each, made by this workflow
            models/{without}/{replicate}/checkpoint.pt
                                          learned from all tissues but these, `+` between
            adapted/{tissue}/{without}/{replicate}.pt
                                          the same, adapted to a tissue that it never saw by
                                          the supervoxels of the volumes that are answered
            scores/{network}/{tissue}/{without}/{replicate}.parquet
                                          the contacts of a tissue by a network that never
                                          saw it, as it is (`given`) or `adapted`
            second_look/{network}/{tissue}/{without}/{replicate}.pt
                                          judges such contacts again: learned from the other
                                          tissues
            evidence/{network}/{tissue}/{without}/{replicate}/
                                          what linkage then says of the tissue's tasks
            fitted/{network}/             checkpoints with what was fitted to either evidence
            agglomeration.pt              learned from all tissues that teach networks, with
                                          what was fitted across those that teach all, and
                                          how good answers were there: what models/ holds
            table.csv                     how good the answers are on each tissue left out,
                                          and what peers make of the first look
            left_out.png, .svg            the same, to look at, of those that teach all
            left_out_risk.png, .svg       how many false merges come with what is accepted
            left_out/{tissue}/{replicate}-{network}.json, .csv
                                          what both are made from
            left_out/{tissue}/{replicate}.pt
                                          a ready-made model that never saw the tissue,
                                          with what was fitted to the others: any run
                                          may name it as a `checkpoint`

Membership, thresholds and calibration for a tissue come from the evidence on the others
that teach all, each by a model that saw neither of the two. A tissue that teaches nothing
is answered by the model of all, or, as a part of another, by one that never saw that.
"""


wildcard_constraints:
    tissue="|".join(TISSUES) or "(?!)",
    asked="|".join([*TISSUES, "none"]),
    network="|".join(NETWORKS),


rule carry_over:
    """Show how good answers are on tissue that a model never saw."""
    input:
        "results/carry_over/table.csv",
        "results/carry_over/left_out.png",
        "results/carry_over/left_out_risk.png",
        models_left_out(".pt", LEARNED),
    localrule: True


rule prepare_tissue:
    """Make the volumes and tasks of a tissue, by a run of this workflow in its folder."""
    input:
        files=lambda wildcards: files_in([BLOCKS[wildcards.tissue]]),
        maker=maker_of_supervoxels,
    output:
        "results/carry_over/tissues/{tissue}/results/tasks/index.parquet",
    log:
        "results/logs/prepare_tissue/{tissue}.log",
    benchmark:
        "results/benchmarks/prepare_tissue/{tissue}.tsv"
    # It starts Snakemake, which no environment of a job has.
    localrule: True
    threads: ALL_CORES
    params:
        folder=lambda wildcards, output: str(Path(output[0]).parents[2]),
        config=config_of_run,
    run:
        run_in(params.folder, params.config, threads, log[0])


rule train_tissue:
    """Learn affinities from whole labelled blocks; an interrupted training goes on."""
    input:
        blocks=lambda wildcards: files_of_blocks(learned_from(wildcards)),
    output:
        checkpoint="results/carry_over/models/{without}/{replicate}/checkpoint.pt",
        history="results/carry_over/models/{without}/{replicate}/history.parquet",
    log:
        "results/logs/train_tissue/{without}-{replicate}.log",
    benchmark:
        "results/benchmarks/train_tissue/{without}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        blocks=lambda wildcards: {
            name: block_of(name) for name in learned_from(wildcards)
        },
        drawings=CARRY_OVER["drawings"] or unrecorded([]),
        model=MODEL_OF_TISSUE,
        training=training_of_tissue,
        patches=CARRY_OVER["patches"],
        contents=lambda wildcards, input: contents(input.blocks),
        code=code("train_tissue.py"),
    script:
        "../workflow/scripts/train_tissue.py"


rule adapt_to_tissue:
    """Adapt a model to a tissue that it never saw, by supervoxels alone."""
    input:
        index="results/carry_over/tissues/{tissue}/results/tasks/index.parquet",
        checkpoint="results/carry_over/models/{without}/{replicate}/checkpoint.pt",
    output:
        "results/carry_over/adapted/{tissue}/{without}/{replicate}.pt",
    log:
        "results/logs/adapt_to_tissue/{tissue}-{without}-{replicate}.log",
    benchmark:
        "results/benchmarks/adapt_to_tissue/{tissue}-{without}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        training=adaptation(config),
        geometry=lambda wildcards: volume_geometry(
            TISSUES[wildcards.tissue]["run"]
        ).as_config(),
        voxel_nm=lambda wildcards: TISSUES[wildcards.tissue]["run"]["volumes"][
            "voxel_nm"
        ],
        volumes=lambda wildcards: volumes_of_tissue(wildcards.tissue),
        most_volumes=CARRY_OVER["volumes"],
        code=code("adapt_to_tissue.py"),
    script:
        "../workflow/scripts/adapt_to_tissue.py"


rule score_tissue:
    """Score the contacts of a tissue by a network that never saw it: the first look."""
    input:
        index="results/carry_over/tissues/{tissue}/results/tasks/index.parquet",
        checkpoint=model_that_is_asked,
    output:
        "results/carry_over/scores/{network}/{tissue}/{without}/{replicate}.parquet",
    log:
        "results/logs/score_tissue/{network}-{tissue}-{without}-{replicate}.log",
    benchmark:
        "results/benchmarks/score_tissue/{network}-{tissue}-{without}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    params:
        geometry=lambda wildcards: volume_geometry(
            TISSUES[wildcards.tissue]["run"]
        ).as_config(),
        voxel_nm=lambda wildcards: TISSUES[wildcards.tissue]["run"]["volumes"][
            "voxel_nm"
        ],
        volumes=lambda wildcards: volumes_of_tissue(wildcards.tissue),
        most_volumes=CARRY_OVER["volumes"],
        code=code("score_tissue.py"),
    script:
        "../workflow/scripts/score_tissue.py"


rule fit_second_look:
    """Learn the second look from tissues that neither it nor its network is asked about."""
    input:
        scores=scores_to_learn,
        blocks=lambda wildcards: files_in(
            known_tissue(name)["files"] for name in teachers(wildcards)
        ),
    output:
        "results/carry_over/second_look/{network}/{asked}/{without}/{replicate}.pt",
    log:
        "results/logs/fit_second_look/{network}-{asked}-{without}-{replicate}.log",
    benchmark:
        "results/benchmarks/fit_second_look/{network}-{asked}-{without}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    params:
        training=tissue_training(config),
        tissues=lambda wildcards: [known_tissue(name) for name in teachers(wildcards)],
        contents=lambda wildcards, input: contents(input.blocks),
        code=code("fit_second_look.py"),
    script:
        "../workflow/scripts/fit_second_look.py"


rule gather_evidence:
    """Link the tasks of a tissue by what never saw it, after a second look at contacts."""
    input:
        index="results/carry_over/tissues/{tissue}/results/tasks/index.parquet",
        scores="results/carry_over/scores/{network}/{tissue}/{without}/{replicate}.parquet",
        second_look=second_look_at,
    output:
        tasks="results/carry_over/evidence/{network}/{tissue}/{without}/{replicate}/tasks.parquet",
        candidates="results/carry_over/evidence/{network}/{tissue}/{without}/{replicate}/candidates.parquet",
        contacts="results/carry_over/evidence/{network}/{tissue}/{without}/{replicate}/contacts.parquet",
    log:
        "results/logs/gather_evidence/{network}-{tissue}-{without}-{replicate}.log",
    benchmark:
        "results/benchmarks/gather_evidence/{network}-{tissue}-{without}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    params:
        geometry=lambda wildcards: volume_geometry(
            TISSUES[wildcards.tissue]["run"]
        ).as_config(),
        dust=lambda wildcards: asdict(dust_of_tissue(wildcards.tissue)),
        voxel_nm=lambda wildcards: TISSUES[wildcards.tissue]["run"]["volumes"][
            "voxel_nm"
        ],
        volumes=lambda wildcards: volumes_of_tissue(wildcards.tissue),
        model=MODEL_OF_TISSUE,
        code=code("gather_evidence.py"),
    script:
        "../workflow/scripts/gather_evidence.py"


rule leave_tissue_out:
    """Fit the model and its peers on the other tissues, and judge them on this one."""
    input:
        tasks=lambda wildcards: evidence_on(wildcards.tissue, part="tasks"),
        candidates=lambda wildcards: evidence_on(wildcards.tissue, part="candidates"),
        contacts=lambda wildcards: evidence_on(wildcards.tissue, part="contacts"),
        other_tasks=evidence_on_others("tasks"),
        other_candidates=evidence_on_others("candidates"),
        other_contacts=evidence_on_others("contacts"),
    output:
        found="results/carry_over/left_out/{tissue}/{replicate}-{network}.json",
        risk="results/carry_over/left_out/{tissue}/{replicate}-{network}.csv",
    log:
        "results/logs/leave_tissue_out/{tissue}-{replicate}-{network}.log",
    benchmark:
        "results/benchmarks/leave_tissue_out/{tissue}-{replicate}-{network}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        others=lambda wildcards: others_than(wildcards.tissue),
        volume_voxels=lambda wildcards: volume_geometry(
            TISSUES[wildcards.tissue]["run"]
        ).voxels,
        decisions={key: config["evaluation"][key] for key in DECISIONS},
        bootstrap=BOOTSTRAP,
        peers=CARRY_OVER["peers"],
        code=code("leave_tissue_out.py"),
    script:
        "../workflow/scripts/leave_tissue_out.py"


rule package_left_out:
    """Join what never saw a tissue with what was fitted to the others, by one network."""
    input:
        checkpoint="results/carry_over/models/{tissue}/{replicate}/checkpoint.pt",
        second_look="results/carry_over/second_look/{network}/{tissue}/{tissue}/{replicate}.pt",
        tasks=lambda wildcards: evidence_on(wildcards.tissue, part="tasks"),
        candidates=lambda wildcards: evidence_on(wildcards.tissue, part="candidates"),
        other_tasks=evidence_on_others("tasks"),
        other_candidates=evidence_on_others("candidates"),
    output:
        "results/carry_over/fitted/{network}/{tissue}/{replicate}.pt",
    log:
        "results/logs/package_left_out/{network}-{tissue}-{replicate}.log",
    benchmark:
        "results/benchmarks/package_left_out/{network}-{tissue}-{replicate}.tsv"
    wildcard_constraints:
        tissue="|".join(LEARNED) or "(?!)",
    conda:
        "../envs/model.yaml"
    params:
        others=lambda wildcards: others_than(wildcards.tissue),
        decisions={key: config["evaluation"][key] for key in DECISIONS},
        code=code("package_left_out.py"),
    script:
        "../workflow/scripts/package_left_out.py"


rule join_fitted:
    """Join what was fitted to networks as they are, and to adapted ones."""
    input:
        given="results/carry_over/fitted/given/{tissue}/{replicate}.pt",
        adapted="results/carry_over/fitted/adapted/{tissue}/{replicate}.pt",
    output:
        "results/carry_over/left_out/{tissue}/{replicate}.pt",
    log:
        "results/logs/join_fitted/{tissue}-{replicate}.log",
    benchmark:
        "results/benchmarks/join_fitted/{tissue}-{replicate}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        training=adaptation(config),
        code=code("join_fitted.py"),
    script:
        "../workflow/scripts/join_fitted.py"


rule compare_tissues:
    """Gather what came of all tissues that were left out."""
    input:
        [models_left_out(f"-{network}.json") for network in NETWORKS],
    output:
        "results/carry_over/table.csv",
    log:
        "results/logs/compare_tissues/compare_tissues.log",
    benchmark:
        "results/benchmarks/compare_tissues/compare_tissues.tsv"
    conda:
        "../envs/data.yaml"
    params:
        code=code("compare_tissues.py"),
    script:
        "../workflow/scripts/compare_tissues.py"


rule plot_tissues:
    """Draw what answers save on each tissue that teaches all."""
    input:
        "results/carry_over/table.csv",
    output:
        png="results/carry_over/left_out.png",
        svg="results/carry_over/left_out.svg",
    log:
        "results/logs/plot_tissues/plot_tissues.log",
    benchmark:
        "results/benchmarks/plot_tissues/plot_tissues.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        tissues=FITTED,
        code=code("plot_tissues.py"),
    script:
        "../workflow/scripts/plot_tissues.py"


rule plot_risk_left_out:
    """Draw how many false merges come with what is accepted on the same tissues."""
    input:
        table="results/carry_over/table.csv",
        curves=[models_left_out(f"-{network}.csv", FITTED) for network in NETWORKS],
    output:
        png="results/carry_over/left_out_risk.png",
        svg="results/carry_over/left_out_risk.svg",
    log:
        "results/logs/plot_risk_left_out/plot_risk_left_out.log",
    benchmark:
        "results/benchmarks/plot_risk_left_out/plot_risk_left_out.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_risk_left_out.py"),
    script:
        "../workflow/scripts/plot_risk_left_out.py"


rule package_tissue_model:
    """Join what was learned from all tissues with what was fitted, by one network."""
    input:
        checkpoint="results/carry_over/models/none/0/checkpoint.pt",
        second_look="results/carry_over/second_look/{network}/none/none/0.pt",
        indexes=expand(
            "results/carry_over/tissues/{tissue}/results/tasks/index.parquet",
            tissue=LEARNED,
        ),
        tasks=evidence_on_each("tasks"),
        candidates=evidence_on_each("candidates"),
        other_tasks=evidence_of_pairs("tasks"),
        other_candidates=evidence_of_pairs("candidates"),
    output:
        "results/carry_over/fitted/{network}/none/0.pt",
    log:
        "results/logs/package_tissue_model/{network}.log",
    benchmark:
        "results/benchmarks/package_tissue_model/{network}.tsv"
    conda:
        "../envs/model.yaml"
    params:
        tissues=LEARNED,
        left_out=FITTED,
        volumes=[volumes_of_tissue(name) for name in LEARNED],
        geometries=[
            volume_geometry(TISSUES[name]["run"]).as_config() for name in LEARNED
        ],
        voxel_nm=[TISSUES[name]["run"]["volumes"]["voxel_nm"] for name in LEARNED],
        decisions={key: config["evaluation"][key] for key in DECISIONS},
        code=code("package_tissue_model.py"),
    script:
        "../workflow/scripts/package_tissue_model.py"


use rule join_fitted as join_fitted_of_all with:
    # How good trainings of its kind are on tissue left out travels with it.
    input:
        given="results/carry_over/fitted/given/none/0.pt",
        adapted="results/carry_over/fitted/adapted/none/0.pt",
        left_out=[models_left_out(f"-{network}.json", FITTED) for network in NETWORKS],
    output:
        "results/carry_over/agglomeration.pt",
    log:
        "results/logs/join_fitted/all.log",
    benchmark:
        "results/benchmarks/join_fitted/all.tsv"
