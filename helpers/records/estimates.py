"""`Estimate`: a median with its interval; and what models and advice say, which rests on estimates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median

from helpers.records.intervals import median_interval
from helpers.words import html_paragraph

#: Rounds needed before an interval is given.
MIN_ROUNDS = 3
#: Rounds from which on an interval is called one of 95 % without a word on how few they are: with fewer, one slow round
#: makes it several times as wide.
GOOD_ROUNDS = 5


@dataclass(frozen=True, repr=False)
class Estimate:
    """A median with its 95 % interval; ``low``/``high`` are None below 3 rounds.

    Below `GOOD_ROUNDS` rounds the interval is rough: of a `Sweep` it rests on what noise is usually like, and is wide;
    of other records it spans the rounds, which holds the truth in 75 % of the cases at 3 rounds.
    """

    median: float
    low: float | None = None
    high: float | None = None
    n_rounds: int = 0

    def __str__(self):
        digits = ".2f" if 0.1 <= abs(self.median) < 100 else ".3g"
        if self.low is None:
            return f"{self.median:{digits}} (no interval: {self.n_rounds} of {MIN_ROUNDS} rounds)"
        return f"{self.median:{digits}} ({self.low:{digits}} to {self.high:{digits}})"

    __repr__ = __str__


@dataclass(frozen=True)
class Fit:
    """A scalability law fitted to measured speedups or throughputs: ``γ·n / (1 + σ·(n−1) + κ·n·(n−1))``.

    ``serial_fraction`` is σ, ``coherency`` κ (0 for Amdahl), ``scale`` γ (what one worker reaches, in the unit of what
    was measured); all at least 0. ``largest_measured`` bounds how far the curve may be drawn: to twice that count.

    How sure it is: ``draws`` are the coefficients γ, σ, κ of each bootstrap draw over rounds. A fit of plain figures
    has their asymptotic ``covariance`` instead, and ``t``, half of a 95 % interval in standard errors (Student's t with
    ``freedom`` degrees of freedom); its intervals are symmetric and may reach below 0. Both are empty for a sweep of
    fewer than 3 rounds.
    """

    law: str
    scale: Estimate
    serial_fraction: Estimate
    coherency: Estimate
    n_points: int
    largest_measured: int
    peak_workers: float | None = None
    weights: str = "absolute"
    freedom: int = 0
    t: float | None = None
    covariance: tuple | None = field(default=None, repr=False)
    draws: tuple = field(default=(), repr=False)

    def speedup(self, n_workers):
        """Return the fitted speedup, or throughput, at `n_workers` (a number or an array)."""
        loss = self.serial_fraction.median * (n_workers - 1) + self.coherency.median * n_workers * (n_workers - 1)
        return self.scale.median * n_workers / (1 + loss)

    @property
    def standard_errors(self):
        """The standard errors of γ, σ and κ: asymptotic, or the spread of the draws; None where neither is known."""
        import numpy as np

        if self.draws:
            return tuple(np.std(self.draws, axis=0, ddof=1).tolist())
        return None if self.covariance is None else tuple(np.sqrt(np.diag(self.covariance)).tolist())

    def band(self, n_workers):
        """Return the 95 % interval of the law at `n_workers`, a number or an array, as (low, high); None without any.

        It says where the law may lie, at each count by itself, not where further measurements would. By the draws, or
        by the covariance carried over to the law (delta method: takes the law as straight within the errors).
        """
        if not self.draws and self.covariance is None:
            return None
        import numpy as np

        n = np.asarray(n_workers, float)
        if self.draws:
            gamma, sigma, kappa = np.array(self.draws).T.reshape(3, -1, *[1] * n.ndim)
            return tuple(np.percentile(gamma * n / (1 + sigma * (n - 1) + kappa * n * (n - 1)), (2.5, 97.5), axis=0))
        law = self.speedup(n)
        by_loss = -(law**2) / (self.scale.median * n)
        slopes = np.stack([law / self.scale.median, by_loss * (n - 1), by_loss * n * (n - 1)], axis=-1)
        half = self.t * np.sqrt(((slopes @ np.array(self.covariance)) * slopes).sum(axis=-1))
        return np.maximum(law - half, 0), law + half


@dataclass(frozen=True)
class Finding:
    """One step of an Advice: what was compared, the figure, the threshold it was held against, and what follows."""

    what: str
    figure: Estimate
    threshold: float
    follows: str

    def __str__(self):
        return f"{self.what}: {self.figure}, against {self.threshold:.2f}: {self.follows}."


@dataclass(frozen=True, repr=False)
class Advice:
    """What to do, and the measurement it rests on. ``engine`` is "serial" for "stay serial".

    ``reason`` says it in words, its doubts among them; ``doubts`` are those of the figures that decide. ``sure`` is
    False where it is undecided, or hedged. ``findings`` are the steps that led to it, each with its figure and
    threshold; `explain` lists them.
    """

    engine: str
    n_workers: int
    chunksize: int | None
    reason: str
    evidence: Estimate | None = None
    doubts: tuple[str, ...] = ()
    sure: bool = True
    findings: tuple[Finding, ...] = ()

    def __str__(self):
        return self.reason

    __repr__ = __str__

    def explain(self):
        """Return the steps that led to the advice as text, one a line, each with its figure and threshold."""
        return "\n".join(map(str, self.findings)) or "Nothing was compared."

    def _repr_html_(self):
        steps = "".join(map(html_paragraph, map(str, self.findings)))
        return html_paragraph(self.reason) + (f"<details><summary>Why</summary>{steps}</details>" if steps else "")


def is_clear(larger, smaller):
    """Return whether the interval of `larger` lies above that of `smaller`; False where one has no interval.

    >>> is_clear(Estimate(5, 4, 6, 5), Estimate(2, 1, 3, 5)), is_clear(Estimate(5, 4, 6, 5), Estimate(4.5, 3, 5, 5))
    (True, False)
    >>> is_clear(Estimate(5), Estimate(2))
    False
    """
    return None not in (larger.low, smaller.high) and larger.low > smaller.high


def estimate_ratio(above, below=None, *, rough=True):
    """Return the Estimate of median(above) / median(below), its interval by what the ratio is round by round.

    `above` and `below` hold one value a round, in the same order: a slow moment of the machine falls on both, and
    leaves their ratio alone. The interval is that of `helpers.records.intervals.median_interval`, which assumes that
    rounds do not depend on each other; it always holds the median that is told. `rough` intervals of fewer than
    `GOOD_ROUNDS` rounds span these rounds, no more.
    """
    return _estimate_ratio(tuple(above), None if below is None else tuple(below), rough)


@lru_cache(maxsize=1024)  # pictures of a sweep that grows ask for all pairs in every frame, and one of them has changed
def _estimate_ratio(above, below, rough):
    n_rounds = len(above)
    centre = median(above) / (median(below) if below is not None else 1.0)
    if n_rounds < MIN_ROUNDS or (below is not None and min(below) <= 0):  # no ratio by a round that took no time
        return Estimate(centre, n_rounds=n_rounds)
    ratios = above if below is None else [one / other for one, other in zip(above, below, strict=True)]
    spans = rough and n_rounds < GOOD_ROUNDS
    low, high = (min(ratios), max(ratios)) if spans else median_interval([float(ratio) for ratio in ratios])
    return Estimate(centre, float(min(low, centre)), float(max(high, centre)), n_rounds)
