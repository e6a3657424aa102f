"""Where a study's records come from: one file per kind of source, one small protocol."""

from collections.abc import Sequence
from typing import Protocol

from alerts.batch import Batch, SeenFile


class Source(Protocol):
    """A place that can be looked at again and again."""

    def read(self, seen: Sequence[SeenFile]) -> Batch:
        """Look once. `seen` is what the ledger remembers of earlier looks, oldest first. Faults are in the batch."""

    def check(self) -> list[str]:
        """Say in sentences what stands in the way of reading; empty when nothing does."""
