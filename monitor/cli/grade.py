"""`vigil grade`: the grades of lab files, for whoever wants nothing else."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from monitor.cli.exits import Exit, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor.grading import Graded
    from monitor.sources.table import Table

Read = TypeVar("Read")
PIPE = Path("-")


def grade(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="LB, whole or in parts; - is a pipe.")],
    ctcae: Annotated[Literal["4.03", "5.0", "6.0"], typer.Option(help="The version of the criteria.")],
    baseline: Annotated[
        Literal["flag", "last-predose"] | None,
        typer.Option(
            help="flag: the row that the data flag. last-predose: the last number on or before the first dose, which"
            " needs --dm. Left out: last-predose with --dm, else flag.",
        ),
    ] = None,
    dm: Annotated[Path | None, typer.Option(help="DM, for the day of the first dose.")] = None,
    output: Annotated[Path, typer.Option(help="Where the grades go; - is standard output.")] = PIPE,
    units: Annotated[
        Literal["original", "standard"], typer.Option(help="Which result is graded, LBORRES or LBSTRES*.")
    ] = "original",
    encoding: Annotated[str, typer.Option(help="The encoding of CSV and XPT.")] = "utf-8",
) -> None:
    """Grade the rows of LB files by CTCAE: one row of CSV for each, in the same order."""
    if baseline == "last-predose" and dm is None:
        fail("--baseline last-predose needs --dm, which tells the day of the first dose", Exit.USAGE)
    if [*files, dm].count(PIPE) > 1:
        fail("only one file can come from the pipe", Exit.USAGE)
    if output != PIPE and any(file.exists() and output.exists() and output.samefile(file) for file in files):
        fail(f"{output} is one of the files to be graded", Exit.USAGE)
    method = baseline or ("flag" if dm is None else "last-predose")
    with _progress(len(files) + 2) as done:
        from monitor.grading import grade_labs, read_doses, read_labs

        doses = None if dm is None else _read(dm, encoding, read_doses)
        labs = []
        for file in files:
            labs.append(_read(file, encoding, read_labs))
            done(f"read {file}")
        graded = grade_labs(labs, ctcae, method, doses, units)
        done("graded")
        _write(graded, output)
        done("written")
    _summarise(graded)


def _read(file: Path, encoding: str, reader: "Callable[[Table], Read]") -> "Read":
    """Read a file whatever its format, or end in one sentence."""
    from monitor.sources.formats import read_table
    from monitor.sources.table import Refusal

    try:
        return reader(read_table(sys.stdin.buffer.read() if file == PIPE else file.read_bytes(), encoding))
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}", Exit.USAGE)
    except LookupError:
        fail(f"--encoding {encoding} is unknown", Exit.USAGE)
    except Refusal as error:
        fail(f"{file}: {error}", Exit.FAULT)


def _write(graded: "Graded", output: Path) -> None:
    """Write the rows; a reader of the pipe that has seen enough is no fault."""
    text = graded.rows.write_csv().encode()
    try:
        if output == PIPE:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        else:
            output.write_bytes(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror}", Exit.USAGE)


def _summarise(graded: "Graded") -> None:
    """Say on standard error what could not be graded."""
    lines = [f"{graded.rows.height:,} rows, {graded.not_evaluable.total():,} not evaluable"]
    lines += [f"  {number:>9,}  {reason}" for reason, number in graded.not_evaluable.most_common()]
    if graded.no_criterion:
        lines.append(f"{graded.no_criterion:,} of tests that this version has no criterion for")
    if graded.absent:
        lines.append(f"{graded.absent:,} participants are not in --dm: nobody can tell their baselines")
    if graded.unknown_tests:
        codes = ", ".join(sorted(code or "(blank)" for code in graded.unknown_tests))
        lines.append(f"{graded.unknown_tests.total():,} of tests that are not in the table: {codes}")
    typer.echo("\n".join(lines), err=True)


@contextmanager
def _progress(steps: int) -> "Iterator[Callable[[str], None]]":
    """Show a bar on standard error while the work goes on, at a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=steps)
        yield lambda what: bar.update(task, advance=1, description=what)
