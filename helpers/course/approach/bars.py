"""One kind of work by every approach: bars of speedups, and beside them where each approach's time goes."""

from __future__ import annotations

from helpers.course.approach.runs import TITLES, name_approach
from helpers.plots.doubts import SIGN, show_doubts
from helpers.plots.drawing import (
    COLOURS,
    FONT,
    GREY,
    HATCH,
    INK,
    SMALL_SIZE,
    STARTUP,
    TEXT_SIZE,
    new_figure,
    paler,
    rounds_text,
    style_axes,
    write_head,
    write_invitation,
)
from helpers.plots.timeline import SHARES
from helpers.records import unite_badges
from helpers.words import figures, plural, whole_percents

__all__ = ["describe_bars", "plot_approach_bars", "share_out"]

#: Where the two pictures lie on the card: speedups, and accounts.
LEFT, RIGHT = (0.115, 0.2, 0.42, 0.56), (0.575, 0.2, 0.41, 0.56)
#: How the parts of an account look: colour and hatching, so that neither stands alone.
LOOKS = {
    "working": (paler(COLOURS["processes"], 0.25), ""),
    "startup": (STARTUP, ""),
    "transfer": (paler(COLOURS["threads"], 0.35), ""),
    "waiting": ("#FFFFFF", "...."),
    "idle_tail": ("#FFFFFF", "////"),
}


def plot_approach_bars(record, kind=None, approaches=None):
    """Return the left Axes of a card: speedups of every approach on one kind of work, and the accounts at its right.

    `record` is an `ApproachMap`; `kind` is its first by default. None for the record gives the empty card of
    `approaches`. Bars of an approach that is in doubt are hatched, with a sign. The right side shares out
    each approach's time, with its start, to 100 %: of all its workers and rounds together. Chapter 07.
    """
    kind = record.kinds[0] if record is not None and kind is None else kind
    approaches = record.approaches if record is not None else approaches or ("serial", "threads")
    figure = new_figure()
    ax, account = figure.add_axes(LEFT), figure.add_axes(RIGHT)
    rows = range(len(approaches))
    gil = record is None or record.gil
    style_axes(ax, "times as fast as the serial loop, workers being up", grid="x")
    style_axes(account, "% of the workers' time, start included")
    ax.set_yticks(rows, [name_approach(each, gil) for each in approaches])
    account.set_yticks([])
    account.set_xlim(0, 100)
    for each in (ax, account):
        each.set_ylim(len(approaches) - 0.5, -0.5)
    title = f"Which approach for {TITLES[kind].replace(chr(10), ' ')}?" if kind else "Which approach?"
    if record is None or not record.of(kind, "serial"):
        ax.set_xlim(0, 2)
        write_head(ax, title, ["nothing measured yet"])
        write_invitation(ax, "Press Run: one bar an approach,\nit grows round by round")
        return ax
    end = _draw_bars(ax, record, kind)
    ax.set_xlim(0, 1.32 * end)
    ax.axvline(1, color=GREY, linewidth=1, linestyle="--", gid="one")
    _draw_accounts(account, record, kind)
    counted = [len(record.of(kind, each)) for each in approaches if record.of(kind, each)]
    how = [rounds_text(counted, short=True), f"{plural(record.usable_cpus, 'usable CPU')}"]
    write_head(ax, describe_bars(record, kind), how)
    _name_parts(account)
    show_doubts(ax, unite_badges(*(record.doubts(kind, each) for each in approaches)), width=560)
    return ax


def describe_bars(record, kind):
    """Return the message of the bars in one sentence."""
    found = {each: record.speedup(kind, each) for each in record.approaches if each != "serial"}
    parts = [f"{name_approach(each, record.gil)} {value.median:.2f}" for each, value in found.items() if value]
    what = TITLES[kind].replace("\n", " ")
    if not parts:
        return f"{what[0].upper()}{what[1:]}: no approach measured yet"
    return f"{what[0].upper()}{what[1:]}, × the serial loop: {', '.join(parts)}"


def share_out(record, kind, approach):
    """Return [(part, start, width)] of an approach's account in whole per cent that add up to 100; none unmeasured."""
    account = record.account(kind, approach)
    if account is None or not account.total:
        return []
    whole, spans, so_far = whole_percents(account.shares()), [], 0
    for part in SHARES:
        spans.append((part, so_far, whole[part]))
        so_far += whole[part]
    return [span for span in spans if span[2]]


def _draw_bars(ax, record, kind):
    """Draw a bar for each approach, with its interval; return how far the longest reaches."""
    end = 1.0
    for row, approach in enumerate(record.approaches):
        estimate, why = record.speedup(kind, approach), record.trouble(kind, approach)
        style = {"va": "center", "size": SMALL_SIZE, "color": INK, "family": FONT, "gid": "figure"}
        if estimate is None:
            ax.text(0.03, row, "failed" if why else "", **style)
            continue
        doubted = bool(record.doubts(kind, approach))
        look = {"color": paler(COLOURS[approach], 0.5), "edgecolor": INK, "linewidth": 0.6}
        ax.barh(row, estimate.median, 0.6, hatch="////" if doubted else "", gid="bar", **look)
        high = estimate.high if estimate.high is not None else estimate.median
        if estimate.low is not None and approach != "serial":
            ax.plot(
                [estimate.low, high], [row, row], color=INK, linewidth=1.4, marker="|", markersize=8, gid="interval"
            )
        end = max(end, high)
        sign = SIGN if doubted else ""
        ax.annotate(
            f"{sign}{figures(estimate).split(' ')[0]}", (high, row), (6, 0), textcoords="offset points", **style
        )
    return end


def _draw_accounts(ax, record, kind):
    for row, approach in enumerate(record.approaches):
        for part, start, width in share_out(record, kind, approach):
            colour, hatch = LOOKS[part]
            look = {"facecolor": colour, "edgecolor": HATCH, "linewidth": 0.6, "hatch": hatch}
            ax.barh(row, width, 0.6, left=start, gid=part, **look)
            if width >= 9:
                style = {"size": SMALL_SIZE, "color": INK, "family": FONT, "ha": "center", "va": "center"}
                text = ax.text(start + width / 2, row, f"{width} %", gid="share", **style)
                text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85} if hatch else None)


def _name_parts(ax):
    """Write what the parts of the accounts are in a row above them."""
    from matplotlib.patches import Patch

    patches = [
        Patch(facecolor=LOOKS[part][0], hatch=LOOKS[part][1], edgecolor=GREY, linewidth=0.6, label=words)
        for part, words in SHARES.items()
    ]
    font = {"family": FONT, "size": TEXT_SIZE - 0.5}
    place = {"loc": "lower right", "bbox_to_anchor": (1.02, 0.99), "frameon": False}
    spacing = {"handlelength": 1.2, "columnspacing": 0.9, "handletextpad": 0.35}
    ax.legend(handles=patches, ncols=len(patches), prop=font, labelcolor=INK, **place, **spacing)
