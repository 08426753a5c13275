"""The Slurm profile names rules that there are, and sends those with a GPU to one."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
RULE = re.compile(r"^(?:rule|checkpoint|use rule \w+ as) (\w+)", re.MULTILINE)


def bodies():
    """Return the text of every rule, by its name."""
    texts = [path.read_text() for path in (ROOT / "rules").glob("*.smk")]
    parts = [part for text in texts for part in RULE.split(text)[1:]]
    return dict(zip(parts[::2], parts[1::2], strict=True))


# What a rule made from another one takes over from it does not stand in its text.
INHERITING = {"answer_open_tasks"}


def rules_with(key, value=""):
    return {
        entry.partition(":")[0]
        for entry in SLURM["set-resources"]
        if f":{key}={value}" in entry
    }


def test_rules_that_claim_a_gpu_go_to_its_partition_and_no_others():
    claiming = {name for name, body in bodies().items() if "gpu=CUDA_OF_A_JOB" in body}
    assert rules_with("slurm_partition", "gpu") == claiming | INHERITING


def test_it_names_no_rule_that_is_not_there():
    named = {
        re.split("[:=]", entry)[0]
        for key in ("set-resources", "set-threads", "groups")
        for entry in SLURM[key]
    }
    assert named <= set(bodies())
