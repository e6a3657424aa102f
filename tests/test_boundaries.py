"""Stopping boundaries: the published and computed vectors, every path counted one by one, and what is refused."""

import csv
import json
import math
import tomllib
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from click.testing import Result
from pydantic import ValidationError
from scipy import stats
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.boundary import AnyMethod
from rules.boundaries import beta_binomial, calibrate, operation, rate_operation
from rules.stopping import Design, Frozen, Method, RateDesign, RateMethod

DEFAULT = {"method": "beta-binomial", "n": 40, "p0": 0.05, "alpha": 0.05, "prior_size": 4.0}
METHODS = [
    {"method": "beta-binomial", "prior_size": 4.0},
    {"method": "beta-binomial", "prior_size": 1.0},
    {"method": "pocock"},
    {"method": "obrien-fleming"},
    {"method": "wang-tsiatis", "delta": 0.25},
    {"method": "sprt", "p1": 0.3},
    {"method": "maxsprt"},
]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "signals" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def design(**values: object) -> Design:
    return Design.model_validate(DEFAULT | values)


def test_the_default_is_as_published(reference: Path) -> None:
    for row in rows(reference, "beta_binomial_n40.csv"):
        p0 = float(row["p0"])
        table = design(p0=p0, alpha=float(row["alpha"])).compute()
        assert list(table.signal_at) == [int(k) for k in row["boundary"].split()]
        assert "; ".join(f"{k}/{m}" for k, m in table.firsts) == row["first_m"]
        assert table.constant == pytest.approx(float(row["post_threshold"]), abs=1e-12)
        for column, ratio in (("size", 1), ("power_2x", 2), ("power_3x", 3)):
            assert operation(table.signal_at, ratio * p0).signals == pytest.approx(float(row[column]), abs=1e-12)


def test_every_method_is_as_another_package_has_it(reference: Path) -> None:
    names = {"BB": "beta-binomial", "Pocock": "pocock", "OBF": "obrien-fleming", "WT": "wang-tsiatis", "SPRT": "sprt",
             "MaxSPRT": "maxsprt"}  # fmt: skip
    tables, truths = defaultdict(list), defaultdict(list)
    for row in rows(reference, "binomial_boundaries.csv"):
        tables[row["case_id"]].append(row)
    for row in rows(reference, "binomial_boundaries_oc.csv"):
        truths[row["case_id"]].append(row)
    assert len(tables) == 7
    for case, looks in tables.items():
        first, own = looks[0], {"method": names[looks[0]["type"]], "prior_size": None}
        if first["type"] == "BB":
            own["prior_size"] = float(first["param1"]) + float(first["param2"])
        if first["type"] in ("WT", "SPRT"):
            own["delta" if first["type"] == "WT" else "p1"] = float(first["param1"])
        p0, n = float(first["p0"]), int(first["n_max"])
        table = design(p0=p0, n=n, alpha=float(first["alpha"]), **own).compute()
        assert list(table.signal_at) == [min(int(row["reject_bdry"]), m) for m, row in enumerate(looks, 2)], case
        assert abs(table.constant) == pytest.approx(float(first["cval"]), abs=1e-6)
        for row in truths[case]:
            found = operation(table.signal_at, float(row["p"]))
            assert found.signals == pytest.approx(float(row["reject_prob"]), abs=1e-9)
            assert found.expected_events == pytest.approx(float(row["e_events"]), abs=1e-9)


def test_critical_values_of_the_poisson_maxsprt_are_the_published_ones(reference: Path) -> None:
    published = rows(reference, "maxsprt_poisson_cv.csv")
    assert len(published) == 73
    for row in published:
        asked = {"expected": float(row["T"]), "alpha": float(row["alpha"]), "min_events": int(row["M"])}
        constant = RateDesign.model_validate(asked).compute().constant
        digits = len(row["cv"].partition(".")[2])
        assert constant == pytest.approx(float(row["cv"]), abs=0.51 * 10.0 ** -min(digits, 10)), row


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [0.1, 0.25])
def test_size_and_power_are_those_of_every_path_counted_one_by_one(method: dict[str, object], p: float) -> None:
    table = Design.model_validate({"n": 10, "p0": 0.1, "alpha": 0.1} | method).compute().signal_at
    signals, events = [0.0] * 10, 0.0
    for path in product((0, 1), repeat=10):
        chance = math.prod(p if one else 1 - p for one in path)
        when = next((m for m in range(1, 11) if sum(path[:m]) >= table[m - 1]), None)
        events += chance * sum(path[:when])
        for look in range((when or 11) - 1, 10):
            signals[look] += chance
    found = operation(table, p)
    assert found.cumulative == pytest.approx(signals, abs=1e-12)
    assert found.expected_events == pytest.approx(events, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.1])
def test_a_table_is_the_mildest_within_its_alpha(method: dict[str, object], alpha: float) -> None:
    asked = Design.model_validate({"n": 30, "p0": 0.1, "alpha": alpha} | method)
    table = asked.compute()
    assert operation(table.signal_at, 0.1).signals <= alpha
    n = np.arange(1.0, 31)[:, None]
    scores = np.where(np.arange(31.0) <= n, asked.score()(n, np.minimum(np.arange(31.0), n)), -np.inf)
    milder = [
        next(
            (k for k in range(1, m + 1) if scores[m - 1, k] >= table.constant * (1 - 1e-9 * np.sign(table.constant))),
            m + 1,
        )
        for m in range(1, 31)
    ]
    assert operation(milder, 0.1).signals > alpha


def test_of_two_events_as_few_as_can_signal_one_never_does() -> None:
    table = design(p0=0.01, alpha=0.3, min_events=2).compute().signal_at
    assert table[0] == 2
    assert min(table[1:]) == 2
    assert design(p0=0.01, alpha=0.3).compute().signal_at[0] == 1


def test_a_table_in_which_nothing_can_signal_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no boundary over 1 participants has a size of at most 0\.05 at p0 = 0\.1"):
        calibrate(beta_binomial(0.1), 1, 0.1, 0.05)
    with pytest.raises(ValueError, match=r"no boundary up to 0\.01 expected events has a size of 0\.05"):
        RateDesign(expected=0.01, alpha=0.05).compute()


@pytest.mark.parametrize(
    "asked", [{}, {"method": "poisson-tail"}, {"method": "gamma-poisson", "shape": 1, "rate": 1}, {"min_events": 3}]
)
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_poisson_table_signals_as_often_as_simulated(asked: dict[str, object], ratio: float) -> None:
    table = RateDesign.model_validate({"expected": 6, "alpha": 0.1} | asked).compute()
    arrivals = np.cumsum(np.random.default_rng(7).exponential(1 / ratio, (200_000, 60)), axis=1)
    by = np.full(60, table.by[-1])
    by[: table.first - 1] = 0
    by[table.first - 1 : table.first - 1 + len(table.by)] = table.by
    share = float((arrivals <= by).any(axis=1).mean())
    found = rate_operation(table.first, table.by, ratio)
    assert found.signals == pytest.approx(share, abs=4 * math.sqrt(share / 200_000))
    if ratio == 1:
        assert found.signals == pytest.approx(0.1, abs=1e-9)


def test_deadlines_are_those_of_their_formulas() -> None:
    tail = RateDesign(method="poisson-tail", expected=6, alpha=0.1).compute()
    assert [stats.poisson.sf(n - 1, by) for n, by in enumerate(tail.by[:-1], 1)] == pytest.approx(
        [tail.constant] * (len(tail.by) - 1)
    )
    maxsprt = RateDesign(expected=6, alpha=0.1).compute()
    assert [n * math.log(n / by) - (n - by) for n, by in enumerate(maxsprt.by[:-1], 1)] == pytest.approx(
        [maxsprt.constant] * (len(maxsprt.by) - 1)
    )
    prior = RateDesign(method="gamma-poisson", expected=6, alpha=0.1, shape=2, rate=1.5).compute()
    certain = [(n, by) for n, by in enumerate(prior.by[:-1], 1) if by]
    assert [stats.gamma.sf(1, 2 + n, scale=1 / (1.5 + by)) for n, by in certain] == pytest.approx(
        [prior.constant] * len(certain)
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"prior_size": None}, "prior_size belongs to beta-binomial, and only there"),
        ({"p1": 0.1}, "p1 belongs to sprt, and only there"),
        ({"method": "sprt", "prior_size": None, "p1": 0.05}, "p1 = 0.05 is not above p0 = 0.05"),
        ({"min_events": 41}, "min_events is 41, and there are 40 participants"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        design(**asked)


def test_a_frozen_table_is_taken_up_to_its_size_and_no_further() -> None:
    table = list(design().compute().signal_at)
    size = operation(table, 0.05).signals
    assert Frozen.model_validate(DEFAULT | {"alpha": size, "signal_at": table})
    with pytest.raises(ValidationError, match=r"signal_at has a size of 0\.0490929, more than its alpha of 0\.049"):
        Frozen.model_validate(DEFAULT | {"alpha": 0.049, "signal_at": table})
    with pytest.raises(ValidationError, match="signal_at has 39 entries for n = 40"):
        Frozen.model_validate(DEFAULT | {"signal_at": table[1:]})
    with pytest.raises(ValidationError, match="signal_at: 3 among the first 1 cannot be; 2 says that none can signal"):
        Frozen.model_validate(DEFAULT | {"signal_at": [3, *table[1:]]})


def vigil(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["boundary", *arguments], prog_name="vigil")


def test_the_command_prints_what_is_kept_frozen() -> None:
    said = vigil("--n", "40", "--p0", "0.05", "--format", "toml")
    assert said.exit_code == 0
    assert Frozen.model_validate(tomllib.loads(said.stdout)).signal_at == design().compute().signal_at
    assert "# constant 0.9720365941, exact size 0.049093" in said.stdout
    assert "# at 2 times the background: a signal with probability 0.32, 3.34 events until it or the end" in said.stdout


def test_the_command_prints_for_people_and_for_programs() -> None:
    people = vigil("--n", "40", "--p0", "0.05").stdout
    assert "signals at 2/3 3/12 4/22 5/33 6/40 (events / first participants)" in people
    table = [line.split(",") for line in vigil("--n", "40", "--p0", "0.05", "--format", "csv").stdout.splitlines()]
    assert table[0] == ["n", "signal_at", "cumulative_size"]
    assert [int(k) for _, k, _ in table[1:]] == list(design().compute().signal_at)
    rate = json.loads(vigil("--method", "poisson-maxsprt", "--expected", "10", "--format", "json").stdout)
    assert rate["constant"] == pytest.approx(3.46795170, abs=5e-2)
    assert [row["event"] for row in rate["table"]] == list(range(1, len(rate["table"]) + 1))


def test_the_command_knows_every_method() -> None:
    assert get_args(AnyMethod) == (*get_args(Method), *get_args(RateMethod))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--n", "40"], "vigil: --p0: Field required"),
        (["--n", "40", "--p0", "1.5"], "vigil: --p0: Input should be less than 1"),
        (["--method", "sprt", "--n", "40", "--p0", "0.1"], "vigil: p1 belongs to sprt, and only there"),
        (["--method", "poisson-tail", "--expected", "3", "--format", "toml"], "vigil: toml holds tables of people"),
        (["--n", "1", "--p0", "0.1"], "vigil: no boundary over 1 participants has a size of at most 0.05"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments: list[str], says: str) -> None:
    said = vigil(*arguments)
    assert said.exit_code == 2
    assert said.stderr.startswith(says)
    assert len(said.stderr.splitlines()) == 1
