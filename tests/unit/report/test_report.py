import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from eyewire_validator.evaluation.comparison import (
    LEAKED_HEADING,
    Entry,
    against_neurons,
    decision_table,
    differences,
    from_csv,
    honest_table,
)
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.left_out import LeftOutScore, Measured
from eyewire_validator.evaluation.ranking import batches_of
from eyewire_validator.report import Chapter, Picture, Report, render
from eyewire_validator.report.text import WIDTH, to_text
from eyewire_validator.report.wording import (
    HEADINGS,
    UNDEFINED_NOTE,
    footnotes,
    headline,
    uncertainties,
)
from eyewire_validator.storage.tables import write_csv

BOOTSTRAP = {"resamples": 50, "random_seed": 0}
DECISIONS = Decisions(0.5, 0.8, 0.2, tasks=0, cells=0, segments=0)
HOSTILE = '<script>alert("x")</script><img src="http://example.org/x.png">'
VOID = {"meta", "img", "link", "br"}
JUDGED = {"ece_mass": 0.1, "ece_width": 0.1, "brier": 0.2, "nll": 0.3}
RANKED = {"augrc": 0.3, "aurc": 0.4, "coverage_at_1": 0.25, "coverage_at_2": None}


class Page(HTMLParser):
    """Collects elements, and refuses a page whose tags do not match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.found, self.text = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def attributes(self, tag):
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def entry(model, *, chosen=1.0, cells=8, **changes):
    """Make an entry of one task a cell, each with two segments of which one belongs."""
    about = {
        "model": model,
        "title": f"title of {model}",
        "standing": "result",
        "settings": "0123456789ab",
        "split": "test",
        "loops": None,
        "replicate": 0,
    }
    tasks = pd.DataFrame({"task": range(cells), "cell": range(cells)}).assign(
        volume=7,
        seed_full_voxels=9,
        dust_truth_segments=0,
        dust_truth_full_voxels=0,
        alarm=None,
    )
    segments = pd.DataFrame(
        {
            "task": np.repeat(tasks["task"], 2),
            "probability": np.tile(np.float32([chosen, 0.1]), cells),
            "truth": np.tile([True, False], cells),
            "voxels": 5,
        }
    ).reset_index(drop=True)
    segments["neuron"] = segments["truth"]
    answers = decide(segments, tasks, DECISIONS, volume_voxels=1000)
    batches = batches_of(segments)
    return Entry.of({**about, **changes}, SUMMARY, answers, batches, volume_voxels=999)


SUMMARY = {
    "decisions": DECISIONS.as_json(),
    "alarms": {},
    "seedless": {"pooled": {"iou": 0.125}},
    "full": {"pooled": {"iou": 0.875}},
    "neurons": {},
    "calibration": {
        "segments": 16,
        **dict.fromkeys(("raw", "temperature", "isotonic"), JUDGED),
    },
    "contested": None,
    "selective": {
        "tasks": 8,
        "best_augrc": 0.1,
        "random_augrc": 0.5,
        "probability_sum": RANKED,
        "entropy_max": {**RANKED, "augrc": 0.2},
    },
}
LWUNET = entry("lwunet", loops=4)
SEED_ONLY = entry("seed_only", chosen=0.0)
CROWD = entry("crowd", standing="reference")
PUBLISHED = entry("published", standing="leaked", title="as published", loops=4)
ALL = (PUBLISHED, CROWD, LWUNET, SEED_ONLY)


def table_of(*entries):
    return honest_table(entries, **BOOTSTRAP)


def text_of(*entries, split_rule="blocks", neurons=()):
    return to_text(
        table_of(*entries),
        against_neurons(neurons, **BOOTSTRAP),
        split_rule=split_rule,
    )


def image_of(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


def audit(**changes):
    own = {"tasks": 8}
    honest = {
        "passed": True,
        "leaked": False,
        "as_expected": True,
        "reasons": [],
        "own_answer": own,
    }
    leaked = {**honest, "passed": False, "leaked": True, "reasons": ["context 1"]}
    return {
        "as_expected": True,
        "split": {"passed": True, "reasons": []},
        "models": {"lwunet": {**honest, **changes}, "published": leaked},
    }


def report_of(*entries, title="title of lwunet", **changes):
    picture = Picture(title, "read it so", image_of(np.zeros((2, 3), np.uint8)))
    given = {
        "table": table_of(*entries),
        "neurons": against_neurons(entries, **BOOTSTRAP),
        "differences": differences(entries, "lwunet", "test", **BOOTSTRAP),
        "decisions": decision_table(entries),
        "audit": audit(),
        "title": title,
        "leaked": False,
        "split": "test",
        "summary": SUMMARY,
        "split_rule": "blocks",
        "bars": picture,
        "loops": picture,
        "trust": [picture],
        "errors": [picture],
        "chapters": [
            Chapter(title, "test, 4 loops", False, [picture, picture]),
            Chapter("as published", "", True, [picture]),
        ],
        "split_counts": {title: 1234},
        "task_exclusions": {"empty seed": 3},
        "cell_exclusions": {"size below 1": 2},
        "label_fates": {"asked about": 987654},
        "provenance": {"version": title},
    }
    return Report(**{**given, **changes})


PAGE = render(report_of(*ALL))


def part(identifier, html=PAGE):
    """Return what is in the section of the page with this id."""
    return html.split(f'<section id="{identifier}"')[1].split("</section>")[0]


def test_text_has_three_sections_that_are_never_mixed():
    text = text_of(*ALL).split("IoU OF COARSE VOXELS")[0]
    results, references = text.split(HEADINGS["reference"])
    references, leaked = references.split("=" * WIDTH)
    assert "title of lwunet, 4 loops" in results
    assert "title of seed_only" in results
    assert "title of crowd" in references
    assert leaked.startswith(f"\n{LEAKED_HEADING}")
    assert "LEAKED: as published" in leaked
    assert "LEAKED" not in results + references


def test_text_shows_value_interval_and_n():
    lines = text_of(LWUNET, SEED_ONLY).splitlines()
    assert lines[2].endswith("(test: n = 8 tasks of 8 cells)")
    row = lines.index(next(line for line in lines if "title of lwunet" in line))
    assert lines[row].split()[-7:] == [*["1.000"] * 5, "0.00", "1.000"]
    assert lines[row + 1].split() == [*["1.00-1.00"] * 5, "0.00-0.00", "1.00-1.00"]
    seed_only = next(line for line in lines if "title of seed_only" in line)
    assert seed_only.split()[-7:-4] == ["0.000", "-", "0.000"]


def test_an_alarm_comes_first_in_text_and_page(tmp_path):
    table = honest_table([LWUNET], **BOOTSTRAP).assign(
        alarm="8 of 8 tasks: it is black"
    )
    alarm = "ALARM: title of lwunet (test): images unlike all that it learned from"
    write_csv(tmp_path / "table.csv", table)
    read = from_csv(tmp_path / "table.csv")
    text = to_text(read, table[:0], split_rule="blocks")
    assert text.startswith(alarm)
    assert "8 of 8 tasks: it is black" in text
    assert alarm in render(report_of(LWUNET, table=table))
    assert "ALARM" not in text_of(*ALL) + PAGE


def left_out(title, shares):
    scores = (
        LeftOutScore(
            tissue, 30, 9, 2, Measured(4 * share, 0.5, 3.5), 4.0,
            Measured(0.75, 0.7, 0.8), Measured(None, None, None), 1.0,
        )
        for tissue, share in shares.items()
    )  # fmt: skip
    return {"title": title, "scores": [score.as_plain() for score in scores]}


def test_tissue_left_out_comes_above_what_holds_within_a_block():
    known = [left_out("title of ready", {"fly": 0.4, HOSTILE: 0.75})]
    headline = "“title of ready” saves 60 % and 25 % of the edits in fly and"
    page = render(report_of(*ALL, left_out=known))
    assert HOSTILE not in page
    words = Page(page).words
    assert words.index(headline) < words.index("has the best F1")
    assert "n = 30 tasks of 9 cells" in part("left_out", page)
    assert "0.50-3.50" in part("left_out", page)
    none = against_neurons((), **BOOTSTRAP)
    text = to_text(table_of(*ALL), none, known, split_rule="blocks")
    assert text.startswith("TISSUE LEFT OUT")
    assert headline in " ".join(text.split("AGAINST")[0].split())
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "left out of its training" not in text_of(*ALL) + PAGE


def test_what_becomes_of_labels_is_counted():
    assert "987,654" in part("tasks") or "987654" in part("tasks")


def test_text_measures_against_neurons_where_they_are_known():
    assert "TRUE NEURONS" not in text_of(LWUNET)
    assert "TRUE NEURONS" in text_of(LWUNET, neurons=[LWUNET])


def test_text_fits_the_terminal():
    long = entry("wide", title="a very long title " * 9)
    again = entry("wide", title=long.title, replicate=1)
    text = text_of(long, again, *ALL, split_rule="published", neurons=ALL)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "±0.000" in text


def test_notes_are_those_that_the_table_needs():
    def notes(*entries, split_rule="blocks"):
        return " ".join(footnotes(table_of(*entries), split_rule=split_rule))

    plain = notes(LWUNET)
    assert "With 8 cells they are rough." in plain
    assert "teacher-forced" in plain
    for note in (UNDEFINED_NOTE, "±", "OVERLAPPING", "nothing is called"):
        assert note not in plain
    assert UNDEFINED_NOTE in notes(SEED_ONLY)
    assert "± is" in notes(LWUNET, entry("lwunet", loops=4, replicate=1))
    assert "OVERLAPPING" in notes(LWUNET, split_rule="published")
    assert "nothing is called better" in notes(entry("m", cells=5))
    assert "rough" not in notes(entry("m", cells=50))


def test_headline_is_about_the_best_honest_result():
    said = headline(table_of(*ALL), "test")
    assert "On n = 8 tasks of 8 cells (test), “title of lwunet”" in said
    assert "1.000 (95 % interval 1.00 to 1.00)" in said
    assert "title of seed_only" in headline(table_of(SEED_ONLY, CROWD), "test")
    assert "single cell" in headline(table_of(entry("m", cells=1)), "test")
    assert "No honest model" in headline(table_of(PUBLISHED), "test")


def test_uncertainties_are_ranked_by_augrc():
    found = [row["title"] for row in uncertainties(SUMMARY["selective"])]
    assert found[0] == "entropy, of the worst segment"
    assert len(found) == 2


def test_page_is_whole_and_shows_everything():
    parsed = Page(PAGE)
    for expected in (
        "has the best F1 of 2 results",
        "is better than title of seed_only.",
        "is not distinguishable from title of crowd.",
        "0.125",
        "1,234",
        "empty seed",
        "size below 1",
        "read it so",
        "undefined (0/0)",
        "Against the true neurons",
        "25 %",
    ):
        assert expected in parsed.words, expected
    assert len(parsed.attributes("img")) == 7


def test_page_has_three_sections():
    table = part("table")
    bodies = re.findall(r'<tbody class="(\w+)">(.*?)</tbody>', table, re.DOTALL)
    assert [standing for standing, _ in bodies] == ["result", "reference", "leaked"]
    for standing, body in bodies:
        assert HEADINGS[standing] in body
        assert ("as published" in body) == (standing == "leaked")


def test_page_needs_nothing_but_itself():
    for attributes in Page(PAGE).attributes("img"):
        kind, content = attributes["src"].split(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(content))) as image:
            assert image.size == (3, 2)
    assert not re.search(r"https?:|<script|<link|@import|url\(", PAGE)


def test_text_from_outside_is_inert():
    entries = [replace(each, title=HOSTILE) for each in ALL]
    html = render(
        report_of(
            *entries,
            title=HOSTILE,
            audit=audit(reasons=[HOSTILE]),
            task_exclusions={HOSTILE: 1},
        )
    )
    parsed = Page(html)
    assert parsed.attributes("script") == []
    assert all(i["src"].startswith("data:") for i in parsed.attributes("img"))
    assert 'alert("x")' in "".join(parsed.text)


def test_leaked_chapters_are_marked():
    _, honest, leaked = part("models").split("<details>")
    assert "LEAKED" not in honest
    assert "LEAKED: as published" in leaked
    assert LEAKED_HEADING in leaked


def test_audit_is_told_by_model():
    html = part("audit")
    assert "LEAKED: title" not in html
    assert "LEAKED: as published" in html
    assert "fails, as it must" in html
    assert "context 1" in html
    assert "NOT AS EXPECTED" not in PAGE


def test_an_unexpected_audit_is_an_alarm():
    wrong = audit(passed=False, as_expected=False, reasons=["it leaks"])
    html = render(report_of(*ALL, audit={**wrong, "as_expected": False}))
    assert "NOT AS EXPECTED" in html.split("</header>")[0]
    assert "NOT AS EXPECTED" in part("audit", html)
    assert "it leaks" in part("audit", html)


def test_decisions_are_those_of_results():
    html = part("decisions")
    assert "title of lwunet" in html
    assert "title of crowd" not in html
    assert "as published" not in html


def test_links_lead_somewhere():
    parsed = Page(PAGE)
    ids = {attributes.get("id") for _, attributes in parsed.found}
    assert {link["href"].removeprefix("#") for link in parsed.attributes("a")} <= ids


@pytest.mark.parametrize(("rule", "said"), [("blocks", False), ("published", True)])
def test_an_overlapping_split_is_called_so(rule, said):
    assert ("OVERLAPPING" in render(report_of(*ALL, split_rule=rule))) == said


def test_what_there_is_none_of_is_left_out():
    html = render(
        report_of(LWUNET, task_exclusions={}, neurons=against_neurons([], **BOOTSTRAP))
    )
    assert '<th scope="row">none</th><td>0</td>' in html
    assert "no other model" in part("differences", html)
    assert "Against the true neurons" not in html
    assert LEAKED_HEADING not in part("table", html)


def test_pictures_lose_weight_but_no_colours_of_charts():
    chart = np.full((200, 300, 3), 255, np.uint8)
    chart[50:60] = (0, 114, 178)
    chart[100:] = np.random.default_rng(0).integers(0, 255, (100, 300, 1), np.uint8)
    png = image_of(chart)
    content = base64.b64decode(Picture("", "", png).source.split(",")[1])
    with Image.open(io.BytesIO(content)) as image:
        shown = np.asarray(image.convert("RGB"))
    off = np.abs(shown.astype(int) - chart)
    assert off[:100].max() <= 2
    assert off[100:].max() < 16
    assert len(content) < len(png)


def test_what_people_decided_is_on_the_page_once_they_did():
    assert "review" not in re.findall(r'<section id="(.*?)"', PAGE)
    person = {"reviewer": "<i>Ada</i>", "checkpoint": "c0ffee"}
    found = {
        "decisions": 9, "settled": 4, "conflicts": ["1-2"], "refused": [],
        "blind": [person | {
            "audited": 5, "accepted_wrongly": 2, "blind": 3, "blind_contradict": 1,
            "sighted": 0, "sighted_contradict": 0,
        }],
        "agreement": [
            {"reviewers": ["Ada", "Bob"], "items": 50, "agree": 0.7, "kappa": 0.4},
            {"reviewers": ["Ada", "Eve"], "items": 1, "agree": 1.0, "kappa": None},
        ],
    }  # fmt: skip
    html = part("review", render(report_of(*ALL, review=found)))
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert cells[:4] == ["c0ffee", "2 of 5", "1 of 3", "0 of 0"]
    assert cells[4:] == ["50", "70 %", "0.40", "1", "100 %", "-"]
    assert "<i>" not in html


def test_growth_is_on_the_page_once_cells_were_grown():
    assert "No cells were grown" in part("growth")
    summary = {"recovered_share": {"value": 0.5, "low": 0.25, "high": 0.75}}
    grown = {
        "title": "<i>mine</i>", "cells": 3, "unit": "um",
        "grown": summary, "unlimited": summary, "teacher_forced": {},
    }  # fmt: skip
    html = part("growth", render(report_of(*ALL, growth=grown)))
    assert "0.50 (0.25 to 0.75)" in html
    assert "µm" in html
    assert "<i>" not in html
