"""Numbers and lists in words, as every text, table and picture of the course shows them. Standard library only.

One place for units, digits and plurals: what two texts say of one number is then the same.
"""

from __future__ import annotations

import html
import re
import reprlib
from math import floor

MIB = 2**20
#: What the workers of an engine are called, one and many; of other engines: "4 dask workers".
WORKER_NAMES = {
    "threads": ("thread", "threads"),
    "asyncio": ("asyncio task", "asyncio tasks"),
    "processes": ("process", "processes"),
    "interpreters": ("interpreter", "interpreters"),
}
#: What the lane of a worker is called, where it is not "worker".
LANE_NAMES = {"asyncio": "slot"}
#: From which on tasks that take longer side by side than one after the other are spoken of.
SLOWER = 1.1
#: Characters of a value's ``repr`` that an error message shows.
SHOWN = 80


def plural(number, one, many=None):
    """Return a number with its noun, thousands apart by commas.

    >>> plural(1, "worker"), plural(0, "item"), plural(1200, "item"), plural(2, "process")
    ('1 worker', '0 items', '1,200 items', '2 processes')
    """
    return f"{number:,} {noun(number, one, many)}"


def out_of(done, total, one, many=None):
    """Return how many of how many, with the noun that goes with the latter.

    >>> out_of(1, 1, "round"), out_of(12, 1200, "run")
    ('1 of 1 round', '12 of 1,200 runs')
    """
    return f"{done:,} of {plural(total, one, many)}"


def median_of(n_rounds):
    """Return what a figure by so many rounds is.

    >>> median_of(1), median_of(3)
    ('1 round', 'median of 3 rounds')
    """
    return f"{'median of ' if n_rounds > 1 else ''}{plural(n_rounds, 'round')}"


def noun(number, one, many=None):
    """Return the noun that goes with a number: `one` for 1, else `many`, by default with s or es.

    >>> noun(1, "round"), noun(3, "round"), noun(2, "child", "children")
    ('round', 'rounds', 'children')
    """
    if number == 1:
        return one
    return many or one + ("es" if one.endswith(("s", "x", "ch", "sh")) else "s")


def listing(names, last="and"):
    """Return names in a row as a sentence has them.

    >>> listing(["a"]), listing(["a", "b", "c"]), listing(["a", "b"], "or")
    ('a', 'a, b and c', 'a or b')
    """
    names = [str(name) for name in names]
    return f" {last} ".join([part for part in (", ".join(names[:-1]), *names[-1:]) if part])


def shown(value):
    """Return a value as an error message shows it: its ``repr`` in one line, cut short, whatever that ``repr`` does.

    >>> shown("a" * 500) == repr("a" * 500), len(shown("a" * 500)) <= SHOWN, shown(10**400)[:5]
    (False, True, '10000')
    """
    short = reprlib.Repr()
    short.maxstring = short.maxlong = short.maxother = SHOWN
    try:
        text = re.sub(r"\s*\n\s*", " ", short.repr(value))[: 2 * SHOWN]
        return text.encode(errors="backslashreplace").decode()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a repr may raise anything, SystemExit too
        return f"<{type(value).__name__} that cannot be shown>"


def seconds(duration):
    """Return a duration with a unit that suits it, from nanoseconds up; three digits.

    >>> seconds(1.234), seconds(0.0123), seconds(4.2e-05), seconds(1e-7), seconds(154.2)
    ('1.23 s', '12.3 ms', '42 µs', '100 ns', '154 s')
    """
    return _with_unit(duration, ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")))


def best_times(timings, n_calls=1):
    """Return the shortest time of each way in a line of its own, by call if each timing is of `n_calls`.

    >>> print(best_times({"sent": [0.4, 0.3], "by name": [0.03, 0.05]}))
    sent: 300 ms
    by name: 30 ms
    """
    return "\n".join(f"{name}: {seconds(min(times) / n_calls)}" for name, times in timings.items())


def size(size_bytes):
    """Return a number of bytes with a decimal unit, as sizes of messages and files are given.

    >>> size(1), size(10_000), size(64_000_000)
    ('1 B', '10 kB', '64 MB')
    """
    return _with_unit(size_bytes, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")))


def memory(size_bytes):
    """Return a number of bytes with a binary unit, as memory is given.

    >>> memory(300 * 2**20), memory(3 * 2**29)
    ('300 MiB', '1.5 GiB')
    """
    return f"{size_bytes / 2**30:.1f} GiB" if size_bytes >= 2**30 else f"{size_bytes / MIB:.0f} MiB"


def bandwidth(bytes_per_second):
    """Return a bandwidth with a unit that suits it.

    >>> bandwidth(2_500_000_000), bandwidth(20_000)
    ('2.5 GB/s', '20 kB/s')
    """
    return size(bytes_per_second) + "/s"


def rate(per_second):
    """Return how many a second, without an exponent: three digits, of millions two.

    >>> rate(1_671_408.2), rate(23_000_000), rate(8513), rate(19.5), rate(0)
    ('1.7 million', '23 million', '8,510', '19.5', '0')
    """
    if per_second >= 999_500:
        return f"{per_second / 1e6:.0f} million" if per_second >= 9.95e6 else f"{per_second / 1e6:.1f} million"
    if per_second < 999.5:
        return f"{per_second:.3g}"
    digits = len(str(int(per_second))) - 3
    return f"{round(per_second, -digits):,.0f}"


def percent(share, digits=0):
    """Return a share of 1 in per cent.

    >>> percent(0.347), percent(0.0042, 1), percent(1)
    ('35 %', '0.4 %', '100 %')
    """
    return f"{100 * share:.{digits}f} %"


def whole_percents(shares):
    """Return shares that add up to 1 as whole per cents that add up to 100: largest remainder first.

    All 0 if all shares are.

    >>> whole_percents({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    {'a': 34, 'b': 33, 'c': 33}
    """
    exact = {name: 100 * share for name, share in shares.items()}
    whole = {name: floor(value) for name, value in exact.items()}
    missing = round(sum(exact.values())) - sum(whole.values())
    for name in sorted(exact, key=lambda name: whole[name] - exact[name])[:missing]:
        whole[name] += 1
    return whole


def figures(estimate):
    """Return an Estimate for a sentence: ``3.21 (3.10 to 3.30)``, the median alone where there is no interval."""
    if estimate.low is None:
        return f"{estimate.median:.2f}"
    return f"{estimate.median:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def sentences(*texts):
    """Return texts as sentences in a row, each with a capital letter and a full stop; empty ones are left out.

    >>> sentences("use 2 processes.", "", "in doubt: wide interval")
    'Use 2 processes. In doubt: wide interval.'
    """
    return " ".join(f"{text[0].upper()}{text[1:].removesuffix('.')}." for text in texts if text)


def say_slowdown(slowdown):
    """Return how many times as long a task takes side by side as in the serial loop; "" below `SLOWER`.

    This is what efficiency lacks where the workers are hardly ever idle.

    >>> say_slowdown(1.42), say_slowdown(1.04)
    ('side by side a task takes 1.4 times as long as in the loop', '')
    """
    return f"side by side a task takes {slowdown:.1f} times as long as in the loop" if slowdown >= SLOWER else ""


def say_doubts(badges):
    """Return all doubts in one phrase, "" where there are none.

    >>> say_doubts(("rounds differ by more than 10 %", "wide interval")), say_doubts(())
    ('in doubt: rounds differ by more than 10 %; wide interval', '')
    """
    return f"in doubt: {'; '.join(badges)}" if badges else ""


def worker_name(engine, n_workers):
    """Return the workers of an engine in words.

    >>> worker_name("processes", 1), worker_name("processes", 4), worker_name("pool", 2)
    ('1 process', '4 processes', '2 pool workers')
    """
    one, many = WORKER_NAMES.get(engine, (f"{engine} worker", f"{engine} workers"))
    return f"{n_workers:,} {one if n_workers == 1 else many}"


def lane_name(engine):
    """Return what the lane of a worker is called.

    >>> lane_name("pool"), lane_name("asyncio")
    ('worker', 'slot')
    """
    return LANE_NAMES.get(engine, "worker")


def text_table(rows):
    """Return rows of text in aligned columns; plain ASCII stays readable on any console."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    padded = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def html_table(heads, rows):
    """Return a table without any colour of its own, so that it reads in a dark theme too."""
    left = ' style="text-align:left"'
    head = "".join(f'<th scope="col"{left}>{html.escape(cell)}</th>' for cell in heads)
    body = ""
    for first, *others in rows:
        cells = "".join(f"<td{left}>{html.escape(cell)}</td>" for cell in others)
        body += f'<tr><th scope="row"{left}>{html.escape(first)}</th>{cells}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def as_html(text):
    """Return a text for a page, in which no line ends between a number and its unit.

    >>> as_html("a < b: 10 % of 28.3 µs, 12 GB/s").replace("\u00a0", "_")
    'a &lt; b: 10_% of 28.3_µs, 12_GB/s'
    """
    return re.sub(r"(?<=\d) (?=(?:%|[nµm]?s|[kMGT]?B|[kMGT]iB)(?!\w))", "\u00a0", html.escape(text))


def html_paragraph(text):
    """Return a text that a notebook breaks between words, never within one, in lines that can be read."""
    style = "max-width:60em;margin:4px 0;white-space:normal;overflow-wrap:normal;word-break:normal"
    return f'<p style="{style}">{as_html(text)}</p>'


def _with_unit(value, units):
    """Return `value` in the largest unit of which there is one, else in the smallest."""
    factor, unit = next(((f, u) for f, u in units if abs(value) >= 0.9995 * f), units[-1])
    value = value / factor
    return f"{value:.3g} {unit}" if abs(value) < 999.5 else f"{value:.0f} {unit}"
