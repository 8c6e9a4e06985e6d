"""The speedup lab in a small notebook: clicked, watched, stopped."""

import pytest

SOON = """
from helpers.labs import SpeedupLab
from helpers.tasks.cpu import count_primes
lab = SpeedupLab(count_primes, [20_000] * 8, engines=("threads", "processes"), n_workers=(1,), repeats=2)
"""


def test_run_draws_while_it_measures_and_ends_with_advice(open_lab, screenshots):
    notebook = open_lab(SOON, scale=2)
    lab = notebook.lab
    lab.cell.locator("button.helpers-count", has_text="2").click()
    assert lab.counts() == [1, 2]
    lab.watch()
    lab.run()
    lab.wait_over()
    seen = lab.seen()
    print({k: len(v) if isinstance(v, list) else v for k, v in seen.items()}, seen["progress"], seen["alts"], lab.message.inner_text())
    lab.cell.screenshot(path=screenshots / "x.png")
    print(notebook.page.errors)
