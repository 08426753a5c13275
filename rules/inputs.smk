"""Which files each stage asks for, and what it is told. Functions only, no rules.

In the order of the stages; files of stages that are not there yet are known after the
checkpoints `read_registry` and `catalog_volumes`.
"""


def models_that(holds):
    """A wildcard constraint: the models that pass, or nothing at all."""
    return "|".join(filter(holds, MODELS)) or "(?!)"


def has_weights(model):
    """Whether the model has weights, as opposed to a rule such as seed_only."""
    return MODELS[model]["kind"] == "lwunet"


def is_trained(model):
    """Whether the workflow trains the model; its entry may name a checkpoint instead."""
    return has_weights(model) and "checkpoint" not in MODELS[model]


def leaked(model):
    """Whether the model's input holds the answer."""
    return is_leaked(MODELS[model].get("context", "none"))


def replicates(model):
    return range(MODELS[model].get("replicates", 1))


def loops_of(model):
    """Loop counts to evaluate; a rule without loops is evaluated once, as 1."""
    return config["evaluation"]["loops"] if has_weights(model) else [1]


def loops_to_show(model):
    """The one loop count that figures show."""
    return config["figures"]["loops"] if has_weights(model) else 1


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


def volumes_of_group(wildcards):
    """The group's volumes and their addresses: a change of these reruns the group."""
    volumes = read_table(Path("results/volumes/catalog.parquet"), CATALOG)
    volumes = volumes[volumes["group"] == int(wildcards.group)]
    return dict(zip(volumes["volume"].astype(str), volumes["full_path"], strict=True))


def manifests_of_groups(wildcards):
    catalog = read_table(Path(checkpoints.catalog_volumes.get().output[0]), CATALOG)
    return expand(
        "results/volumes/groups/{group}.json", group=sorted(set(catalog["group"]))
    )


def checkpoint_of(wildcards):
    if not has_weights(wildcards.model):
        return []
    return f"results/models/{wildcards.model}/{wildcards.replicate}/checkpoint.pt"


def all_evaluations():
    """Every (model, replicate, split, loops) that the configuration asks for."""
    return [
        (model, replicate, split, loops)
        for model in MODELS
        for replicate in replicates(model)
        for split in config["evaluation"]["splits"]
        for loops in loops_of(model)
    ]


def evaluations(name):
    """The file ``name`` of every evaluation."""
    return [
        f"results/evaluation/{model}/{replicate}/{split}/loops-{loops}/{name}"
        for model, replicate, split, loops in all_evaluations()
    ]


def heading_of(model, replicate, split=None, loops=None):
    """What the title of a figure says about what it shows."""
    details = [
        split and f"{split} tasks",
        loops and has_weights(model) and f"{loops} loops",
        MODELS[model].get("replicates", 1) > 1 and f"replicate {replicate}",
    ]
    return {
        "title": MODELS[model]["title"],
        "details": ", ".join(filter(None, details)),
        "leaked": leaked(model),
    }


def heading(wildcards):
    return heading_of(**wildcards)


# Drawn from the metrics of one evaluation, each with its table.
METRIC_FIGURES = [
    "seedless_against_full",
    "distributions",
    "truth_volume",
    "guessed_volume",
    "uncertainty",
]


def figures_of(model, replicate, split, loops):
    """The PNGs of one evaluation, in reading order."""
    folder = f"results/figures/{model}/{replicate}"
    names = [*(["task"] if has_weights(model) else []), *METRIC_FIGURES]
    figures = [f"{folder}/{split}/loops-{loops}/{name}.png" for name in names]
    return [*figures, *([f"{folder}/training.png"] if is_trained(model) else [])]


def shown_evaluations():
    """The evaluations that figures are drawn of, at one loop count, and their PNGs."""
    return [
        (model, replicate, split, loops, figures_of(model, replicate, split, loops))
        for model, replicate, split, loops in all_evaluations()
        if loops == loops_to_show(model)
    ]


def figures_of_all_models(wildcards):
    return [figure for *_, figures in shown_evaluations() for figure in figures]


README_FIGURES = [
    "results/figures/honest_table.png",
    *figures_of(
        config["figures"]["model"],
        0,
        config["figures"]["split"],
        loops_to_show(config["figures"]["model"]),
    ),
]


def entries(wildcards):
    """What each summary is about, in the order of ``evaluations``."""
    return [
        {
            "model": model,
            "title": MODELS[model]["title"],
            "leaked": leaked(model),
            "split": split,
            "loops": loops if has_weights(model) else None,
            "replicate": replicate,
        }
        for model, replicate, split, loops in all_evaluations()
    ]


def provenance(wildcards):
    """What made these results. Being polite and where the sandbox is change nothing."""
    return {
        "source": SOURCE,
        "configuration": settings_hash({k: v for k, v in config.items() if k != "api"}),
    }


def chapters(wildcards):
    """The figures of each evaluation that has any, and what to call it."""
    return [
        {**heading_of(model, replicate, split, loops), "figures": figures}
        for model, replicate, split, loops, figures in shown_evaluations()
    ]
