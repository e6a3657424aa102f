"""`vigil rulebook`."""

from typing import Annotated

import typer

from monitor.cli.exits import Exit, fail


def rulebook(
    name: Annotated[str, typer.Argument(metavar="FILE", help="A rulebook file, or the bare name of a shipped one.")],
) -> None:
    """Print a rulebook in words that a physician can read and sign."""
    from rules.rulebook import RulebookError, load_rulebook
    from rules.words import in_words

    try:
        book = load_rulebook(name)
    except RulebookError as error:
        fail(error, Exit.SETTINGS)
    typer.echo(in_words(book))
