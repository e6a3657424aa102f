"""Tells an export that is older than the last one read, by its own time stamp or by what was read before.

It knows stamps and what the ledger remembers; it must not know what is in a file.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.batch import FileLook, SeenFile

AHEAD = timedelta(days=180)
"""How far a true stamp may run ahead of its file, which may be an old one copied under a new name."""


def why_older(look: FileLook, seen: Sequence[SeenFile]) -> str:
    """Say why a file is an older export than the last of its dataset, '' where it is not.

    `seen` are the contents read of that dataset, oldest first. The database's own time decides, then the export's;
    where both say nothing, a content that came back after a newer one must bring a newer modification time.
    """
    stamps = (
        ("of a database last modified", look.database_at, [(file.database_at, file) for file in seen]),
        ("of", look.stamped_at, [(file.stamped_at, file) for file in seen]),
    )
    for what, stamp, before in stamps:
        newest = max((time for time, file in before if time and _is_credible(time, file)), default=None)
        if stamp and newest and stamp != newest:
            if stamp > newest:
                return ""
            return f"the file is an older export, {what} {_say(stamp)}, than the last one read, of {_say(newest)}"
    digests = [file.digest for file in seen]
    if look.digest not in digests or digests[-1] == look.digest:
        return ""
    last = len(digests) - 1 - digests[::-1].index(look.digest)
    since = max((file.modified_at for file in seen[last + 1 :] if file.modified_at), default=None)
    if look.modified_at and since and look.modified_at > since:
        return ""
    return "the file is an older export come back: this content was read before, and a newer one since"


def _is_credible(stamp: datetime, file: SeenFile) -> bool:
    """Whether a stamp can be true: a slip of the year must not make every later export an older one for years."""
    return file.modified_at is None or stamp - file.modified_at <= AHEAD


def _say(stamp: datetime) -> str:
    return f"{stamp:%Y-%m-%d %H:%M:%S}"
