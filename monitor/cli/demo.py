"""`vigil demo`."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.given import refusing


def demo(
    folder: Annotated[Path, typer.Option(help="Where database, mails and files are put.")] = Path("vigil-demo"),
    seed: Annotated[int, typer.Option(help="Another seed plays another cohort.")] = 2014,
    keep_serving: Annotated[bool, typer.Option("--keep", help="Go on as the daemon after the last week.")] = False,
) -> None:
    """Replay 24 weeks of a synthetic study on the production path."""
    from monitor.demo.play import play

    with refusing():
        code = play(folder, seed=seed, keep_serving=keep_serving)
    raise typer.Exit(code)
