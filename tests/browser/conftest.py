"""A browser and a JupyterLab for all tests of this folder; each test has a page of its own."""

import contextlib
import os
import shutil
import time
from pathlib import Path

import nbformat
import pytest

from .jupyter import ROOT, TOKEN, LabServer
from .notebook import Notebook

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SMALL = "small.ipynb"


def pytest_collection_modifyitems(items):
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium():
    """The Chromium of the system: CHROMIUM names one, else the first on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    reason = f"no Chromium found on the PATH ({', '.join(NAMES)}), and CHROMIUM names none"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}: under CI=true the browser tests must run", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser(chromium):
    """The browser, without any way to the outside."""
    from playwright.sync_api import sync_playwright

    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS + root, timeout=60_000)
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


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    """The folder for pictures: SCREENSHOTS names it."""
    folder = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def leave_nothing_behind():
    """Replaces the fixture of the other tests: browser and server live on, and `open_page` sees to the kernels."""


@contextlib.contextmanager
def pages(browser, server):
    """Give a function that opens JupyterLab in a new page. At the end no kernel and nothing that one started may be alive.

    ``page.errors`` is what the console called an error, and exceptions nobody caught.
    """
    contexts = []

    def open_page(theme="JupyterLab Light", height=1000, scale=1):
        context = browser.new_context(viewport={"width": 1400, "height": height}, device_scale_factor=scale)
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.errors = []
        page.on(
            "console",
            lambda message: page.errors.append(f"{message.text} ({message.location.get('url')})") if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{server.url}/lab/workspaces/w{time.monotonic_ns()}?token={TOKEN}")
        page.wait_for_function("window.jupyterapp")
        set_theme(page, theme)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
        left = server.end_kernels()
    assert not left, f"alive after their kernel was shut down: {left}"


def set_theme(page, theme):
    """Change the looks of JupyterLab."""
    page.evaluate(
        "async (theme) => { const app = window.jupyterapp; await app.restored; await app.commands.execute('apputils:change-theme', {theme}); }",
        theme,
    )
    page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=str(theme.endswith("Light")).lower())
    page.locator("#jupyterlab-splash").wait_for(state="detached")


@pytest.fixture
def open_page(browser, server):
    """See `pages`: for one test."""
    with pages(browser, server) as open_one:
        yield open_one


def open_cells(page, server, *cells):
    """Return a new Notebook with these code cells, all run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, server.notebooks / SMALL)
    opened = Notebook(page, SMALL)
    opened.run_all()
    return opened
