"""What is shown of the evaluations: files and titles for figures and report.

Functions and names only, no rules. An evaluation is a (model, replicate, split), at the
model's own loops, or a (model, replicate, split, loops).
"""


def shown_evaluations():
    """Every (model, replicate, split) that is reported."""
    return [
        (model, replicate, split)
        for model in MODELS
        for replicate in replicates(model)
        for split in config["evaluation"]["splits"]
    ]


def shown_loops():
    """Every network at every number of loops, on the split that is compared."""
    return [
        (model, replicate, split, loops)
        for model, replicate, split in shown_evaluations()
        if is_network(model) and split == config["report"]["split"]
        for loops in LOOPS
    ]


def evaluation_file(name, model, replicate, split, loops=None):
    """The file ``name`` of an evaluation; if not told, at the model's own loops."""
    loops = own_loops(model) if loops is None else loops
    return f"results/evaluation/{model}/{replicate}/{split}/loops-{loops}/{name}"


def evaluation_files(name, evaluations):
    """The file ``name`` of each of many evaluations."""
    return [evaluation_file(name, *evaluation) for evaluation in evaluations]


def this_evaluation(name):
    """The file ``name`` of the evaluation that a rule's wildcards tell."""
    return lambda wildcards: evaluation_file(name, **wildcards)


def entry_of(model, replicate, split, loops):
    """What an evaluation is about."""
    return {
        "model": model,
        "title": MODELS[model]["title"],
        "standing": standing(model),
        "split": split,
        "loops": loops if is_network(model) else None,
        "replicate": replicate,
    }


def entries_of(evaluations):
    """What each of many evaluations is about, at the model's own loops."""
    return [
        entry_of(model, replicate, split, own_loops(model))
        for model, replicate, split in evaluations
    ]


def entries(wildcards):
    """What each of ``shown_evaluations`` is about, in their order."""
    return entries_of(shown_evaluations())


def learning_entries(wildcards):
    """What each of ``learning_evaluations`` is about, in their order."""
    return entries_of(learning_evaluations())


def loop_entries(wildcards):
    """What each of ``shown_loops`` is about, in their order."""
    return [entry_of(*evaluation) for evaluation in shown_loops()]


def heading_of(model, replicate, split=None):
    """What the title of a figure says about what it shows."""
    details = [
        split and f"{split} tasks",
        is_network(model) and f"{own_loops(model)} loops",
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
    """The PNGs of a model's evaluation, in reading order."""
    folder = f"results/figures/{model}/{replicate}"
    names = TASK_FIGURES + SEGMENT_FIGURES + METRIC_FIGURES
    figures = [f"{folder}/{split}/{name}.png" for name in names]
    return [*figures, *([f"{folder}/training.png"] if is_trained(model) else [])]


def pictured_evaluations():
    """Those whose figures are drawn without being asked: first replicates of models."""
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


def of_kind(kind):
    return [model for model in MODELS if MODELS[model]["kind"] == kind]


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
        shown = [(model, 0, wildcards.split) for model in SIZED_MODELS]
        return evaluation_files(name, shown)

    return find


def learning_evaluations():
    """The model in focus, and those that only differ in how many volumes they learn from."""

    def all_else(model):
        settings = ModelSettings.from_config(MODELS[model])
        training = training_settings(config, model) | {"max_volumes": None}
        return replace(settings, title="", replicates=1), training

    focus, split = config["report"]["model"], config["report"]["split"]
    return [
        (model, replicate, split)
        for model in filter(is_trained, MODELS)
        if all_else(model) == all_else(focus)
        for replicate in replicates(model)
    ]


def learning_histories(wildcards):
    """Their training curves."""
    return [
        f"results/models/{model}/{replicate}/history.parquet"
        for model, replicate, split in learning_evaluations()
    ]


# The evaluation that the report shows first.
FOCUS = (config["report"]["model"], 0, config["report"]["split"])


def focus(wildcards):
    return {**heading_of(*FOCUS), "split": config["report"]["split"]}


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


def evaluations_of_chapters():
    """Those that the report pictures; leaked ones come last."""
    return [
        evaluation
        for worth in ("result", "leaked")
        for evaluation in pictured_evaluations()
        if standing(evaluation[0]) == worth
    ]


def figures_of_chapter(evaluation):
    """The figures of an evaluation that are not shown before."""
    shown = TRUST_FIGURES + ERROR_FIGURES
    return [figure for figure in figures_of(*evaluation) if figure not in shown]


def figures_of_chapters(wildcards):
    """The figures of one chapter after the other."""
    return [
        figure
        for evaluation in evaluations_of_chapters()
        for figure in figures_of_chapter(evaluation)
    ]


def chapters(wildcards):
    """What each is about, and how many figures it has."""
    return [
        {**heading_of(*evaluation), "figures": len(figures_of_chapter(evaluation))}
        for evaluation in evaluations_of_chapters()
    ]
