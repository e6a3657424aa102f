"""Which files of a folder are which domain's: glob, newest by stamp, split datasets; two claims are refused.

It knows names only and must not open a file.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from alerts.stamps import stamp_in_name

DEFAULT_FILES: Mapping[str, str] = {
    "DM": "dm.*",
    "AE": "ae.*",
    "LB": "lb*.*",
    "EC": "ec.*",
    "EX": "ex.*",
    "DS": "ds.*",
    "VS": "vs.*",
    "EG": "eg.*",
    "QS": "qs*.*",
    "CM": "cm.*",
    "MH": "mh.*",
    "HO": "ho.*",
    "IE": "ie.*",
}
"""Where the settings do not say otherwise. LB comes whole or split by category (lbch, lbhe...)."""

_PASSING = re.compile(r"[.~].*|.*(~|\.(tmp|temp|part|partial|filepart|crdownload|swp|lock))", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A file that claims a domain, by its name alone."""

    name: str
    dataset: str  # "lbch" of LBCH_20240131.xpt
    stamped_at: datetime | None  # the stamp in the name
    refused: str = ""  # why the claim cannot stand, in one sentence


def claims(domain: str, pattern: str, names: Iterable[str]) -> tuple[Claim, ...]:
    """Return the files that claim a domain, sorted by name.

    Of several that differ by the stamp in their names the newest counts and the others are left alone. Two of the same
    dataset are refused, both; so are several datasets that are not parts of a split one.
    """
    found: dict[str, list[Claim]] = {}
    for name in sorted(names):
        if fnmatchcase(name.lower(), pattern.lower()) and _PASSING.fullmatch(name) is None:
            dataset, stamp = stamp_in_name(name)
            found.setdefault(dataset, []).append(Claim(name=name, dataset=dataset, stamped_at=stamp))
    newest = [claim for same in found.values() for claim in _newest(same)]
    parts = all(is_part(domain, dataset) for dataset in found)
    if len(newest) > 1 and not (parts and len(newest) == len(found)):
        named = _listed(printable(claim.name) for claim in newest)
        said = f"{named} claim the same domain {domain}: name one in the settings"
        return tuple(
            Claim(name=claim.name, dataset=claim.dataset, stamped_at=claim.stamped_at, refused=said) for claim in newest
        )
    return tuple(newest)


def is_part(domain: str, dataset: str) -> bool:
    """Whether a dataset is named like a part of a split domain: its code and one or two letters more (SDTMIG 4.1.7)."""
    return re.fullmatch(rf"{domain.lower()}[a-z0-9]{{1,2}}", dataset) is not None


def printable(name: str) -> str:
    """Return a file name as it can be stored and printed: bytes that are not UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _newest(same: list[Claim]) -> list[Claim]:
    """Of files of one dataset, those with the newest stamp; all, where one has none."""
    if any(claim.stamped_at is None for claim in same):
        return same
    newest = max(claim.stamped_at for claim in same if claim.stamped_at)
    return [claim for claim in same if claim.stamped_at == newest]


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}"
