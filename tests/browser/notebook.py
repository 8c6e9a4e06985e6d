"""A notebook open in the browser, and the lab in it, as a reader sees and clicks them."""

import json
import re

OPEN = """async ([path, kernel]) => {
    const app = window.jupyterapp;
    await app.restored;
    const registry = app.docRegistry, usual = registry.getKernelPreference;
    if (!kernel)
        registry.getKernelPreference = (...args) => ({...usual.apply(registry, args), shouldStart: false, canStart: false});
    const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    registry.getKernelPreference = usual;
    window.panel = panel;
    await panel.context.ready;
    await panel.revealed;
    if (kernel) {
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
    }
}"""
#: The command to run all cells sometimes returns before the last ones have run.
ALL_DONE = """() => {
    const models = window.panel.content.widgets.map(cell => cell.model);
    const cells = models.filter(model => model.type === 'code' && model.sharedModel.source.trim());
    const failed = cells.some(model => model.outputs.toJSON().some(output => output.output_type === 'error'));
    return failed || (cells.every(model => model.executionCount) && window.panel.sessionContext.session.kernel.status === 'idle');
}"""
#: Notes each new picture with its alt text and the progress beside it, as long as Stop can be pressed.
WATCH = """(cell) => {
    const seen = window.seen = {pictures: [], alts: [], progress: [], over: false};
    const note = (list, value) => { if (value && !list.includes(value)) list.push(value); };
    const look = () => {
        const image = cell.querySelector('.helpers-picture'), label = cell.querySelector('.helpers-progress-label');
        const alt = cell.querySelector('.helpers-alt');
        const running = !cell.querySelector('.helpers-stop').disabled;
        if (running || seen.pictures.length) {
            note(seen.pictures, image?.src);
            note(seen.alts, alt?.textContent.trim());
            note(seen.progress, label.innerText);
        }
        if (seen.pictures.length && !running) {
            seen.over = true;
            observer.disconnect();
        }
    };
    const observer = new MutationObserver(look);
    observer.observe(cell, {subtree: true, childList: true, attributes: true, characterData: true});
}"""

CONTRASTS = """(cell) => {
    const rgba = (text) => { const found = text.match(/[\\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
    const over = (top, ground) => [0, 1, 2].map(k => top[k] * top[3] + ground[k] * (1 - top[3])).concat(1);
    const ground = (node) => {
        const layers = [];
        for (; node; node = node.parentElement) layers.unshift(rgba(getComputedStyle(node).backgroundColor));
        return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
    };
    const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const found = {};
    const boxes = ['.helpers-lab .widget-label', 'button[class*=helpers-]:not([disabled])', '.helpers-lab input', '.helpers-lab select',
                   '.helpers-message .widget-html-content > div'];
    for (const node of cell.querySelectorAll(boxes.join())) {
        const text = (node.innerText || node.value || '').trim();
        if (!text || !node.offsetParent) continue;
        const below = ground(node), above = over(rgba(getComputedStyle(node).color), below);
        const [dark, bright] = [light(below), light(above)].sort((a, b) => a - b);
        found[text] = bright / dark;
    }
    return found;
}"""

ROWS = """(cell) => {
    const rows = [];
    for (const node of cell.querySelectorAll('.helpers-lab > * > *')) {
        const box = node.getBoundingClientRect(), middle = box.top + box.height / 2;
        if (!box.height) continue;
        let row = rows.find(one => Math.abs(one.middle - middle) < 12);
        if (!row) rows.push(row = {middle, said: []});
        row.said.push(node.innerText.trim());
    }
    return rows.map(row => row.said);
}"""
CUT_OFF = """(cell) => {
    const edge = cell.querySelector('.helpers-picture').getBoundingClientRect().right;
    const nodes = [...cell.querySelectorAll('.helpers-lab :is(.widget-label, .helpers-guess .widget-readout, button, input, select), button.helpers-code')];
    return nodes.filter(one => one.offsetParent && (one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > edge + 1))
        .map(one => one.innerText || one.value);
}"""


class Notebook:
    """The notebook `path` in a page of JupyterLab."""

    def __init__(self, page, path, kernel=True):
        self.page = page
        page.wait_for_function("window.jupyterapp")
        page.evaluate(OPEN, [path, kernel])

    def run_all(self):
        """Run all cells; returns when all are done, or one has failed."""
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(ALL_DONE, timeout=120_000)

    def cells(self):
        """Return the cells as they would be saved."""
        return json.loads(self.page.evaluate("() => JSON.stringify(window.panel.content.model.toJSON())"))["cells"]

    def save(self):
        """Save the notebook."""
        self.page.evaluate("async () => { await window.panel.context.save(); }")

    def close(self, kernel=False):
        """Close the tab; the kernel goes on, unless `kernel` says that it ends."""
        self.page.evaluate(
            "async (kernel) => { if (kernel) await window.panel.sessionContext.shutdown(); window.panel.dispose(); }",
            kernel,
        )

    def restart_kernel(self):
        """Restart the kernel, as after a yes to the question whether to."""
        self.page.evaluate("async () => { await window.panel.sessionContext.restartKernel(); }")

    def labs(self, at_least=1):
        """Return all labs in the notebook; waits until there are `at_least` so many: views come after their cells are
        done."""
        cells = self.page.locator(".jp-CodeCell:has(.helpers-lab)")
        cells.nth(at_least - 1).wait_for()
        return [Lab(cells.nth(number)) for number in range(cells.count())]


class Lab:
    """One lab in a page: the cell that shows it."""

    def __init__(self, cell):
        self.cell, self.page = cell, cell.page
        self.picture = cell.locator("img.helpers-picture")
        self.message = cell.locator(".helpers-message")
        self.progress = cell.locator(".helpers-progress-label")

    def button(self, name):
        """Return the button with the class helpers-`name`."""
        return self.cell.locator(f"button.helpers-{name}")

    def control(self, name):
        """Return what is typed into or chosen from in the control with the class helpers-`name`."""
        return self.cell.locator(f".helpers-{name} :is(input, select)").first

    def count(self, n_workers):
        """Return the toggle button of a worker count."""
        return self.cell.locator("button.helpers-count").get_by_text(str(n_workers), exact=True)

    def counts(self):
        """Return the worker counts that are pressed."""
        return [int(text) for text in self.cell.locator("button.helpers-count.mod-active").all_inner_texts()]

    def fill(self, name, text):
        """Write `text` into a control and leave it."""
        control = self.control(name)
        control.fill(text)
        control.dispatch_event("change")  # leaving it does so too, but not always on a busy machine
        control.press("Tab")

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

    def wait_drawn(self):
        """Wait for what comes after a run: the picture for dense screens, and the advice."""
        self.cell.locator(".helpers-message", has_text=re.compile(r"\S")).wait_for()
        sharp = "(cell) => cell.querySelector('.helpers-picture')?.naturalWidth >= 1800"
        self.page.wait_for_function(sharp, arg=self.cell.element_handle())

    def stop(self):
        """Press Stop if it can be pressed, and wait until it is over."""
        if self.button("stop").is_enabled():
            self.press("stop")
        self.wait_over()

    def boxes(self):
        """Return where Run, the picture and, if there is one, Show code lie in the cell: name -> x, y, width,
        height."""
        found = {"run": self.button("run"), "picture": self.picture}
        if self.button("code").count():
            found["code"] = self.button("code")
        top = self.cell.bounding_box()
        boxes = {name: one.bounding_box() for name, one in found.items()}
        return {
            name: (
                round(box["x"] - top["x"], 1),
                round(box["y"] - top["y"], 1),
                round(box["width"], 1),
                round(box["height"], 1),
            )
            for name, box in boxes.items()
        }

    def alt(self):
        """Return the message of the picture, as screen readers have it."""
        return self.cell.locator(".helpers-alt").inner_text().strip()

    def contrasts(self):
        """Return the contrast of text to ground (WCAG, 1 to 21) for all labels and enabled buttons: text -> ratio."""
        return self.cell.evaluate(CONTRASTS)

    def rows(self):
        """Return the rows in which the controls stand, each the list of what its controls say."""
        return self.cell.evaluate(ROWS)

    def cut_off(self):
        """Return labels, buttons and fields whose text is wider than they are, or that end right of the picture."""
        return self.cell.evaluate(CUT_OFF)
