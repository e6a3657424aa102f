"""Time stamps in file names: which files are the same part of an export, and which of them is the newest.

It knows names only. Whether a stamp can be true is not asked here.
"""

import re
from datetime import UTC, datetime
from pathlib import PurePath

_STAMP = re.compile(
    r"[-_.]?(?<!\d)(?P<day>(?:19|20)\d\d-?\d\d-?\d\d)(?:[T_-]?(?P<time>\d\d[:-]?\d\d(?:[:-]?\d\d)?)Z?)?(?!\d)",
    re.IGNORECASE,
)


def stamp_in_name(name: str) -> tuple[str, datetime | None]:
    """Return a file's dataset name, such as "ae" of ae_2024-01-31T0100.csv, and the stamp in it, read as UTC."""
    stem = PurePath(name).stem.lower()
    for match in _STAMP.finditer(stem):
        digits = re.sub(r"\D", "", match["day"] + (match["time"] or "")).ljust(14, "0")
        try:
            # read by its digits: strptime would depend on nothing here, and refuses days the calendar lacks
            stamp = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        return (stem[: match.start()] + stem[match.end() :]).strip("-_."), stamp
    return stem, None
