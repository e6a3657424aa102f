"""How likely so few of so many are, where the share itself varies from one cohort to another.

The beta-binomial distribution by its definition: a cohort has some hundreds of participants, and the daemon need not
load scipy, with its seconds and megabytes, for a sum of that many terms once a day.
"""

from math import exp, fsum, lgamma


def lower_tail(events: int, participants: int, mean: float, correlation: float) -> float:
    """Return the probability of `events` or fewer among `participants`; relative error below 1e-9 up to 10,000.

    The share of a cohort varies as a beta distribution of that mean, strictly between 0 and 1; `correlation` is the
    intra-class correlation 1 / (a + b + 1), strictly between 0 and 1: the variance between cohorts is that part of
    mean (1 - mean), and 0 would be the binomial. Skellam 1948; Johnson, Kemp and Kotz, Univariate Discrete
    Distributions, 6.9.2.
    """
    if events >= participants:
        return 1.0
    size = (1 - correlation) / correlation
    a, b = mean * size, (1 - mean) * size
    return fsum(exp(_log_probability(k, participants, a, b)) for k in range(events + 1))


def _log_probability(k: int, n: int, a: float, b: float) -> float:
    choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return choose + _log_beta(k + a, n - k + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
