"""A notebook open in the browser, and the lab in it, as a reader sees and clicks them."""

import json

OPEN = """async ([path, kernel]) => {
    const app = window.jupyterapp;
    await app.restored;
    if (!kernel) {
        const registry = app.docRegistry, usual = registry.getKernelPreference.bind(registry);
        registry.getKernelPreference = (...args) => ({...usual(...args), shouldStart: false, canStart: false});
    }
    const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    window.panel = panel;
    await panel.context.ready;
    await panel.revealed;
    if (kernel) {
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
    }
}"""
#: Notes each new picture with its alt text and the progress beside it, as long as Stop can be pressed.
WATCH = """(cell) => {
    const seen = window.seen = {pictures: [], alts: [], progress: [], over: false};
    const note = (list, value) => { if (value && !list.includes(value)) list.push(value); };
    const look = () => {
        const image = cell.querySelector('.jp-RenderedImage img'), running = !cell.querySelector('.helpers-stop').disabled;
        if (running || seen.pictures.length) {
            note(seen.pictures, image.src);
            note(seen.alts, image.alt);
            note(seen.progress, cell.querySelector('.helpers-progress-label').innerText);
        }
        if (seen.pictures.length && !running) seen.over = true; else setTimeout(look, 10);
    };
    look();
}"""


class Notebook:
    """The notebook `path` in a page of JupyterLab."""

    def __init__(self, page, path, kernel=True):
        self.page = page
        page.wait_for_function("window.jupyterapp")
        page.evaluate(OPEN, [path, kernel])

    def run_all(self):
        """Run all cells; returns when all are done."""
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def cells(self):
        """Return the cells as they would be saved."""
        return json.loads(self.page.evaluate("() => JSON.stringify(window.panel.content.model.toJSON())"))["cells"]

    def save(self):
        """Save the notebook."""
        self.page.evaluate("async () => { await window.panel.context.save(); }")

    def close(self):
        """Close the tab; the kernel goes on."""
        self.page.evaluate("() => window.panel.dispose()")

    def restart_kernel(self):
        """Restart the kernel, as after a yes to the question whether to."""
        self.page.evaluate("async () => { await window.panel.sessionContext.restartKernel(); }")

    def labs(self):
        """Return all labs in the notebook."""
        cells = self.page.locator(".jp-CodeCell:has(.helpers-lab)")
        return [Lab(cells.nth(number)) for number in range(cells.count())]

    @property
    def lab(self):
        """The only lab."""
        (lab,) = self.labs()
        return lab


class Lab:
    """One lab in a page: the cell that shows it."""

    def __init__(self, cell):
        self.cell, self.page = cell, cell.page
        self.picture = cell.locator(".jp-RenderedImage img")
        self.message = cell.locator(".helpers-message")
        self.progress = cell.locator(".helpers-progress-label")

    def button(self, name):
        """Return the button with the class helpers-`name`."""
        return self.cell.locator(f"button.helpers-{name}")

    def control(self, name):
        """Return what is typed into or chosen from in the control with the class helpers-`name`."""
        return self.cell.locator(f".helpers-{name} :is(input, select)").first

    def counts(self):
        """Return the worker counts that are pressed."""
        return [int(text) for text in self.cell.locator("button.helpers-count.mod-active").all_inner_texts()]

    def press(self, name):
        """Click a button."""
        self.button(name).click()

    def watch(self):
        """Note from now on what is seen while it runs; see `seen`."""
        self.cell.evaluate(WATCH)

    def seen(self):
        """Return what `watch` noted: pictures, alts, progress, over."""
        return self.page.evaluate("window.seen")

    def run(self):
        """Press Run; returns when Stop can be pressed."""
        self.press("run")
        self.cell.locator("button.helpers-stop:not([disabled])").wait_for()

    def wait_over(self, seconds=60):
        """Wait until Run can be pressed again."""
        self.cell.locator("button.helpers-run:not([disabled])").wait_for(timeout=seconds * 1000)
