"""Browsers for the tests of each file: they skip where there is none."""

from collections.abc import Iterator

import chromium
import firefox
import pytest

BOTH = pytest.mark.parametrize("browser", [chromium, firefox], indirect=True)


@pytest.fixture(scope="module")
def browser(request, tmp_path_factory) -> Iterator[chromium.Browser | firefox.Browser]:
    """A browser that all tests of a file share: Chromium, if they ask for no other."""
    kind = getattr(request, "param", chromium)
    if kind.PROGRAM is None:
        pytest.skip(f"needs a browser: apt-get install {kind.PACKAGE}")
    started = kind.Browser(tmp_path_factory.mktemp(kind.__name__))
    yield started
    started.close()


@pytest.fixture
def tab(browser) -> Iterator[chromium.Tab | firefox.Tab]:
    """A tab of it."""
    opened = browser.tab()
    yield opened
    opened.close()
