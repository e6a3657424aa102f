"""How a command ends: its exit code, and one sentence on standard error when something is wrong."""

from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """What a caller may rely on."""

    OK = 0
    FAULT = 1
    USAGE = 2
    SETTINGS = 3
    DATABASE = 4
    SWEEP = 5
    MAIL = 6


MEANING = {
    Exit.OK: "all is well",
    Exit.FAULT: "something was found wrong",
    Exit.USAGE: "the command line is wrong, or the act is not possible",
    Exit.SETTINGS: "settings or rulebook refused",
    Exit.DATABASE: "the database cannot be used",
    Exit.SWEEP: "a sweep failed",
    Exit.MAIL: "a mail was not accepted",
}


def fail(sentence: object, code: Exit) -> NoReturn:
    """Say one sentence on standard error and end with a code."""
    typer.echo(f"vigil: {sentence}", err=True)
    raise typer.Exit(code)
