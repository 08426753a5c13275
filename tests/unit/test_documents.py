"""Every link of the documents leads somewhere, and their prose is wrapped."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "docs", "models")
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.md"))),
]
WIDTH = 100

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)

# Fenced, or indented after an empty line.
CODE = re.compile(
    r"^ *```.*?^ *```$|(?<=\n\n)(?:    [^\n]*\n?)+", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A line that holds a link or a picture, and nothing else.
LINK_ALONE = re.compile(r"^\s*([*-] )?!?\[[^\]]*\]\([^)]*\)[.,;]?$")


def without_code(text):
    """Return a document with the lines of its code blocks left empty."""
    return CODE.sub(lambda block: "\n" * block[0].count("\n"), text)


def links(text):
    """Return the targets of all links, but not those shown as code."""
    return LINK.findall(re.sub(r"`[^`]*`", "`", without_code(text)))


def anchors(text):
    """Return the anchors of all headings, as GitHub and GitLab make them."""
    found: Counter[str] = Counter()
    names = []
    for title in re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        names.append(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def is_broken(link, document):
    """Return whether a link of a document names a file or heading that is not there."""
    if re.match(r"[a-z]+:", link):
        return False
    path, _, anchor = unquote(link).partition("#")
    target = document.parent / path if path else document
    if not target.exists():
        return True
    return bool(anchor) and anchor not in anchors(target.read_text(encoding="utf-8"))


def broken_links(document):
    found = links(document.read_text(encoding="utf-8"))
    return [link for link in found if is_broken(link, document)]


def wide_lines(text):
    """Return the lines of prose that are too wide, with their numbers."""
    return [
        (number, line)
        for number, line in enumerate(without_code(text).split("\n"), start=1)
        if len(line) > WIDTH and not line.startswith("|") and not LINK_ALONE.match(line)
    ]


@each_document
def test_links_lead_to_files_and_headings(document):
    assert broken_links(document) == []


@each_document
def test_prose_is_wrapped(document):
    assert wide_lines(document.read_text(encoding="utf-8")) == []


def test_all_documents_are_looked_at():
    names = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS}
    assert {"README.md", "docs/skill.md", "docs/log/README.md"} <= names


def test_a_broken_link_is_found(tmp_path):
    document = tmp_path / "page.md"
    document.write_text(
        "# One, two\n[a](#one-two) [b](#three) [c](none.md)\n"
        "`[d](none.md)` [e](page.md#one-two) [f](https://example.org/none)\n"
        "```\n# Three\n[g](none.md)\n```\n"
    )
    assert broken_links(document) == ["#three", "none.md"]


def test_only_prose_must_be_narrow():
    long = "word " * 21
    text = (
        f"{long}\n| {long} |\n\n    {long}\n```\n{long}\n```\n"
        f"[{long}](x.md)\n* {long}\n    {long}"
    )
    assert [number for number, _ in wide_lines(text)] == [1, 9, 10]
