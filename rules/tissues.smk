"""Find what the study of tissues asks for. Functions only, no rules.

REQUIRED CONFIG  carry_over
"""

CARRY_OVER = config["carry_over"]
# Each is answered by what never saw it.
TISSUES = CARRY_OVER["tissues"]
# Those whose labels teach networks, and those to whose answers the rest is fitted:
# the second look, memberships, thresholds and calibration.
LEARNED = [name for name, tissue in TISSUES.items() if tissue["teaches"] != "nothing"]
FITTED = [name for name, tissue in TISSUES.items() if tissue["teaches"] == "all"]
# The network that scores a tissue's contacts: as it is, or adapted to its supervoxels.
NETWORKS = ("given", "adapted")
# A drawn one has no files.
BLOCKS = {
    name: tissue["run"]["sandbox"].get("files", {}) for name, tissue in TISSUES.items()
}
# What is learned from labelled tissue: evidence from affinities alone.
MODEL_OF_TISSUE = {
    "title": "agglomeration, trained on labelled tissue",
    "kind": "agglomeration",
    "evidence": "affinities",
    "context": "ancestors_registered",
}


def whole(tissue):
    """Name the tissue that a block is a part of: itself, if it is of no other."""
    return TISSUES[tissue]["part_of"] or tissue


def without(*tissues):
    """Name a model by the tissues that it does not learn from, though others do."""
    return "+".join(sorted({*map(whole, tissues)} & {*LEARNED})) or "none"


def learned_from(wildcards):
    """List the tissues that a model learns from."""
    return [name for name in LEARNED if name not in wildcards.without.split("+")]


def training_of_tissue(wildcards):
    """Return how a model is trained: the one that learns from all, with more patches."""
    of_all = CARRY_OVER["training_of_all"] if wildcards.without == without() else {}
    return tissue_training(config) | of_all


def block_of(tissue):
    """Return what `FilesSettings` takes, with the labels to learn from."""
    files, run = BLOCKS[tissue], TISSUES[tissue]["run"]
    return {
        "image": files["image"],
        "labels": TISSUES[tissue]["labels"] or files["labels"],
        "supervoxels": None if files["supervoxels"] == MAKE else files["supervoxels"],
        "voxel_nm": run["volumes"]["voxel_nm"],
        "min_cell_voxels": 1,
        "min_purity": 1,
    }


def volumes_of_tissue(tissue):
    """Name the folder of the folders of its volumes, which come with its index."""
    return here(f"results/carry_over/tissues/{tissue}/results/volumes/groups")


def dust_of_tissue(tissue):
    """Return what is dust in a tissue's run, whose configuration may not say."""
    run = TISSUES[tissue]["run"]
    return dust({**run, "evaluation": config["evaluation"] | run.get("evaluation", {})})


def files_of_blocks(tissues):
    """List the files on this disk that blocks are read from."""
    return files_in(block_of(tissue) for tissue in tissues)


def files_in(blocks):
    """List the files on this disk that blocks name."""
    named = {
        file
        for block in blocks
        for source in block.values()
        if isinstance(source, str) and source != MAKE
        for file in files_of(source)
    }
    return [given(file) for file in sorted(named)]


def maker_of_supervoxels(wildcards):
    """Name a model that never saw the tissue, where its supervoxels are to be made."""
    if BLOCKS[wildcards.tissue].get("supervoxels") != MAKE:
        return []
    return f"results/carry_over/models/{without(wildcards.tissue)}/0/checkpoint.pt"


def config_of_run(wildcards, input):
    """Return the configuration of the run that makes a tissue's tasks."""
    run = json.loads(json.dumps(TISSUES[wildcards.tissue]["run"]))
    for name, source in BLOCKS[wildcards.tissue].items():
        if isinstance(source, str) and source != MAKE and "://" not in source:
            run["sandbox"]["files"][name] = os.path.abspath(source)
    if input.maker:
        entry = {"evidence": "affinities", "checkpoint": os.path.abspath(input.maker)}
        run["models"] = {"ready_made": entry}
    return run


def run_in(folder, settings, threads, log):
    """Run this workflow with its own configuration in a folder, up to the index."""
    file = Path(folder) / "config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings))
    python, snakefile = sys.executable, REPOSITORY / "Snakefile"
    shell(
        "{python:q} -m snakemake --cores {threads} --nolock --rerun-incomplete"
        " --snakefile {snakefile:q} --directory {folder:q} --configfile {file:q}"
        " -- results/tasks/index.parquet > {log:q} 2>&1"
    )


def model_that_is_asked(wildcards):
    """Name the model that never saw a tissue: as it is, or adapted to it."""
    if wildcards.network == "adapted":
        return "results/carry_over/adapted/{tissue}/{without}/{replicate}.pt"
    return "results/carry_over/models/{without}/{replicate}/checkpoint.pt"


def teachers(wildcards):
    """List the tissues that a second look learns from."""
    return [name for name in FITTED if name not in wildcards.without.split("+")]


def second_look_at(wildcards):
    """Name what looks again at a tissue; those that a model of all answers share one."""
    return (
        "results/carry_over/second_look/{network}/"
        f"{without(wildcards.tissue)}/{{without}}/{{replicate}}.pt"
    )


def scores_to_learn(wildcards):
    """List the scored contacts of these, by what saw neither them nor what is judged.

    A model without the tissue that is asked and another one serves to judge the other.
    """
    unseen = set(wildcards.without.split("+")) & set(TISSUES)
    judged = unseen - {wildcards.asked} or unseen
    return [
        "results/carry_over/scores/{network}/"
        f"{name}/{without(name, *judged)}/{{replicate}}.parquet"
        for name in teachers(wildcards)
    ]


def known_tissue(tissue):
    """Return where the volumes of a tissue are, and the labels that judge its tasks."""
    run, labels = TISSUES[tissue]["run"], BLOCKS[tissue]["labels"]
    # Nobody looks at supervoxels: those that are asked about lie in the volumes.
    return {
        "name": tissue,
        "volumes": volumes_of_tissue(tissue),
        "geometry": volume_geometry(run).as_config(),
        "voxel_nm": run["volumes"]["voxel_nm"],
        "files": block_of(tissue) | {"labels": labels, "supervoxels": labels},
    }


def others_than(tissue):
    """List the tissues to which is fitted what judges a tissue."""
    return [name for name in FITTED if name != whole(tissue)]


def evidence_on(tissue, *also_without, part, replicate="{replicate}"):
    """Name a table of evidence on a tissue, by a model that saw neither it nor those."""
    model = without(tissue, *also_without)
    folder = f"results/carry_over/evidence/{{network}}/{tissue}/{model}/{replicate}"
    return f"{folder}/{part}.parquet"


def evidence_on_each(part):
    """List the evidence on each tissue, by a model that never saw it."""
    return [evidence_on(name, part=part, replicate=0) for name in FITTED]


def evidence_on_others(part):
    """List the evidence on all tissues but one, each by a model that saw neither."""
    return lambda wildcards: [
        evidence_on(other, wildcards.tissue, part=part)
        for other in others_than(wildcards.tissue)
    ]


def models_left_out(suffix, tissues=TISSUES):
    """List the files of that suffix on each model that never saw a tissue."""
    return expand(
        f"results/carry_over/left_out/{{tissue}}/{{replicate}}{suffix}",
        tissue=tissues,
        replicate=range(CARRY_OVER["replicates"]),
    )


def evidence_of_pairs(part):
    """List the evidence on each tissue by a model that saw neither it nor another.

    In the order of `itertools.permutations` of the one left out and the other.
    """
    return [
        evidence_on(other, one, part=part, replicate=0)
        for one in FITTED
        for other in others_than(one)
    ]
