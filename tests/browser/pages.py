"""JupyterLab in a browser: finding and starting Chromium, opening pages, changing the theme, new notebooks."""

import contextlib
import functools
import os
import shutil
import time

import nbformat

from .jupyter import TOKEN
from .notebook import Notebook

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: The last two leave the browser no way to the outside: what wants one shows as an error in the console.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
FLAGS += ["--disable-sync", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
SMALL = "small.ipynb"
DEADLINE = 60_000  # milliseconds for whatever the browser is asked
POLLING = 100  # milliseconds between two looks at what is waited for
VIEWPORT = {"width": 1400, "height": 1000}
#: Nothing is saved, nobody is asked; a box that tells of a kernel that was killed is put away.
CLOSE_ALL = """async () => {
    await window.jupyterapp.restored;
    for (const widget of [...window.jupyterapp.shell.widgets('main')]) widget.dispose();
    for (const button of document.querySelectorAll('.jp-Dialog .jp-mod-accept')) button.click();
}"""
THEME = """async (theme) => {
    await window.jupyterapp.restored;
    await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
}"""

#: The attribute says what was asked for, the ground what the style sheet made of it: that comes later.
IN_THEME = """(theme) => {
    const ground = getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim();
    const light = ['white', '#fff', '#ffffff'].includes(ground);
    return light === (theme === 'light') && document.body.dataset.jpThemeLight === String(light);
}"""


def find_chromium():
    """Return the path of the system's Chromium: CHROMIUM names one, else the first on the PATH; None if there is
    none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright, path):
    """Return the browser at `path`, started without a window."""
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=FLAGS + root, timeout=DEADLINE)


def open_page(browser, server, scale=1):
    """Return a new page with JupyterLab in it.

    ``page.errors`` is what the console called an error, and exceptions nobody caught.
    """
    context = browser.new_context(viewport=VIEWPORT, device_scale_factor=scale)
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    # By itself Playwright asks before every frame, and has the browser draw one for it.
    page.wait_for_function = functools.partial(page.wait_for_function, polling=POLLING)
    page.errors = []
    page.on("console", lambda message: note(page, message))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    load(page, server)
    return page


def load(page, server):
    """Load JupyterLab into the page, in a workspace of its own: nothing is open."""
    page.goto(f"{server.url}/lab/workspaces/w{time.monotonic_ns()}?token={TOKEN}")
    page.wait_for_function("window.jupyterapp")


@contextlib.contextmanager
def lent(page, server, height=1000):
    """Lend the page with nothing open in it, light, and `height` pixels high.

    At the end no kernel and nothing that one started may be alive.
    """
    clear(page, server)
    page.set_viewport_size({**VIEWPORT, "height": height})
    set_theme(page, "JupyterLab Light")
    page.errors.clear()
    try:
        yield page
    finally:
        clear(page, server)


def clear(page, server):
    """Close all that is open in the page, and end all kernels: nothing that one started may be alive."""
    page.evaluate(CLOSE_ALL)
    left = server.end_kernels()
    assert not left, f"alive after their kernel was shut down: {left}"


def note(page, message):
    """Keep what the console calls an error."""
    if message.type == "error":
        page.errors.append(f"{message.text} ({message.location.get('url')})")


def set_theme(page, theme):
    """Change the looks of JupyterLab, and wait until the curtain is away."""
    page.evaluate(THEME, theme)
    page.wait_for_function(IN_THEME, arg="light" if theme.endswith("Light") else "dark")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def open_cells(page, server, *cells):
    """Return a new Notebook with these code cells, all run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, server.notebooks / SMALL)
    opened = Notebook(page, SMALL)
    opened.run_all()
    return opened
