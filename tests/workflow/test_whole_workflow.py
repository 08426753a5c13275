"""The workflow from registry to report, on a tiny sandbox."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd

from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.schemas.evaluation import TASK_METRICS
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import read_metadata, read_table

ROOT = Path(__file__).resolve().parents[2]


def jobs_of(output: str) -> dict[str, int]:
    """Count the jobs that ran, by rule, in Snakemake's output."""
    rules = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", output, re.MULTILINE)
    return {rule: rules.count(rule) for rule in rules}


def test_it_ends_with_a_report_and_the_honest_table(finished):
    assert (finished / "results/report/index.html").stat().st_size > 100_000
    text = (finished / "results/report/honest_table.txt").read_text()
    assert "left out of its training, “ready-made" in text.split("AGAINST")[0]
    in_segments, _, _ = re.split("IoU OF COARSE VOXELS|AGAINST THE TRUE NEURONS", text)
    honest, references, leaked = re.split("REFERENCES:|LEAKED: the input", in_segments)
    for title in ("lwunet, registered", "MSTY, Eyewire's own agent", "seed only"):
        assert title in honest
    for title in ("single player", "crowd", "perfect coarse mask"):
        assert title in references
    assert "LEAKED: as published" in leaked


def test_each_rule_leaves_log_and_benchmark(finished):
    logs = {path.name for path in (finished / "results/logs").iterdir()}
    assert logs == {path.name for path in (finished / "results/benchmarks").iterdir()}
    assert {"download_cells", "train_model", "evaluate_network"} <= logs


def test_raw_volumes_are_temporary(finished):
    assert not list((finished / "results/downloads/volumes").glob("*/*"))


def test_no_row_is_lost_between_cells_index_and_metrics(finished):
    cells = (finished / "results/downloads/cells").glob("*/tasks.parquet")
    tasks = pd.concat(pd.read_parquet(table) for table in cells)
    index = read_table(finished / "results/tasks/index.parquet", TASK_INDEX)
    assert sorted(index["task"]) == sorted(tasks["task"])
    is_used = index["split"].notna() | (index["state"] == "open")
    assert (is_used | index["excluded"].notna()).all()
    assert index.loc[index["split"].notna(), "excluded"].isna().all()
    counts = json.loads((finished / "results/tasks/split.json").read_text())
    assert sum(counts["excluded"].values()) == index["excluded"].notna().sum()
    test_tasks = index.loc[index["split"] == "test", "task"]
    folder = finished / "results/evaluation/lwunet/0/test/loops-2"
    metrics = read_table(folder / "tasks.parquet", TASK_METRICS)
    assert sorted(metrics["task"]) == sorted(test_tasks)


def test_half_done_cells_are_answered_and_compared_with_the_truth(finished):
    folder = finished / "results/answers/ready_made"
    answers = read_table(folder / "answers.parquet", ANSWERS)
    index = read_table(finished / "results/tasks/index.parquet", TASK_INDEX)
    is_open = (index["state"] == "open") & index["excluded"].isna()
    of_open = answers[answers["split"] == "open"]
    assert set(of_open["task"]) == set(index.loc[is_open, "task"])
    assert is_open.sum() > 5
    assert index.loc[is_open, "aggregate"].map(len).sum() == 0
    verdicts = pd.read_csv(folder / "tasks.csv")
    assert set(verdicts["task"]) >= set(answers["task"])
    measured = json.loads((folder / "against_truth.json").read_text())
    decided = of_open["decision"].value_counts()
    assert measured["accepted"]["segments"] == decided.get("accept", 0)
    assert measured["rejected"]["segments"] == decided.get("reject", 0)


def test_leaked_files_say_so_in_their_metadata(finished):
    evaluations = finished / "results/evaluation"
    leaked = evaluations / "published/0/test/loops-2"
    honest = evaluations / "lwunet/0/test/loops-2"
    assert read_metadata(leaked / "tasks.parquet")["leaked"] == "true"
    assert read_metadata(honest / "tasks.parquet")["leaked"] == "false"
    assert json.loads((leaked / "summary.json").read_text())["leaked"] is True


def test_a_second_run_has_nothing_to_do(run, finished_copy):
    done = run(finished_copy, "-n")
    assert "Nothing to be done" in done.stdout


def test_one_more_cell_reruns_only_what_depends_on_it(run, finished_copy):
    index = "results/tasks/index.parquet"
    kept = read_table(finished_copy / "results/cells/registry.parquet", REGISTRY)
    cell = kept.loc[kept["kept"], "cell"].max()
    rows = pd.read_csv(
        finished_copy / "results/sandbox/registry.csv", dtype=str, keep_default_na=False
    )
    config = {"registry": {"csvs": ["cells.csv"]}}

    others = rows[rows["Cell ID"] != str(cell)]
    others.to_csv(finished_copy / "cells.csv", index=False)
    without = run(finished_copy, index, config=config)
    assert without.returncode == 0, without.stdout
    assert "download_cells" not in jobs_of(without.stdout)

    shutil.rmtree(finished_copy / f"results/downloads/cells/{cell}")
    rows.to_csv(finished_copy / "cells.csv", index=False)
    again = run(finished_copy, index, config=config)
    assert again.returncode == 0, again.stdout
    jobs = jobs_of(again.stdout)
    assert jobs.pop("download_cells") == 1
    assert set(jobs) == {"read_registry", "catalog_volumes", "index_tasks"}
    table = read_table(finished_copy / index, TASK_INDEX)
    assert cell in set(table["cell"])


def test_a_cell_whose_registry_was_read_before_brings_its_volumes(run, finished_copy):
    """As it is when the run that read the registry failed at the cell's download."""
    index, registry = "results/tasks/index.parquet", "results/cells/registry.parquet"
    tasks = read_table(finished_copy / index, TASK_INDEX)
    rows = read_table(finished_copy / registry, REGISTRY)
    tasks = tasks[~tasks["cell"].isin(rows.loc[rows["in_progress"], "cell"])]
    (volume, *_) = tasks.groupby("volume")["cell"].nunique().loc[lambda n: n == 1].index
    (cell,) = tasks.loc[tasks["volume"] == volume, "cell"].unique()
    all_rows = (finished_copy / "results/sandbox/registry.csv").read_text()
    others = [
        row
        for row in all_rows.splitlines(keepends=True)
        if not row.startswith(f"{cell},")
    ]
    config = {"registry": {"csvs": ["cells.csv"], "in_progress": []}}
    (finished_copy / "cells.csv").write_text("".join(others))
    run(finished_copy, index, config=config)
    manifest = finished_copy / f"results/volumes/groups/{volume}.json"
    manifest.unlink()

    (finished_copy / "cells.csv").write_text(all_rows)
    run(finished_copy, registry, config=config)
    done = run(finished_copy, index, config=config)
    assert jobs_of(done.stdout)["download_volumes"] == 1
    assert manifest.exists()
    assert "Nothing to be done" in run(finished_copy, index, config=config).stdout


def test_another_filter_that_keeps_the_same_cells_fetches_nothing(run, finished_copy):
    index = "results/tasks/index.parquet"
    done = run(finished_copy, index, config={"registry": {"min_size": 2}})
    assert done.returncode == 0, done.stdout
    assert not {"download_cells", "download_volumes"} & set(jobs_of(done.stdout))


def test_a_model_entry_may_name_a_checkpoint(run, finished_copy):
    weights = "results/models/lwunet/0/checkpoint.pt"
    adopted = {
        "title": "adopted",
        "kind": "lwunet",
        "loops": 2,
        "dropout": 0.1,
        "dropout_samples": 2,
        "checkpoint": weights,
    }
    results = finished_copy / "results/evaluation"
    metrics = "0/test/loops-2/tasks.parquet"
    target = f"results/evaluation/adopted/{metrics}"
    done = run(finished_copy, target, config={"models": {"adopted": adopted}})
    assert done.returncode == 0, done.stdout
    assert set(jobs_of(done.stdout)) == {"adopt_checkpoint", "evaluate_network"}
    pd.testing.assert_frame_equal(
        pd.read_parquet(results / "adopted" / metrics),
        pd.read_parquet(results / "lwunet" / metrics),
    )


def test_models_that_learned_from_less_make_a_learning_curve(run, finished_copy):
    training = {"max_volumes": 1}
    little = {"title": "little", "kind": "agglomeration", "training": training}
    other = {**little, "context": "none"}
    models = {"little": little, "other": other}
    curve = "results/figures/learning.csv"
    done = run(finished_copy, curve, config={"models": models})
    assert done.returncode == 0, done.stdout
    table = pd.read_csv(finished_copy / curve).set_index("model")
    assert set(table.index) == {"agglomeration", "little"}
    tasks = table["training_tasks"]
    assert 0 < tasks["little"] < tasks["agglomeration"]


def test_a_change_of_politeness_makes_nothing_stale(run, finished_copy):
    done = run(finished_copy, "-n", config={"api": {"tries": 3}})
    assert "Nothing to be done" in done.stdout


def test_a_change_of_the_split_reruns_from_the_index_on(run, finished_copy):
    done = run(finished_copy, "-n", config={"split": {"buffer": 2}})
    rerun = set(jobs_of(done.stdout))
    assert {
        "index_tasks",
        "train_model",
        "evaluate_network",
        "evaluate_baseline",
    } <= rerun
    assert not {"download_cells", "download_volumes", "make_sandbox"} & rerun


def test_a_newcomer_is_shown_a_first_answer(finished):
    answer = pd.read_csv(finished / "results/first_answer/answer.csv")
    expected = {"segment", "probability", "deviation", "decision", "chosen", "belongs"}
    assert set(answer) == expected
    assert answer["belongs"].any()
    assert (answer["chosen"] == (answer["probability"] > 0.5)).all()
    terminal = (finished / "terminal.txt").read_text()
    assert f"one task of {len(answer):,} segments" in terminal
    assert "Picture: results/first_answer/task.png" in terminal
