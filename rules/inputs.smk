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


def sandbox_manifest(wildcards):
    """The sandbox that requests go to, if any."""
    return "results/sandbox/manifest.json" if SOURCE == "sandbox" else []


def sandbox_files(wildcards):
    """The real data that the sandbox is cut from, without the name inside the file."""
    if config["sandbox"]["made_from"] != "files":
        return []
    files = config["sandbox"]["files"]
    return sorted(
        {files[key].split("::")[0] for key in ("image", "supervoxels", "labels")}
    )


def kept_cells():
    registry = read_table(Path(checkpoints.read_registry.get().output[0]), REGISTRY)
    return sorted(registry.loc[registry["kept"], "cell"])


def tables_of_cells(wildcards):
    return expand("results/downloads/cells/{cell}/tasks.parquet", cell=kept_cells())


CATALOG_FILE = Path("results/volumes/catalog.parquet")


def volumes_of_group(wildcards):
    """The group's volumes and their addresses: a change of these reruns the group."""
    found = CATALOG_FILE.stat() if CATALOG_FILE.exists() else None
    groups = groups_of_catalog(found and (found.st_mtime_ns, found.st_size))
    return groups.get(int(wildcards.group), {})


@lru_cache(maxsize=1)
def groups_of_catalog(version):
    """The same of all groups; read once, until the checkpoint replaces the file."""
    return {
        group: dict(zip(rows["volume"].astype(str), rows["full_path"], strict=True))
        for group, rows in read_table(CATALOG_FILE, CATALOG).groupby("group")
    }


def manifests_of_groups(wildcards):
    catalog = read_table(Path(checkpoints.catalog_volumes.get().output[0]), CATALOG)
    return expand(
        "results/volumes/groups/{group}.json", group=sorted(set(catalog["group"]))
    )


def given_checkpoint(model):
    """The file that a model's entry names: of the run, or one that comes with the workflow."""
    file = Path(MODELS[model]["checkpoint"])
    own = Path(workflow.basedir) / file
    return str(own if own.exists() and not file.exists() else file)


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
    """What answers, and with which checkpoints; references may know the answer."""
    return {
        model: {
            "entry": MODELS[network_of(model)],
            "leaked": leaked(model),
            "checkpoints": checkpoints_behind(model),
        }
        for model in MODELS
        if not is_reference(model)
    }


def audited_checkpoints(wildcards):
    """The checkpoints of all audited models, each once."""
    models = audited_models(wildcards).values()
    return sorted({file for model in models for file in model["checkpoints"]})


def what_answers_need(wildcards):
    """What a baseline or reference looks at besides the index and the volumes."""
    model = MODELS[wildcards.model]
    if model["kind"] == "labels":
        return [model["labels"].split("::")[0]]
    return ["results/sandbox/manifest.json"] if HAS_PEOPLE else []


def truth_of_sandbox(wildcards):
    """Which segments really belong to each task: known for the synthetic retina only."""
    return "results/sandbox/truth/tasks.json" if HAS_PEOPLE else None


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
