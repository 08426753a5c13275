"""docs/add-a-model.md by itself: a new kind of model is added by it, and is run."""

import re
import shutil
import textwrap
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "add-a-model.md"
BLOCK = re.compile(r"^ *```(?:python|yaml)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks_of_page() -> dict[str, str]:
    """Return the code of the page, by the file that its first line names."""
    found = {}
    for match in BLOCK.finditer(PAGE.read_text()):
        head, _, code = textwrap.dedent(match[1]).partition("\n")
        found[head.removeprefix("# ")] = code
    return found


@pytest.fixture
def workflow(tmp_path) -> Path:
    """A copy of the workflow, with the model of the page in it."""
    copy = tmp_path / "workflow"
    for part in ("src", "rules", "workflow", "config", "models", "envs"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "Snakefile", copy)
    blocks = blocks_of_page()
    package = "src/eyewire_validator"
    (copy / package / "baselines/largest.py").write_text(
        blocks[f"{package}/baselines/largest.py"]
    )
    families = copy / package / "config/families.py"
    with families.open("a") as file:
        file.write("\n\n" + blocks[f"{package}/config/families.py"])
    kinds = copy / package / "config/kinds.py"
    insert_below(
        kinds, "import (\n    AgglomerationSettings,", "    LargestSettings,\n"
    )
    row = textwrap.indent(blocks[f"{package}/config/kinds.py"], "    ")
    insert_below(kinds, "KINDS: Mapping[str, Kind] = {", row)
    defaults = textwrap.indent(blocks["config/defaults.yaml"], "  ")
    insert_below(copy / "config/defaults.yaml", "kinds:", defaults)
    return copy


def insert_below(file: Path, line: str, text: str) -> None:
    content = file.read_text()
    assert content.count(f"{line}\n") == 1
    file.write_text(content.replace(f"{line}\n", f"{line}\n{text}"))


def test_the_model_of_the_page_answers(workflow, finished_copy, run):
    table = "results/evaluation/largest/0/test/loops-1/segments.parquet"
    config = yaml.safe_load(blocks_of_page()["my.yaml"])
    done = run(finished_copy, table, config=config, sources=workflow)
    assert done.returncode == 0, done.stdout
    probability = pq.read_table(finished_copy / table)["probability"].to_numpy()
    assert set(probability) <= {0, 0.5, 0.75, 1}
    assert probability.any()


def test_the_model_of_the_page_refuses_a_key_that_it_does_not_have(
    workflow, tmp_path, run
):
    entry = {"kind": "largest", "title": "largest segments", "dilation": 2}
    config = {"models": {"largest": entry}}
    done = run(tmp_path, "-n", config=config, sources=workflow)
    assert done.returncode != 0
    assert "unknown key models.largest.dilation" in done.stdout
