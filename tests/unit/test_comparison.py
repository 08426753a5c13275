import io

import pandas as pd
import pytest

from eyewire_validator.comparison import (
    LEAKED_HEADING,
    WIDTH,
    Entry,
    footnotes,
    honest_table,
    sections,
    to_csv,
    to_text,
)


def entry(model, seedless_iou, *, precision=0.5, **changes):
    metrics = {"precision": precision, "recall": 0.75, "iou": seedless_iou}
    summary = {
        "n": 57,
        "seedless": {"pooled": metrics},
        "full": {"pooled": {"precision": 0.9, "recall": 0.8, "iou": 0.7}},
    }
    given = {
        "model": model,
        "title": f"title of {model}",
        "leaked": False,
        "split": "test",
        "loops": 4,
        "replicate": 0,
        "summary": summary,
    }
    return Entry(**{**given, **changes})


LEAKED_ENTRY = entry("published", 0.9997, leaked=True, title="as published")
SEED_ONLY = entry("seed_only", 0.0, precision=None, loops=None, title="seed only")
LWUNET = entry("lwunet", 0.4321)


def test_leaked_rows_come_last_and_are_marked():
    table = honest_table([LEAKED_ENTRY, LWUNET, SEED_ONLY])
    assert table["model"].tolist() == ["lwunet", "seed_only", "published"]
    assert table["title"].tolist()[-1] == "LEAKED: as published"
    assert not table["title"][:-1].str.contains("LEAKED").any()


def test_text_sets_leaked_rows_apart():
    lines = to_text(
        honest_table([LEAKED_ENTRY, LWUNET, SEED_ONLY]), split_rule="blocks"
    ).splitlines()
    rule = lines.index("=" * WIDTH)
    assert lines[rule + 1].startswith(LEAKED_HEADING)
    assert [i for i, line in enumerate(lines) if "0.9997" in line] == [rule + 2]
    assert "LEAKED" not in "\n".join(lines[:rule])


def test_text_shows_the_headline_first_and_dashes_for_undefined():
    table = honest_table([LWUNET, SEED_ONLY])
    text = to_text(table, split_rule="blocks")
    row = next(line for line in text.splitlines() if "seed only" in line)
    assert row.endswith("57  0.0000       -  0.7500   0.7000  0.9000  0.8000")
    assert "undefined (0/0)" in text
    assert footnotes(honest_table([LWUNET]), split_rule="blocks") == []


def test_text_fits_the_terminal():
    long = entry("wide", 0.5, title="a very long title " * 9)
    again = [entry("wide", 0.6, title=long.title, replicate=1), LEAKED_ENTRY, SEED_ONLY]
    text = to_text(honest_table([long, *again]), split_rule="published")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("title") == 9


def test_replicates_become_mean_and_spread():
    table = honest_table(entry("m", v, replicate=i) for i, v in enumerate([0.2, 0.4]))
    assert table["replicates"].tolist() == [2]
    assert table["seedless_iou"][0] == pytest.approx(0.3)
    assert table["seedless_iou_spread"][0] == pytest.approx(0.1 * 2**0.5)
    text = to_text(table, split_rule="blocks")
    assert "±0.141" in text
    assert "standard deviation" in text


def test_a_single_replicate_has_no_spread():
    table = honest_table([LWUNET])
    assert pd.isna(table["seedless_iou_spread"][0])
    assert "±" not in to_text(table, split_rule="blocks")


def test_one_undefined_replicate_makes_the_mean_undefined():
    entries = [entry("m", 0.2, precision=p, replicate=p or 0) for p in (None, 1)]
    assert pd.isna(honest_table(entries)["seedless_precision"][0])


def test_loops_and_splits_stay_apart():
    entries = [
        LWUNET,
        entry("lwunet", 0.3, loops=1),
        entry("lwunet", 0.2, split="train"),
    ]
    table = honest_table(entries)
    assert len(table) == 3
    assert [len(section.rows) for section in sections(table)] == [2, 1]
    assert sections(table)[1].heading == "Results (train)"


def test_the_published_split_is_called_overlapping():
    table = honest_table([LWUNET])
    assert "OVERLAPPING" in to_text(table, split_rule="published")
    assert "OVERLAPPING" not in to_text(table, split_rule="blocks")


def test_csv_reads_back():
    table = honest_table([LEAKED_ENTRY, SEED_ONLY])
    read = pd.read_csv(io.StringIO(to_csv(table)), dtype={"loops": "Int64"})
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
