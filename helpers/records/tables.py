"""A sweep as an HTML table, for notebooks; its text form is `str`."""

from __future__ import annotations

from string import ascii_lowercase

from helpers.words import html_paragraph, html_table, plural, seconds

HEADS = ("engine", "workers", "wall time", "speedup", "interval", "remarks")


def sweep_html(sweep, pairs):
    """Return `sweep` as HTML: one row for each of `pairs`, every remark once under the table, then the problems.

    A remark is named in its rows by a letter. Those of the serial loop, of whose time every speedup is a ratio, stand
    in its own row alone.
    """
    numbers, rows = {}, []
    for engine, n_workers in pairs:
        marks = []
        for badge in sweep.badges(engine, n_workers):
            if not badge.startswith("serial loop: "):
                marks.append(numbers.setdefault(badge, len(numbers)))
        remarks = ", ".join(map(name_remark, sorted(marks)))
        rows.append((engine, str(n_workers), *_figures(sweep, engine, n_workers), remarks))
    title = f"{sweep.function} over {plural(sweep.n_items, 'item')}" + ("" if sweep.complete else " (stopped early)")
    notes = [f"{name_remark(number)}: {badge}" for badge, number in numbers.items()]
    if any(engine == "serial" and remarks for engine, *_, remarks in rows):
        notes.append("A doubt about the serial loop is a doubt about every speedup.")
    notes += dict.fromkeys(problem.reason for problem in sweep.problems)
    return "".join([html_paragraph(title), html_table(HEADS, rows), *map(html_paragraph, notes)])


def name_remark(number):
    """Return the letter, or letters, of a remark.

    >>> name_remark(0), name_remark(25), name_remark(26)
    ('a', 'z', 'aa')
    """
    rounds, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] * (rounds + 1)


def _figures(sweep, engine, n_workers):
    """Return wall time, speedup and interval of a pair as text; none of a pair with a problem."""
    if sweep.problem(engine, n_workers):
        return "no figures", "", ""
    wall, speedup = sweep.wall(engine, n_workers), sweep.speedup(engine, n_workers)
    interval = "none" if speedup.low is None else f"{speedup.low:.2f} to {speedup.high:.2f}"
    if engine == "serial":  # it is 1 by definition
        interval = ""
    return seconds(wall.median), f"{speedup.median:.2f}", interval
