"""The checked configuration and helpers that all stages share. No rules here.

REQUIRED CONFIG  everything in config/config.yaml; config/schema.yaml checks it.
"""

import json
import os
import re
import sys
from copy import deepcopy
from dataclasses import asdict
from functools import lru_cache
from glob import iglob
from pathlib import Path
from random import Random

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.io import IOFile
from snakemake.utils import update_config

from eyewire_validator.acquire.cells import FORMAT as CELL_FORMAT
from eyewire_validator.acquire.volumes import FORMAT as RAW_VOLUME_FORMAT
from eyewire_validator.config.check import check_config, dust, volume_geometry
from eyewire_validator.config.entries import (
    adaptation,
    adapts_of_evidence,
    leave_out_null_models,
    tissue_training,
    tuning,
)
from eyewire_validator.config.source import MAKE, has_files, has_labels, has_people
from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.jobs.code_hash import code_hash, page_hash
from eyewire_validator.plan.evaluations import Evaluations
from eyewire_validator.plan.figures import (
    METRIC_FIGURES,
    SEGMENT_FIGURES,
    FigurePlan,
)
from eyewire_validator.plan.groups import cell_span, volume_span
from eyewire_validator.plan.models import (
    LEARNED,
    answering_models,
    audited_models,
    learning_model,
    growing_model,
    plan_models,
)
from eyewire_validator.plan.settings_hashes import (
    DECISIONS,
    hash_of_answers,
    hash_of_decisions,
)
from eyewire_validator.sandbox import FORMAT as SANDBOX_FORMAT
from eyewire_validator.sandbox.seeds import ALL, read_seeds
from eyewire_validator.storage.array_files import files_of
from eyewire_validator.storage.content import content_of
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes import FORMAT as VOLUME_FORMAT
from eyewire_validator.volumes.geometry import as_config

# Threads of a job that wait for each other sleep: spinning ones took six times the CPU
# time of their training as soon as another job ran beside it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Where this workflow is, also if another one uses it as a module.
REPOSITORY = Path(workflow.current_basedir).parent


def read_yaml(name):
    return yaml.safe_load((REPOSITORY / name).read_text())


# What is given holds only what differs, also to a module.
differences = deepcopy(config)
update_config(config, read_yaml("config/defaults.yaml"))
update_config(config, read_yaml("config/config.yaml"))
update_config(config, differences)
leave_out_null_models(config)

try:
    check_config(config, read_yaml("config/schema.yaml"))
    # Seeds that are there are read before the first job, to refuse them by line.
    if has_files(config) and Path(config["sandbox"]["files"]["seeds"] or ALL).is_file():
        read_seeds(Path(config["sandbox"]["files"]["seeds"]))
except EyewireValidatorError as error:
    raise WorkflowError(str(error)) from None

SOURCE = config["source"]
# Made where an image comes without any.
SUPERVOXELS = "results/supervoxels/supervoxels.h5"
API = config["api"]
# What checkpoints are measured on.
TISSUE = config["image"]["tissue"] or (
    "synthetic retina" if has_people(config) else "this run's tissue"
)
# Whose image is turned here; that of another source is when it is downsampled.
SANDBOX = deepcopy(config["sandbox"])
if SANDBOX["files"]["supervoxels"] == MAKE:
    SANDBOX["files"]["supervoxels"] = f"{SUPERVOXELS}::supervoxels"
SANDBOX["files"]["invert"] = config["image"]["invert"]
HAS_FILES, HAS_LABELS = has_files(config), has_labels(config)
if HAS_FILES:
    SANDBOX["files"]["voxel_nm"] = config["volumes"]["voxel_nm"]
MODELS = plan_models(config)
# Those that answer what is open.
ANSWERING = answering_models(config, MODELS)
# What learns a tissue from labels, if anything can.
LEARNER = learning_model(MODELS, ANSWERING)
# What cells grow by, if anything can.
GROWING = growing_model(config, MODELS)
EVALUATIONS = Evaluations.plan(config, MODELS)
FIGURES = FigurePlan.plan(config, EVALUATIONS)
# The evaluation that the report shows first.
FOCUS = EVALUATIONS.focus
LOOPS = list(EVALUATIONS.loop_counts)
DUST = asdict(dust(config))
EVALUATION = {
    **{key: config["evaluation"][key] for key in ("threshold", "batch_size")},
    **{f"dust_{key}": value for key, value in DUST.items()},
}
BOOTSTRAP = {key: config["report"][key] for key in ("resamples", "random_seed")}
VOLUME = volume_geometry(config)
GEOMETRY = VOLUME.as_config()
# The models that have the network of volumes.evidence; the raw volumes that it is
# adapted to, and what it is then.
EVIDENCE_MODELS = adapts_of_evidence(config)
ADAPTED_VOLUMES = max(EVIDENCE_MODELS.values(), default=0)
ADAPTED_EVIDENCE = "results/volumes/evidence.pt"
CELL_SPAN = cell_span(config)
VOLUME_SPAN = volume_span(config)


# The sum over running jobs never exceeds these, on a cluster neither. Each job claims
# its share and limits itself to it.
resource_scopes:
    api_requests_per_second="global",
    storage_requests_per_second="global",
    api_jobs="global",
    storage_jobs="global",
    cuda="global",


LIMITS = {
    "api_requests_per_second": API["requests_per_second"],
    "storage_requests_per_second": API["storage_requests_per_second"],
    "api_jobs": API["jobs"],
    "storage_jobs": API["storage_jobs"],
    "cuda": 1,
}
if SOURCE == "sandbox":
    # It answers inside the job that asks; there is no one to be polite to.
    LIMITS |= {"api_requests_per_second": 10_000, "storage_requests_per_second": 10_000}

if not workflow.is_main_process:
    # A job on a cluster, to which no limit but that of the main process applies.
    LIMITS |= {"cuda": 10_000}

for resource, limit in LIMITS.items():
    workflow.global_resources.setdefault(resource, limit)


def here(path):
    """A path on this disk, below the prefix that this workflow has as a module.

    Snakemake prefixes inputs and outputs, but no params and nothing that is `local`.
    Known only while the rules are read.
    """
    return workflow.modifier.path_modifier.replace_prefix(path)


def shown(file, of="All models"):
    """Mark a figure, or several, for what `snakemake --report` writes."""
    return report(
        file,
        caption="../workflow/report/figure.rst",
        category="Figures",
        subcategory=of,
    )


# Failures in a row; the jobs that ask the same service share one file. As long as it is
# full, none of them asks.
FAILURES = {
    service: here(f"results/downloads/{service}_failures.txt")
    for service in ("api", "storage")
}


# What `--cores` gives. Asked for like this, as `workflow.cores` raises for the commands
# that need none, such as `--unlock` and `--summary`.
ALL_CORES = workflow.resource_settings.cores or 1

# 0 with `--resources cuda=0`: the job then takes the CPU. As `gpu` it is what a cluster's
# scheduler is asked for.
CUDA_OF_A_JOB = min(1, workflow.global_resources["cuda"].value)


wildcard_constraints:
    group=r"\d+",
    replicate=r"\d+",
    loops=r"\d+",
    part=r"\d+",
    model="|".join(MODELS),
    split="train|validation|test",


@lru_cache
def hash_of_code(script, modules=()):
    return code_hash(REPOSITORY / "workflow" / "scripts" / script, modules)


def code(script, *functions):
    """Hash of a script and the library code behind it: a change reruns the rule.

    ``functions`` name those of the model's kind that it calls: module, trainer or
    answerer. Found when a job of the rule is planned, as each job on a cluster reads all
    rules.
    """

    def find(wildcards):
        modules = MODELS[wildcards.model].kind.modules(*functions) if functions else ()
        return hash_of_code(script, modules)

    return find


def code_of_all_answering(script):
    """The same, with the code by which all models answer."""
    kinds = [model.kind for model in MODELS.values()]
    modules = {name for kind in kinds for name in kind.modules("module", "answerer")}
    return lambda wildcards: hash_of_code(script, tuple(sorted(modules)))


def unrecorded(value):
    """A param that may change without making anything stale.

    Snakemake records no params that are functions of the output.
    """
    return lambda wildcards, output: value


def in_key_order(settings):
    """The same settings; Snakemake takes dicts of another order for others."""
    return json.loads(json.dumps(settings, sort_keys=True))


# What takes days to download and downsample.
COSTLY_RESULTS = (
    here("results/downloads/cells/*/tasks.parquet"),
    here("results/volumes/groups/*.json"),
)


def refuse_results_without_format():
    """Refuse what was made when a hash of code stood where FORMAT stands now.

    Snakemake would take it for stale and download it again, without a word.
    """
    former = [p for p in COSTLY_RESULTS if any(map(has_code_hash, iglob(p)))]
    if former and not workflow.touch:
        raise WorkflowError(
            f"{' and '.join(former)}: made by a version without FORMAT numbers, and "
            "would all be downloaded again; to keep them, run once with the same "
            f"config, in {Path.cwd()}: snakemake --cores 1 --touch {' '.join(former)}; "
            "or delete them"
        )


def refuse_interpreter():
    """Stop where no job could start: Snakemake puts Python's path into a shell bare."""
    if re.search(r"""[\s'"\\$`&;|<>()*]""", sys.executable):
        raise WorkflowError(
            f"{sys.executable}: the path of this Python has a space or a sign of the "
            "shell, and Snakemake cannot start jobs with it; make the environment in a "
            "folder without (`make VENV=/its/path demo`); results and this repository "
            "may stay where they are"
        )


def has_code_hash(file):
    """Return whether a hash of code is among the params that a file was made with."""
    params = workflow.persistence.params(IOFile(file, rule=None)) or []
    return any(re.fullmatch("'[0-9a-f]{12}'", param) for param in params)


def share(resource, jobs):
    """Return the share of a limited resource that one of ``jobs`` claims, at least 1.

    The limit in force may be that of another module, and higher than its own.
    """
    limit = min(LIMITS[resource], workflow.global_resources[resource].value)
    return max(1, limit // jobs)
