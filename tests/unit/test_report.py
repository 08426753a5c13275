import re
from html.parser import HTMLParser

import pytest

from eyewire_validator.comparison import LEAKED_HEADING, Entry, honest_table
from eyewire_validator.report import Chapter, Picture, render

HOSTILE = '<script>alert("x")</script><img src="http://example.org/x.png">'
VOID = {"meta", "img", "link", "br"}


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


def entry(title, *, leaked):
    metrics = {"precision": None, "recall": 0.25, "iou": 0.125}
    summary = {"n": 5, "seedless": {"pooled": metrics}, "full": {"pooled": metrics}}
    return Entry(title, title, leaked, "test", 4, 0, summary)


def page(title="a model", *, split_rule="blocks", exclusions=None):
    picture = Picture(title, "read it so", b"\x89PNG")
    return render(
        honest_table([entry(title, leaked=False), entry("as published", leaked=True)]),
        split_rule=split_rule,
        bars=picture,
        chapters=[
            Chapter(title, "test, 4 loops", False, [picture, picture]),
            Chapter("as published", "", True, [picture]),
        ],
        split_counts={title: 1234},
        task_exclusions={"empty seed": 3} if exclusions is None else exclusions,
        cell_exclusions={"size below 1": 2},
        provenance={"version": title},
    )


def test_page_is_whole_and_shows_everything():
    parsed = Page(page())
    text = " ".join(" ".join(parsed.text).split())
    for expected in (
        "0.1250",
        "1,234",
        "empty seed",
        "size below 1",
        "read it so",
        "undefined (0/0)",
    ):
        assert expected in text
    assert len(parsed.attributes("img")) == 4


def test_page_needs_nothing_but_itself():
    html = page()
    assert all(
        i["src"] == "data:image/png;base64,iVBORw=="
        for i in Page(html).attributes("img")
    )
    assert not re.search(r"https?:|<script|<link|@import|url\(", html)


def test_text_from_outside_is_inert():
    parsed = Page(page(HOSTILE))
    assert parsed.attributes("script") == []
    assert all(i["src"].startswith("data:") for i in parsed.attributes("img"))
    assert 'alert("x")' in "".join(parsed.text)


def test_leaked_rows_and_chapters_are_marked():
    html = page()
    before, leaked_rows = html.split('<tbody class="leaked">')
    assert "as published" not in before.split("</nav>")[1]
    assert LEAKED_HEADING in leaked_rows.split("</tbody>")[0]
    chapter = html.split('<section id="chapter-2">')[1].split("</section>")[0]
    assert "<h2>LEAKED: as published</h2>" in chapter
    assert LEAKED_HEADING in chapter
    honest = html.split('<section id="chapter-1">')[1].split("</section>")[0]
    assert "LEAKED" not in honest


def test_links_lead_somewhere():
    parsed = Page(page())
    ids = {attributes.get("id") for _, attributes in parsed.found}
    assert {link["href"].removeprefix("#") for link in parsed.attributes("a")} <= ids


@pytest.mark.parametrize(("rule", "said"), [("blocks", False), ("published", True)])
def test_an_overlapping_split_is_called_so(rule, said):
    assert ("OVERLAPPING" in page(split_rule=rule)) == said


def test_no_exclusions():
    assert '<th scope="row">none</th><td>0</td>' in page(exclusions={})
