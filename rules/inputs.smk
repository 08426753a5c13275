"""The files that each stage asks for. Functions only, no rules.

In the order of the stages; files of stages that are not there yet are known after the
checkpoints `read_registry` and `catalog_volumes`.
"""


def models_that(holds):
    """A wildcard constraint: the models that pass, or nothing at all."""
    return "|".join(name for name, model in MODELS.items() if holds(model)) or "(?!)"


def adapts(model):
    """Whether a model is adapted by itself: to volumes that were downsampled."""
    return model.is_adapted and model.name not in EVIDENCE_MODELS


def given(file):
    """A file that the config names: on this disk, unless the workflow makes it.

    Its date tells nothing, as one that is moved over another may be older: the rule
    has `contents` among its params instead.
    """
    return file if file.startswith("results/") else local(ancient(file))


def contents(files):
    """The hashes of given files, as far as they are there; a param of their rule."""
    on_this_disk = [str(file) for file in files if not file.startswith("results/")]
    return content_of(on_this_disk, Path(".snakemake/contents.json"))


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
    """The real data that the sandbox is cut from: files, and slices of folders."""
    if config["sandbox"]["made_from"] != "files":
        return []
    files = SANDBOX["files"]
    named = {
        file
        for key in ("image", "supervoxels", "labels")
        if files[key]
        for file in files_of(files[key])
    }
    if files["seeds"] not in (None, "all"):
        named.add(files["seeds"])
    return [given(file) for file in sorted(named)]


def image_of_sandbox(wildcards):
    """The files of the image that the sandbox is cut from."""
    return [given(file) for file in files_of(SANDBOX["files"]["image"] or "")]


def checkpoint_of_maker(wildcards):
    """The checkpoint that cuts the image into supervoxels: as it is, not adapted to them."""
    return named_checkpoint(MODELS[ANSWERING[0]].given_checkpoint)


def supervoxels_of_sandbox():
    """The table of where segments are from, which only a sandbox from files has."""
    if config["sandbox"]["made_from"] != "files":
        return {}
    return {"supervoxels": "results/sandbox/supervoxels.parquet"}


def manifest_of_files(wildcards):
    """The manifest of a sandbox from files, which knows how large its voxels are."""
    return ancient("results/sandbox/manifest.json") if HAS_FILES else []


def own_ids(wildcards):
    """The table of the own ids of segments, where they have others."""
    return supervoxels_of_sandbox()["supervoxels"] if HAS_FILES else []


def kept_cells():
    registry = read_table(made_by(checkpoints.read_registry), REGISTRY)
    return sorted(registry.loc[registry["kept"], "cell"])


def tables_of_cells(wildcards):
    groups = sorted({cell // CELL_SPAN for cell in kept_cells()})
    return [
        *expand("results/downloads/cells/{group}/tasks.parquet", group=groups),
        *table_of_listed_tasks(wildcards),
    ]


def table_of_listed_tasks(wildcards):
    """The tasks that are asked about by their ids, if any."""
    return (
        ["results/downloads/tasks/tasks.parquet"] if config["answers"]["tasks"] else []
    )


def registry_of_groups(wildcards):
    """The registry, which says which cells a group holds if it may hold several.

    A new one makes nothing stale, but the groups are asked for again.
    """
    if CELL_SPAN == 1:
        return []
    kept_cells()
    return ancient("results/cells/registry.parquet")


def cells_of_group(wildcards):
    """The cells of a group: one more, or one less, reruns it."""
    group = int(wildcards.group)
    return [cell for cell in kept_cells() if cell // CELL_SPAN == group]


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


def drawn_volumes(wildcards):
    """Some volumes at random and their addresses, for the evidence to be adapted to."""
    addresses = {}
    for group in groups().values():
        addresses |= group
    known = sorted(addresses, key=int)
    drawn = Random(0).sample(known, min(ADAPTED_VOLUMES, len(known)))
    return {volume: addresses[volume] for volume in drawn}


def manifests_of_groups(wildcards):
    return [f"results/volumes/groups/{group}.json" for group in sorted(groups())]


def folders_of_groups(wildcards):
    """The volumes. What changes with them is the index, as it is made from them."""
    return [ancient(f"results/volumes/groups/{group}") for group in sorted(groups())]


def named_checkpoint(name):
    """The checkpoint of that name: of the run, or one that comes with the workflow."""
    file, own = Path(name), REPOSITORY / name
    return given(str(own if own.exists() and not file.exists() else file))


def given_checkpoint(wildcards):
    """The file that a model's entry names; adapted, where its evidence is."""
    if wildcards.model in EVIDENCE_MODELS and ADAPTED_VOLUMES:
        # Until the volumes are known, Snakemake would take all for new.
        groups()
        return ADAPTED_EVIDENCE
    return named_checkpoint(MODELS[wildcards.model].given_checkpoint)


def checkpoint_of(wildcards):
    """The checkpoint that a replicate of a model answers with."""
    return "results/models/{model}/{replicate}/checkpoint.pt"


def audited_checkpoints(wildcards):
    """The checkpoints of one audited model after the other."""
    return [
        f"results/models/{model}/{replicate}/checkpoint.pt"
        for model in audited_models(MODELS)
        for replicate in MODELS[model].checkpoints
    ]


def labels_of(wildcards):
    """The finished segmentation that a reference answers with, if it does."""
    labels = MODELS[wildcards.model].entry.get("labels")
    return [given(file) for file in files_of(labels)] if labels else []


def truth_of_sandbox(wildcards):
    """The segments that really belong to each task: known for the synthetic retina only."""
    return "results/sandbox/truth/tasks.json" if has_people(config) else []


PARTS = config["evaluation"]["parts"]
# The splits that a model answers: what is decided on the reported ones is chosen on
# validation.
ANSWERED_SPLITS = sorted({"validation", *EVALUATIONS.splits})
# What the name of a part's log has more than that of the whole evaluation.
OF_PART = f"-{{part}}-of-{PARTS}" if PARTS > 1 else ""


def table_of(name, loops, split="{split}"):
    """A table that the evaluation of a model writes, or a part of it."""
    where, file = f"{{model}}/{{replicate}}/{split}", f"loops-{loops}/{name}.parquet"
    if PARTS == 1:
        return f"results/evaluation/{where}/{file}"
    return f"results/parts/{where}/{{part}}-of-{PARTS}/{file}"


def tables_of(name, all_loops):
    """The tables of a model in each split; parts are gone when they are joined."""
    tables = [
        table_of(name, loops, split) for split in ANSWERED_SPLITS for loops in all_loops
    ]
    return tables if PARTS == 1 else temp(tables)


def parts_of(name):
    """The parts of a table of one loop count, in the order of the tasks."""
    return expand(table_of(name, "{loops}"), part=range(PARTS), allow_missing=True)


def metadata_of(wildcards):
    """The metadata of what a model answers."""
    model = MODELS[wildcards.model]
    return {
        "leaked": str(model.is_leaked).lower(),
        "standing": model.standing,
        "settings": hash_of_answers(config, model),
    }


def metadata_of_decisions(wildcards):
    """The metadata of what is decided on it."""
    settings = hash_of_decisions(config, MODELS[wildcards.model])
    return {**metadata_of(wildcards), "settings": settings}


def settings_of_models():
    """The hash of the settings that what is decided with each model must carry."""
    return {name: hash_of_decisions(config, model) for name, model in MODELS.items()}


def rows_of(evaluations):
    """List what the honest table says of evaluations, and their expected settings."""
    settings = settings_of_models()
    rows = EVALUATIONS.rows(evaluations)
    return [{**row, "settings": settings[row["model"]]} for row in rows]


def evaluation_file(name, evaluation):
    """The file ``name`` of an evaluation."""
    model, replicate, split, loops = evaluation
    return f"results/evaluation/{model}/{replicate}/{split}/loops-{loops}/{name}"


def evaluation_files(name, evaluations):
    """The file ``name`` of each of many evaluations."""
    return [evaluation_file(name, evaluation) for evaluation in evaluations]


# The tasks that a model's answers are listed of: those that are reported, and open ones.
LISTED_SPLITS = [*(EVALUATIONS.splits if HAS_LABELS else []), "open"]


def of_first_replicate(name, model, split):
    """The file ``name`` of the first replicate of a model, at its own loops."""
    return evaluation_file(name, (model, 0, split, MODELS[model].loops))


def in_listed_splits(name):
    """The file ``name`` of the first replicate of a model, in each of these splits."""
    return lambda wildcards: [
        of_first_replicate(name, wildcards.model, split) for split in LISTED_SPLITS
    ]


def evaluation_of_open(name):
    """The file ``name`` of the first replicate's answers to open tasks."""
    return lambda wildcards: of_first_replicate(name, wildcards.model, "open")


def of_test_tasks(name):
    """The file ``name`` of a replicate's answers to the test tasks."""
    return lambda wildcards: evaluation_file(
        name,
        (wildcards.model, wildcards.replicate, "test", MODELS[wildcards.model].loops),
    )


def thresholds_of(wildcards):
    """Return the file with a model's thresholds: of this run, or its checkpoint."""
    return thresholds_of_model(wildcards.model)


def thresholds_of_model(model):
    """The same of a model by its name."""
    if HAS_LABELS:
        return of_first_replicate("decisions.json", model, EVALUATIONS.splits[0])
    return f"results/models/{model}/0/checkpoint.pt"


# The model whose answers people review.
REVIEWED = ANSWERING[0]


# The files that the questions are exported to, for other tools.
EXPORTS = ["neuvue", *(["webknossos"] if config["review"]["webknossos"] else [])]


def checkpoint_of_reviewed(wildcards):
    """The checkpoint of the model whose answers people review, if it has one."""
    has_weights = MODELS[REVIEWED].has_weights
    return f"results/models/{REVIEWED}/0/checkpoint.pt" if has_weights else []


def checkpoint_of_learner(wildcards):
    """The checkpoint of the model that learns; refused where nothing is to be learned."""
    if LEARNER is None:
        raise WorkflowError(
            "learn: no model of kind agglomeration is among models; keep ready_made"
        )
    if not HAS_LABELS and not config["review"]["decisions"]:
        raise WorkflowError(
            "learn: no answer is known here; name what people decided as "
            "review.decisions, or sandbox.files.labels"
        )
    return f"results/models/{LEARNER}/0/checkpoint.pt"


def if_tuned(files):
    """Return what a tuned network gives; none where there is none, or no labels."""
    has_network = LEARNER and MODELS[LEARNER].settings.evidence != "features"
    has_tasks = HAS_LABELS and config["learn"]["splits"]
    return files if has_network and has_tasks else []


def half_in(name):
    """The half of the cells that a name ends with, if it names any."""
    return int(name[-1]) if name[-1].isdigit() else None


def network_that_is_asked(wildcards):
    """The model as it was, or tuned without the half of the cells that it is asked."""
    if half_in(wildcards.network) is None:
        return checkpoint_of_learner(wildcards)
    return f"results/learn/networks/without_{wildcards.network}.pt"


def this_evaluation(name):
    """The file ``name`` of what the wildcards tell, at the model's own loops."""
    return lambda wildcards: evaluation_file(
        name, (*wildcards, MODELS[wildcards.model].loops)
    )


def files_by_size(name):
    """The file ``name`` of the evaluations whose segments are drawn by size."""
    return lambda wildcards: evaluation_files(
        name, EVALUATIONS.by_size(wildcards.split)
    )


def histories_of(evaluations):
    """The training curves behind evaluations."""
    return [
        f"results/models/{model}/{replicate}/history.parquet"
        for model, replicate, *_ in evaluations
    ]


def made_where_answers_are_known():
    """Return what needs labels: evaluations, and what is made of them."""
    evaluated = EVALUATIONS.reported()
    return [
        *evaluation_files("tasks.parquet", evaluated),
        *evaluation_files("segments.parquet", evaluated),
        *evaluation_files("summary.json", evaluated),
        "results/report/index.html",
        "results/report/honest_table.txt",
        "results/tasks/task_vol.json",
        "results/tasks/task_data.json",
        "results/audit.json",
        *figure_files(FIGURES.of_all_models()),
    ]


def figure_file(figure):
    """The PNG of a figure; its folder says what it is of."""
    of = [figure.model, figure.replicate, figure.split]
    return (
        "/".join(
            ["results/figures", *(str(part) for part in of if part is not None), ""]
        )
        + f"{figure.name}.png"
    )


def figure_files(figures):
    """The PNGs of figures."""
    return [figure_file(figure) for figure in figures]


def heading(wildcards):
    """The heading of a figure of the wildcards' evaluation."""
    return EVALUATIONS.heading(**wildcards)


def checkpoint_of_growing(wildcards):
    """The checkpoint of the model that cells grow by."""
    if GROWING is None:
        raise WorkflowError(
            "grow: no model of kind agglomeration is configured; keep ready_made"
        )
    return f"results/models/{GROWING}/0/checkpoint.pt"


def calibration_of_growing(wildcards):
    """The file with its calibration: of this run, or its checkpoint if that was given."""
    if GROWING and MODELS[GROWING].is_trained:
        return thresholds_of_model(GROWING)
    return checkpoint_of_growing(wildcards)


# Stops of growth are asked about, and the report shows growth, once it was run.
GROWN = "results/growth/grown.parquet"
HAS_GROWN = Path(here(GROWN)).is_file()


def scores_of_groups(wildcards):
    """The scored contacts of all volumes."""
    return [f"results/growth/scores/{group}.parquet" for group in sorted(groups())]
