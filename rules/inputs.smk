"""Which files each stage asks for, and what it is told. Functions only, no rules.

In the order of the stages; files of stages that are not there yet are known after the
checkpoints `read_registry` and `catalog_volumes`.
"""


def models_that(holds):
    """A wildcard constraint: the models that pass, or nothing at all."""
    return "|".join(filter(holds, MODELS)) or "(?!)"


def has_weights(model):
    """Whether the model has weights, as opposed to a rule such as seed_only."""
    return MODELS[model]["kind"] in NETWORKS


def is_trained(model):
    """Whether the workflow trains the model; its entry may name a checkpoint instead."""
    return MODELS[model]["kind"] == "lwunet" and "checkpoint" not in MODELS[model]


def network_of(model):
    """The model whose networks it answers with: an ensemble's members, or itself."""
    return MODELS[model].get("members", model)


def leaked(model):
    """Whether the model's input holds the answer."""
    return is_leaked(MODELS[network_of(model)].get("context", "none"))


def is_reference(model):
    """Whether it is no model of ours: it knows the truth, or people or others made it."""
    return MODELS[model]["kind"] in REFERENCES


def replicates(model):
    return range(MODELS[model].get("replicates", 1))


def loops_of(model):
    """Loop counts to evaluate; a rule without loops answers as loop 1."""
    return LOOPS if has_weights(model) else [1]


def own_loops(model):
    """The loop count that it is trained and shown with."""
    return MODELS[network_of(model)]["loops"] if has_weights(model) else 1


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


def metadata_of(wildcards):
    """What the tables of an evaluation say about themselves."""
    return {
        "leaked": str(leaked(wildcards.model)).lower(),
        "standing": standing(wildcards.model),
    }


def shown_evaluations():
    """Every (model, replicate, split) that is reported."""
    return [
        (model, replicate, split)
        for model in MODELS
        for replicate in replicates(model)
        for split in config["evaluation"]["splits"]
    ]


def evaluations(name, loops=own_loops):
    """The file ``name`` of every evaluation that is shown, at the model's own loops."""
    return [
        f"results/evaluation/{model}/{replicate}/{split}/loops-{loops(model)}/{name}"
        for model, replicate, split in shown_evaluations()
    ]


def entry_of(model, replicate, split, loops):
    """What an evaluation is about."""
    return {
        "model": model,
        "title": MODELS[model]["title"],
        "standing": standing(model),
        "split": split,
        "loops": loops if has_weights(model) else None,
        "replicate": replicate,
    }


def entries(wildcards):
    """What each of ``evaluations`` is about, in their order."""
    return [
        entry_of(model, replicate, split, own_loops(model))
        for model, replicate, split in shown_evaluations()
    ]


def standing(model):
    """What its numbers are worth: a result, a reference, or an artefact."""
    if leaked(model):
        return "leaked"
    return "reference" if is_reference(model) else "result"


def heading_of(model, replicate, split=None):
    """What the title of a figure says about what it shows."""
    details = [
        split and f"{split} tasks",
        has_weights(model) and f"{own_loops(model)} loops",
        MODELS[model].get("replicates", 1) > 1 and f"replicate {replicate}",
    ]
    return {
        "title": MODELS[model]["title"],
        "details": ", ".join(filter(None, details)),
        "leaked": leaked(model),
    }


def heading(wildcards):
    return heading_of(**wildcards)


# Drawn from the voxels of one evaluation, each with its table.
METRIC_FIGURES = [
    "seedless_against_full",
    "distributions",
    "truth_volume",
    "guessed_volume",
    "uncertainty",
]
# Drawn from its segments.
SEGMENT_FIGURES = ["reliability", "risk_coverage", "votes"]
# Pictures of tasks.
TASK_FIGURES = [
    "task",
    *(f"worst-{place}" for place in range(1, config["report"]["worst_tasks"] + 1)),
]


def figures_of(model, replicate, split):
    """The PNGs of a network's evaluation, in reading order."""
    folder = f"results/figures/{model}/{replicate}"
    names = TASK_FIGURES + SEGMENT_FIGURES + METRIC_FIGURES
    figures = [f"{folder}/{split}/{name}.png" for name in names]
    return [*figures, *([f"{folder}/training.png"] if is_trained(model) else [])]


def pictured_evaluations():
    """Those whose figures are drawn without being asked: first replicates of networks."""
    return [
        (model, replicate, split)
        for model, replicate, split in shown_evaluations()
        if has_weights(model) and replicate == 0
    ]


def figures_of_all_models(wildcards):
    return [
        figure
        for evaluation in pictured_evaluations()
        for figure in figures_of(*evaluation)
    ]


README_FIGURES = [
    "results/figures/honest_table.png",
    "results/figures/loops.png",
    *figures_of(config["report"]["model"], 0, config["report"]["split"]),
]


def evaluation_file(name):
    """The file ``name`` of an evaluation, at the model's own loops."""

    def find(wildcards):
        loops = own_loops(wildcards.model)
        folder = "results/evaluation/{model}/{replicate}/{split}".format(**wildcards)
        return f"{folder}/loops-{loops}/{name}"

    return find


def of_kind(*kinds):
    return [model for model in MODELS if MODELS[model]["kind"] in kinds]


# Those whose segments are shown by size: the ceiling, the model in focus, and the seed.
SIZED_MODELS = [
    *of_kind("perfect_mask"),
    config["report"]["model"],
    *of_kind("seed_only"),
]
CEILING = next((MODELS[model]["title"] for model in of_kind("perfect_mask")), "")


def sized_files(name):
    """The file ``name`` of the first replicate of each of them."""

    def find(wildcards):
        folders = (
            f"results/evaluation/{model}/0/{wildcards.split}/loops-{own_loops(model)}"
            for model in SIZED_MODELS
        )
        return [f"{folder}/{name}" for folder in folders]

    return find


def loop_evaluations(name):
    """The file ``name`` of every network at every number of loops, on one split."""
    return [
        f"results/evaluation/{model}/{replicate}/{split}/loops-{loops}/{name}"
        for model, replicate, split, loops in shown_loops()
    ]


def loop_entries(wildcards):
    """What each of ``loop_evaluations`` is about, in their order."""
    return [entry_of(*evaluation) for evaluation in shown_loops()]


def shown_loops():
    return [
        (model, replicate, split, loops)
        for model, replicate, split in shown_evaluations()
        if has_weights(model) and split == config["report"]["split"]
        for loops in LOOPS
    ]


# The evaluation that the report shows first.
FOCUS = (config["report"]["model"], 0, config["report"]["split"])


def focus(wildcards):
    return {**heading_of(*FOCUS), "split": config["report"]["split"]}


def focus_file(name):
    model, replicate, split = FOCUS
    folder = f"results/evaluation/{model}/{replicate}/{split}"
    return f"{folder}/loops-{own_loops(model)}/{name}"


def focus_figures(*names):
    return [figure for figure in figures_of(*FOCUS) if Path(figure).stem in names]


# How far its probabilities can be trusted, and where it errs.
TRUST_FIGURES = focus_figures("reliability", "risk_coverage")
ERROR_FIGURES = [
    *focus_figures("votes"),
    f"results/figures/{config['report']['split']}/sizes.png",
    *focus_figures(*(name for name in TASK_FIGURES if name != "task")),
]


def provenance(wildcards):
    """What made these results. Being polite and where the sandbox is change nothing."""
    return {
        "source": SOURCE,
        "configuration": settings_hash({k: v for k, v in config.items() if k != "api"}),
    }


def chapters(wildcards):
    """The figures of each evaluation that are not shown before; leaked ones come last."""
    shown = TRUST_FIGURES + ERROR_FIGURES
    return [
        {
            **heading_of(*evaluation),
            "figures": [f for f in figures_of(*evaluation) if f not in shown],
        }
        for worth in ("result", "leaked")
        for evaluation in pictured_evaluations()
        if standing(evaluation[0]) == worth
    ]
