"""How commands print: tables where they fit, stacked rows where they do not, and moments in local time."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

PIPE_WIDTH = 1000
"""A pipe has room for whole lines."""


def console() -> "Console":
    """Return where to print."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_rows(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = (), long: int = 0
) -> None:
    """Print a table; where it is too wide, the last `long` cells of each row, and of the head, on lines of their own.

    The columns named in `right` hold numbers.
    """
    from rich import box
    from rich.measure import Measurement
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    out = console()
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in head:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    if not long or Measurement.get(out, out.options, made).maximum < out.width:
        _put(out, made)
        return
    short = [[str(cell) for cell in row[: len(head) - long]] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    for cells, row in zip(short, (head, *rows), strict=True):
        aligned = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(cells, widths, head, strict=False)
        )
        out.print(Text("  ".join(aligned).rstrip(), style="bold"))
        for cell in row[len(head) - long :]:
            _put(out, Padding(Text(str(cell)), (0, 0, 0, widths[0] + 2)))


def _put(out: "Console", made: "Table | Padding") -> None:
    """Print a piece; into a pipe without the blanks that fill its lines."""
    if out.is_terminal:
        out.print(made)
        return
    with out.capture() as captured:
        out.print(made)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def moment(at: datetime | None, zone: str = "UTC") -> str:
    """Return a moment on a wall clock, with its distance from UTC (CST is three zones); '' for none."""
    return at.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes") if at else ""


def counted(number: int, thing: str) -> str:
    """Return a number of things in words: 1 mail, 2 mails."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
