"""A browser, a JupyterLab and a page for all tests of this folder; they end with the last of them."""

import os
import shutil
from pathlib import Path

import pytest

from .jupyter import ROOT, LabServer
from .pages import NAMES, find_chromium, launch, lent, open_page


def pytest_collection_modifyitems(items):
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium():
    """The path of the system's Chromium; without one the tests are skipped, under CI=true they fail."""
    found = find_chromium()
    if found:
        return found
    reason = f"no Chromium found on the PATH ({', '.join(NAMES)}), and CHROMIUM names none"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}: under CI=true the browser tests must run", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser(chromium):
    """The browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = launch(playwright, chromium)
        yield running
        running.close()


@pytest.fixture(scope="package")
def server(chromium, tmp_path_factory):
    """A JupyterLab over a copy of the chapters."""
    home = tmp_path_factory.mktemp("jupyter")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    running = LabServer(home, home / "notebooks")
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="package")
def page(browser, server):
    """JupyterLab in a page that the tests use in turn, see `lent`: loading it costs more than most of them. Dense where
    somebody wants to see the pictures."""
    return open_page(browser, server, scale=2 if os.environ.get("SCREENSHOTS") else 1)


@pytest.fixture(scope="package")
def screenshots(tmp_path_factory):
    """The folder for pictures: SCREENSHOTS names it."""
    folder = (
        Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else tmp_path_factory.mktemp("screenshots")
    )
    folder.mkdir(parents=True, exist_ok=True)
    print(f"screenshots: {folder}")
    return folder


@pytest.fixture
def leave_nothing_behind():
    """Replaces the fixture of the other tests: browser and server live on, and `lent` sees to the kernels."""


@pytest.fixture
def own_page(page, server):
    """The page for one test, with nothing open."""
    with lent(page, server):
        yield page
