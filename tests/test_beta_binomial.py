"""The beta-binomial lower tail, against exact fractions, scipy, and cohorts drawn by hand."""

import random
from fractions import Fraction
from itertools import product
from math import comb

import pytest
from scipy.stats import betabinom

from rules.beta_binomial import lower_tail


def exactly(events: int, participants: int, a: Fraction, b: Fraction) -> Fraction:
    """The tail by the urn of Polya: a and b balls, each drawn one put back with another of its colour."""

    def rising(start: Fraction, steps: int) -> Fraction:
        result = Fraction(1)
        for step in range(steps):
            result *= start + step
        return result

    n = participants
    ways = (comb(n, k) * rising(a, k) * rising(b, n - k) for k in range(events + 1))
    return sum(ways, Fraction(0)) / rising(a + b, n)


@pytest.mark.parametrize(
    ("mean", "correlation"),
    list(
        product(
            [Fraction(1, 20), Fraction(96, 147), Fraction(9, 10)], [Fraction(1, 20), Fraction(1, 2), Fraction(1, 200)]
        )
    ),
)
@pytest.mark.parametrize("participants", [1, 10, 40, 300])
def test_the_tail_is_that_of_exact_fractions(mean, correlation, participants):
    size = (1 - correlation) / correlation
    for events in sorted({0, 1, participants // 3, participants - 1}):
        exact = exactly(events, participants, mean * size, (1 - mean) * size)
        assert lower_tail(events, participants, float(mean), float(correlation)) == pytest.approx(
            float(exact), rel=1e-10
        )


@pytest.mark.parametrize("participants", [40, 1_000, 10_000])
def test_the_tail_is_that_of_scipy(participants):
    mean, correlation = 96 / 147, 0.05
    size = (1 - correlation) / correlation
    for events in (participants // 10, participants // 3, participants // 2):
        expected = betabinom.cdf(events, participants, mean * size, (1 - mean) * size)
        assert lower_tail(events, participants, mean, correlation) == pytest.approx(expected, rel=1e-9)


def test_all_of_them_or_fewer_is_certain():
    assert lower_tail(40, 40, 0.65, 0.05) == 1.0


def test_without_correlation_it_nears_the_binomial():
    binomial = sum(comb(40, k) * 0.65**k * 0.35 ** (40 - k) for k in range(21))
    assert lower_tail(20, 40, 0.65, 1e-7) == pytest.approx(binomial, rel=1e-4)
    assert lower_tail(20, 40, 0.65, 0.05) > 2 * binomial  # cohorts differ: few are less surprising


def test_the_tail_is_what_cohorts_drawn_by_hand_show():
    draw = random.Random(4)
    mean, correlation, runs = 96 / 147, 0.05, 4_000
    size = (1 - correlation) / correlation
    low = 0
    for _ in range(runs):
        share = draw.betavariate(mean * size, (1 - mean) * size)
        low += sum(draw.random() < share for _ in range(20)) <= 8
    assert low / runs == pytest.approx(lower_tail(8, 20, mean, correlation), abs=0.012)
