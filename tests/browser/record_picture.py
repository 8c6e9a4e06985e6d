"""Make the README's picture, docs/speedup-lab.png: the lab in JupyterLab after a complete run on this machine.

::

    cd tests && python -m browser.record_picture

Best on a machine that does nothing else: the figures in it are measured.
"""

import io
import signal
import sys
import tempfile
from pathlib import Path

from PIL import Image  # comes with matplotlib
from playwright.sync_api import sync_playwright

from .jupyter import ROOT, LabServer
from .pages import find_chromium, launch, open_cells, open_page

PICTURE = ROOT / "docs" / "speedup-lab.png"
MAKE = """
from helpers.labs import SpeedupLab
from helpers.tasks.cpu import count_primes
lab = SpeedupLab(count_primes, [40_000] * 16,
                 engines=("threads", "processes"), n_workers=(1, 2, 3, 4), repeats=5, guess=2.5)
"""
MARGIN = 14


def take_picture(page, lab):
    """Return the lab from its controls to its advice, without the cell around it, as PNG bytes."""
    picture, message = lab.picture.bounding_box(), lab.message.bounding_box()
    top = lab.cell.locator(".helpers-lab").bounding_box()["y"]
    bottom = max(message["y"] + message["height"], picture["y"] + picture["height"] + 40)
    clip = {
        "x": picture["x"] - MARGIN,
        "y": top,
        "width": picture["width"] + 2 * MARGIN,
        "height": bottom + MARGIN - top,
    }
    return page.screenshot(clip=clip)


def main():
    """Run the lab and write the picture."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended in any case
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "notebooks").mkdir()
        server, browser = LabServer(Path(folder), Path(folder) / "notebooks"), launch(playwright, find_chromium())
        try:
            server.wait_ready()
            page = open_page(browser, server, scale=2)
            (lab,) = open_cells(page, server, MAKE, "lab").labs()
            lab.run()
            lab.wait_over(300)
            lab.wait_drawn()
            page.mouse.move(0, 0)
            image = Image.open(io.BytesIO(take_picture(page, lab)))
            print(lab.message.inner_text(), image.size)
        finally:
            browser.close()
            server.stop()
    PICTURE.parent.mkdir(exist_ok=True)
    image.convert("RGB").quantize(192, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(PICTURE, f"{PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
