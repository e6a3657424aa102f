"""`vigil boundary`: compute a stopping boundary, for whoever plans a trial."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from monitor.cli.exits import Exit, fail
from monitor.cli.terminal import print_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules.boundaries import Operation
    from rules.stopping import Design, RateDesign

RATIOS = (1.0, 1.5, 2.0, 3.0)
"""How many times the background the truth may be, of which the header tells the probability of a signal."""

AnyMethod = Literal[
    "beta-binomial", "pocock", "obrien-fleming", "wang-tsiatis", "sprt", "maxsprt",
    "poisson-maxsprt", "poisson-tail", "gamma-poisson",
]  # fmt: skip
_USUAL: dict[AnyMethod, dict[str, object]] = {
    "beta-binomial": {"prior_size": 4.0}, "wang-tsiatis": {"delta": 0.25}, "gamma-poisson": {"shape": 1.0, "rate": 1.0}
}  # fmt: skip
"""What a method takes where nothing is said."""

Format = Literal["table", "csv", "json", "toml"]


def boundary(
    method: Annotated[AnyMethod, typer.Option(help="The rule; the Poisson ones need --expected.")] = "beta-binomial",
    n: Annotated[int | None, typer.Option(help="How many participants there will be.", show_default=False)] = None,
    p0: Annotated[
        float | None, typer.Option(help="The probability of the event in each that is no signal.", show_default=False)
    ] = None,
    expected: Annotated[
        float | None, typer.Option(help="Poisson: how many events are expected in all.", show_default=False)
    ] = None,
    alpha: Annotated[float, typer.Option(help="The largest probability of a false signal, over all looks.")] = 0.05,
    prior_size: Annotated[
        float | None, typer.Option(help="beta-binomial: the participants that the prior is worth (4).")
    ] = None,
    delta: Annotated[float | None, typer.Option(help="wang-tsiatis: 0 O'Brien-Fleming to 0.5 Pocock (0.25).")] = None,
    p1: Annotated[float | None, typer.Option(help="sprt: the probability above p0 that it looks for.")] = None,
    shape: Annotated[float | None, typer.Option(help="gamma-poisson: the shape of the prior on the ratio (1).")] = None,
    rate: Annotated[float | None, typer.Option(help="gamma-poisson: its rate (1).")] = None,
    min_events: Annotated[int, typer.Option(help="Fewer events never signal.")] = 1,
    as_: Annotated[
        Format, typer.Option("--format", help="toml is the design with its table, to be kept frozen; binomial only.")
    ] = "table",
) -> None:
    """Compute a stopping boundary with its exact size and power."""
    from pydantic import ValidationError

    from rules.stopping import Design, RateDesign, RateMethod

    asked = {
        "n": n, "p0": p0, "expected": expected, "prior_size": prior_size, "delta": delta, "p1": p1, "shape": shape,
        "rate": rate,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    design = _USUAL.get(method, {}) | given | {"method": method, "alpha": alpha, "min_events": min_events}
    try:
        if method in get_args(RateMethod):
            _print_rate(RateDesign.model_validate(design), as_)
        else:
            _print_binomial(Design.model_validate(design), as_)
    except ValidationError as error:
        fault = error.errors()[0]
        where = "".join(f"--{name}: ".replace("_", "-") for name in fault["loc"])
        fail(f"{where}{fault['msg'].removeprefix('Value error, ')}", Exit.USAGE)
    except ValueError as error:
        fail(error, Exit.USAGE)


def _print_binomial(design: "Design", as_: Format) -> None:
    """Print a table of participants."""
    from rules.boundaries import operation

    table = design.compute()
    found = [(ratio, operation(table.signal_at, ratio * design.p0)) for ratio in RATIOS if ratio * design.p0 < 1]
    made = _Made(design, table.constant, found)
    if as_ == "toml":
        lines = [f"{name} = {json.dumps(value)}" for name, value in made.said.items()]
        typer.echo("\n".join([*(f"# {line}" for line in made.header()), *lines, f"signal_at = {[*table.signal_at]}"]))
        return
    sizes = found[0][1].cumulative
    rows = [(m, k, size) for m, (k, size) in enumerate(zip(table.signal_at, sizes, strict=True), 1)]
    firsts = "signals at " + " ".join(f"{k}/{m}" for k, m in table.firsts) + " (events / first participants)"
    made.print(as_, ("n", "signal_at", "cumulative_size"), rows, firsts)


def _print_rate(design: "RateDesign", as_: Format) -> None:
    """Print a table of events."""
    from rules.boundaries import rate_operation

    if as_ == "toml":
        fail("toml holds tables of people only; --format json holds this one", Exit.USAGE)
    table = design.compute()
    found = [(ratio, rate_operation(table.first, table.by, ratio)) for ratio in RATIOS]
    sizes = found[0][1].cumulative
    rows = [(event, by, size) for event, (by, size) in enumerate(zip(table.by, sizes, strict=True), table.first)]
    _Made(design, table.constant, found).print(as_, ("event", "expected_at_most", "cumulative_size"), rows)


@dataclass(frozen=True, slots=True)
class _Made:
    """A design with its constant, and what its table does at several ratios to the background."""

    design: "Design | RateDesign"
    constant: float
    found: "Sequence[tuple[float, Operation]]"

    @property
    def said(self) -> dict[str, object]:
        """The design as it was given."""
        return self.design.model_dump(exclude_none=True)

    def header(self) -> "Iterator[str]":
        """Say what the table is and what it finds."""
        (_, null), *others = self.found
        yield ", ".join(f"{name} {value}" for name, value in self.said.items())
        size, events = null.signals, null.expected_events
        yield f"constant {self.constant:.10g}, exact size {size:.6f}, {events:.2f} events until a signal or the end"
        for ratio, truth in others:
            chance = (
                f"a signal with probability {truth.signals:.2f}, {truth.expected_events:.2f} events until it or the end"
            )
            yield f"at {ratio:g} times the background: {chance}"
        yield "no signal is no proof of safety"

    def print(self, as_: Format, columns: "Sequence[str]", rows: "Sequence[tuple[float, ...]]", *more: str) -> None:
        """Print the table for people or for programs."""
        if as_ == "csv":
            typer.echo("\n".join(",".join(map(str, row)) for row in (columns, *rows)))
        elif as_ == "json":
            truths = [
                {"ratio": ratio, "signals": truth.signals, "expected_events": truth.expected_events}
                for ratio, truth in self.found
            ]
            table = [dict(zip(columns, row, strict=True)) for row in rows]
            typer.echo(json.dumps(self.said | {"constant": self.constant, "truths": truths, "table": table}, indent=1))
        else:
            typer.echo("\n".join([*self.header(), *more]) + "\n")
            print_rows(columns, [[f"{cell:.6g}" for cell in row] for row in rows], right=columns)
