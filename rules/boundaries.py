"""Stopping boundaries: after how many events among the first participants, or how soon, a cohort signals.

Every binomial rule scores each state (n participants, s of them with an event) and signals where the score lies above
one constant; every Poisson rule names, for the n-th event, the expected count up to which it signals. The constant is
the mildest whose exact size, over all looks, stays within alpha; what goes into a rulebook is the table, frozen. It
knows numbers only. It must not know participants, and needs scipy, which is why it is imported late.

Sources: Geller et al. 2003 (beta-binomial); Ivanova, Qaqish and Schell 2005 (Pocock-type); O'Brien and Fleming 1979;
Wang and Tsiatis 1987; Wald 1945 (SPRT); Kulldorff et al. 2011 and Kulldorff and Silva 2017 (MaxSPRT).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array = NDArray[np.float64]

_TIE = 1e-12
"""Scores that differ by less, relatively, are the same number computed twice."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How a table behaves at one true probability or rate ratio: exact, over all looks."""

    cumulative: tuple[float, ...]  # the probability of a signal by each look
    expected_events: float

    @property
    def signals(self) -> float:
        """The probability that it ever signals: its size where the truth is the null, else its power."""
        return self.cumulative[-1]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A binomial table: `signal_at[n - 1]` events among the first n signal; n + 1 means that none can."""

    signal_at: tuple[int, ...]
    constant: float

    @property
    def firsts(self) -> tuple[tuple[int, int], ...]:
        """The table as "k among the first m": for each k the largest m that it signals at."""
        last = {k: m for m, k in enumerate(self.signal_at, 1) if k <= m}
        return tuple(sorted(last.items()))


def operation(signal_at: Sequence[int], p: float) -> Operation:
    """Walk every state that has not signalled through the looks, at a probability p of an event in each participant."""
    running, stopped, events = np.zeros(len(signal_at) + 2), 0.0, 0.0
    running[0] = 1.0
    cumulative = []
    for limit in signal_at:
        moved = running * p
        running *= 1 - p
        running[1:] += moved[:-1]
        out = running[limit:]
        stopped += float(out.sum())
        events += float(out @ np.arange(limit, running.size))
        out[:] = 0.0
        cumulative.append(stopped)
    return Operation(tuple(cumulative), events + float(running @ np.arange(running.size)))


Score = Callable[[Array, Array], Array]
"""Scores of events s among the first n, growing in s."""


def beta_binomial(p0: float, prior_size: float = 4.0) -> Score:
    """Score by the posterior probability that the true one is above p0, prior Beta(size p0, size (1 - p0))."""
    a, b = prior_size * p0, prior_size * (1 - p0)
    return lambda n, s: special.betaincc(a + s, b + n - s, p0)


def pocock(p0: float) -> Score:
    """Score by the exact upper tail, negated: the same improbability at every look."""
    return lambda n, s: -stats.binom.sf(s - 1, n, p0)


def wang_tsiatis(p0: float, looks: int, delta: float) -> Score:
    """Score by the excess over the expected, in (n / N) ** (delta - 1/2) standard deviations.

    With delta = 0 that is O'Brien-Fleming: the standard deviation of the last look, at every look.
    """
    return lambda n, s: (s - n * p0) / ((n / looks) ** (delta - 0.5) * np.sqrt(n * p0 * (1 - p0)))


def sprt(p0: float, p1: float) -> Score:
    """Score by the log likelihood ratio of p1 to p0."""
    return lambda n, s: s * np.log(p1 / p0) + (n - s) * np.log((1 - p1) / (1 - p0))


def maxsprt(p0: float) -> Score:
    """Score by the largest log likelihood ratio that any probability above p0 has."""
    return lambda n, s: np.where(
        s > n * p0, special.xlogy(s, s / (n * p0)) + special.xlogy(n - s, (n - s) / (n * (1 - p0))), -np.inf
    )


def calibrate(score: Score, looks: int, p0: float, alpha: float, min_events: int = 1) -> Boundary:
    """Return the table of the mildest constant whose exact size is at most alpha.

    Raise ValueError where no table but the empty one is that small.
    """
    n, s = np.arange(1.0, looks + 1)[:, None], np.arange(0.0, looks + 1)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where((s <= n) & (s >= min_events), score(n, np.minimum(s, n)), -np.inf)
    values = np.unique(scores[np.isfinite(scores)])
    edges = values[np.append(np.diff(values) > _TIE * np.abs(values[1:]), True)]
    low, high = -1, edges.size - 1  # above edges[high] nothing signals, which has size 0
    while high - low > 1:
        middle = (low + high) // 2
        if operation(_table(scores, edges[middle]), p0).signals <= alpha:
            high = middle
        else:
            low = middle
    table = _table(scores, edges[high])
    if all(k > m for m, k in enumerate(table, 1)):
        raise ValueError(f"no boundary over {looks} participants has a size of at most {alpha:g} at p0 = {p0:g}")
    return Boundary(table, float(edges[high]))


def _table(scores: Array, constant: float) -> tuple[int, ...]:
    """Return for each look the first count whose score is above a constant, or one more than there are participants."""
    above = scores > constant + _TIE * abs(constant)
    looks = np.arange(1, above.shape[0] + 1)
    return tuple(int(k) for k in np.where(above.any(axis=1), above.argmax(axis=1), looks + 1))


Deadlines = Callable[[Array, float], Array]
"""For the n-th event and a constant, the expected count up to which it signals; it grows with n."""


@dataclass(frozen=True, slots=True)
class RateBoundary:
    """A Poisson table: the n-th event, from the first that may, signals where at most `by[n - first]` were expected.

    The last deadline is the expected count at which monitoring ends; of later events none is needed.
    """

    first: int
    by: tuple[float, ...]
    constant: float


def rate_operation(first: int, by: Sequence[float], ratio: float = 1.0) -> Operation:
    """Walk the counts that have not signalled from one deadline to the next, at a true ratio to the expected rate.

    Between the deadlines of the events before and of the n-th, whatever reaches n events signals there.
    """
    running, stopped, events, before = np.ones(1), 0.0, 0.0, 0.0
    cumulative = []
    for n, deadline in enumerate(by, first):
        step = ratio * (deadline - before)
        counts = np.arange(step + 10 * np.sqrt(step) + 30)  # more arrive with a probability below 1e-18
        still = np.convolve(running, np.exp(special.xlogy(counts, step) - step - special.gammaln(counts + 1)))[:n]
        signalled = max(float(running.sum() - still.sum()), 0.0)
        stopped, events, running, before = stopped + signalled, events + n * signalled, still, deadline
        cumulative.append(stopped)
    return Operation(tuple(cumulative), events + float(running @ np.arange(running.size)))


def poisson_maxsprt(n: Array, constant: float) -> Array:
    """Let the n-th event signal while the largest log likelihood ratio of a higher rate is at least the constant."""
    deadlines: Array = -n * special.lambertw(-np.exp(-1 - constant / n)).real
    return deadlines


def poisson_tail(n: Array, constant: float) -> Array:
    """Let the n-th event signal while as many by then have at most this probability."""
    deadlines: Array = stats.gamma.ppf(constant, n)
    return deadlines


def gamma_poisson(shape: float, rate: float) -> Deadlines:
    """Let the n-th event signal while the posterior probability of a ratio above 1 is at least the constant."""
    return lambda n, constant: np.maximum(stats.gamma.ppf(1 - constant, shape + n) - rate, 0.0)


def calibrate_rate(
    deadlines: Deadlines, constants: tuple[float, float], most: float, alpha: float, min_events: int = 1
) -> RateBoundary:
    """Return the table whose exact size up to an expected count is alpha, its constant between a mild and a strict one.

    Raise ValueError where the mild one is too strict already.
    """

    def table(constant: float) -> tuple[float, ...]:
        events = min_events + np.arange(64.0)
        while (by := deadlines(events, constant))[-1] < most:
            events = min_events + np.arange(2.0 * events.size)
        return (*(float(deadline) for deadline in by[by < most]), most)

    def excess(constant: float) -> float:
        return rate_operation(min_events, table(constant)).signals - alpha

    mild, strict = constants
    if excess(mild) < 0:
        raise ValueError(f"no boundary up to {most:g} expected events has a size of {alpha:g}")
    constant = float(optimize.brentq(excess, mild, strict, xtol=1e-15, rtol=1e-14))
    return RateBoundary(min_events, table(constant), constant)
