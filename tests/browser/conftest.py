"""A browser for the tests of each file: they skip where there is none."""

from collections.abc import Iterator

import chromium
import pytest


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[chromium.Browser]:
    """A browser that all tests of a file share."""
    if chromium.PROGRAM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    started = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def tab(browser) -> Iterator[chromium.Tab]:
    """A tab of it."""
    opened = browser.tab()
    yield opened
    opened.close()
