"""Which files each stage asks for, and what it is told. Functions only, no rules.

In the order of the stages, up to the evaluations; files of stages that are not there yet
are known after the checkpoints `read_registry` and `catalog_volumes`.
"""


def models_that(holds):
    """A wildcard constraint: the models that pass, or nothing at all."""
    return "|".join(filter(holds, MODELS)) or "(?!)"


def is_network(model):
    """Whether the model answers in voxels, loop by loop."""
    return MODELS[model]["kind"] in NETWORKS


def convolves(model):
    """Whether training the model takes convolutions, and so a GPU if there is one."""
    return is_network(model) or MODELS[model].get("evidence") in CONVOLVING


def has_weights(model):
    """Whether the model has weights, as opposed to a rule such as seed_only."""
    return MODELS[network_of(model)]["kind"] in TRAINED


def is_trained(model):
    """Whether the workflow trains the model; its entry may name a checkpoint instead."""
    return MODELS[model]["kind"] in TRAINED and "checkpoint" not in MODELS[model]


def network_of(model):
    """The model whose networks it answers with: an ensemble's members, or itself."""
    return MODELS[model].get("members", model)


def leaked(model):
    """Whether the model's input holds the answer."""
    return is_leaked(MODELS[network_of(model)].get("context", "none"))


def is_reference(model):
    """Whether it is no model of ours: it knows the truth, or people or others made it."""
    return MODELS[model]["kind"] in REFERENCES


def standing(model):
    """What its numbers are worth: a result, a reference, or an artefact."""
    if leaked(model):
        return "leaked"
    return "reference" if is_reference(model) else "result"


def replicates(model):
    return range(MODELS[model].get("replicates", 1))


def own_loops(model):
    """The loop count that it is trained and shown with."""
    return MODELS[network_of(model)]["loops"] if is_network(model) else 1


def given(file):
    """A file that the config names: on this disk, unless the workflow makes it."""
    return file if file.startswith("results/") else local(file)


def made_by(checkpoint):
    """The file that a checkpoint made; Snakemake fetches it if it lies on a store."""
    with checkpoint.get().output[0].open() as file:
        return Path(file.name)


def sandbox_folder(wildcards):
    """The sandbox that requests go to, if any: its manifest stands for the folders."""
    if SOURCE != "sandbox":
        return []
    folders = [ancient(f"results/sandbox/{name}") for name in ("api", "bucket")]
    return ["results/sandbox/manifest.json", *folders]


def sandbox_files(wildcards):
    """The real data that the sandbox is cut from, without the name inside the file."""
    if config["sandbox"]["made_from"] != "files":
        return []
    files = config["sandbox"]["files"]
    named = {files[key].split("::")[0] for key in ("image", "supervoxels", "labels")}
    return local(sorted(named))


def kept_cells():
    registry = read_table(made_by(checkpoints.read_registry), REGISTRY)
    return sorted(registry.loc[registry["kept"], "cell"])


def tables_of_cells(wildcards):
    return expand("results/downloads/cells/{cell}/tasks.parquet", cell=kept_cells())


def groups():
    """The volumes of each group and their addresses."""
    catalog = made_by(checkpoints.catalog_volumes)
    return groups_of_catalog(catalog, catalog.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def groups_of_catalog(catalog, version):
    """The same; read once, until the checkpoint replaces the file."""
    return {
        group: dict(zip(rows["volume"].astype(str), rows["full_path"], strict=True))
        for group, rows in read_table(catalog, CATALOG).groupby("group")
    }


def catalog_of_groups(wildcards):
    """The catalog; a new one makes nothing stale, but the groups are asked for again.

    Whatever asks for groups has it as an input. Snakemake takes the old catalog for
    finished as long as the cells are not known, and would otherwise forget that a new
    one is to be made.
    """
    groups()
    return ancient("results/volumes/catalog.parquet")


def volumes_of_group(wildcards):
    """The group's volumes and their addresses: a change of these reruns the group."""
    return groups().get(int(wildcards.group), {})


def manifests_of_groups(wildcards):
    return [f"results/volumes/groups/{group}.json" for group in sorted(groups())]


def folders_of_groups(wildcards):
    """The volumes. What changes with them is the index, as it is made from them."""
    return [ancient(f"results/volumes/groups/{group}") for group in sorted(groups())]


def given_checkpoint(model):
    """The file that a model's entry names: of the run, or one that comes with the workflow."""
    file = Path(MODELS[model]["checkpoint"])
    own = Path(workflow.basedir) / file
    return given(str(own if own.exists() and not file.exists() else file))


def checkpoints_behind(model, replicate=None):
    """The checkpoints that it answers with: all replicates', or one's; none of a rule."""
    network = network_of(model)
    if not has_weights(network):
        return []
    shown = replicates(network) if replicate is None else [replicate]
    return expand(
        "results/models/{network}/{replicate}/checkpoint.pt",
        network=network,
        replicate=shown,
    )


def checkpoints_of(wildcards):
    """An ensemble answers with all replicates, a network with its own."""
    is_ensemble = MODELS[wildcards.model]["kind"] == "ensemble"
    replicate = None if is_ensemble else wildcards.replicate
    return checkpoints_behind(wildcards.model, replicate)


def audited_models(wildcards):
    """What answers, and with how many checkpoints; references may know the answer."""
    return {
        model: {
            "entry": MODELS[network_of(model)],
            "leaked": leaked(model),
            "checkpoints": len(checkpoints_behind(model)),
        }
        for model in MODELS
        if not is_reference(model)
    }


def audited_checkpoints(wildcards):
    """The checkpoints of one audited model after the other."""
    return [
        file
        for model in audited_models(wildcards)
        for file in checkpoints_behind(model)
    ]


def labels_of(wildcards):
    """The finished segmentation that a reference answers with, if it does."""
    labels = MODELS[wildcards.model].get("labels")
    return local(labels.split("::")[0]) if labels else []


def truth_of_sandbox(wildcards):
    """Which segments really belong to each task: known for the synthetic retina only."""
    return "results/sandbox/truth/tasks.json" if HAS_PEOPLE else []


PARTS = config["evaluation"]["parts"]
# What the name of a part's log has more than that of the whole evaluation.
OF_PART = f"-{{part}}-of-{PARTS}" if PARTS > 1 else ""


def table_of(name, loops):
    """Where the evaluation of a model with weights writes a table, or a part of it."""
    where, file = "{model}/{replicate}/{split}", f"loops-{loops}/{name}.parquet"
    if PARTS == 1:
        return f"results/evaluation/{where}/{file}"
    return f"results/parts/{where}/{{part}}-of-{PARTS}/{file}"


def tables_of(name, all_loops):
    """The tables that one evaluation writes; parts are gone when they are joined."""
    tables = [table_of(name, loops) for loops in all_loops]
    return tables if PARTS == 1 else temp(tables)


def parts_of(name):
    """The parts of a table of one loop count, in the order of the tasks."""
    return expand(table_of(name, "{loops}"), part=range(PARTS), allow_missing=True)


def metadata_of(wildcards):
    """What the tables of an evaluation say about themselves."""
    return {
        "leaked": str(leaked(wildcards.model)).lower(),
        "standing": standing(wildcards.model),
    }
