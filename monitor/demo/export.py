"""The synthetic source system: rows that are shown from one day to another, and the CSV files an export of a day holds.

It knows SDTM columns and days of the replay. It must not know vigil, the cohort or the script.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

STUDYID = "SYN-IL2-SLE"
"""Says in every row that the study is synthetic."""

NEVER = 1_000_000

_VARIABLES: Mapping[str, str] = {
    "DM": "SUBJID SITEID RFSTDTC RFENDTC RFXSTDTC RFXENDTC DTHFL AGE AGEU SEX COUNTRY ARM ACTARM",
    "AE": "AESPID AETERM AEDECOD AEBODSYS AESEV AETOXGR AESER AESDTH AESLIFE AESHOSP AESDISAB AESCONG AESMIE AEREL"
    " AEACN AEOUT AESTDTC AEENDTC AEDTC",
    "LB": "LBTESTCD LBTEST LBSPEC LBORRES LBORRESU LBORNRLO LBORNRHI LBSTRESC LBSTRESN LBSTRESU LBSTNRLO LBSTNRHI"
    " VISITNUM VISIT LBDTC",
    "EC": "ECSPID ECTRT ECPRESP ECOCCUR ECREASOC ECDOSE ECDOSU ECROUTE ECSTDTC ECENDTC",
    "DS": "DSTERM DSDECOD DSCAT DSSCAT DSSTDTC",
    "VS": "VSTESTCD VSTEST VSORRES VSORRESU VISITNUM VISIT VSDTC",
    "EG": "EGTESTCD EGTEST EGORRES EGORRESU VISITNUM VISIT EGDTC",
    "QS": "QSTESTCD QSTEST QSCAT QSORRES QSSTRESC QSSTRESN VISITNUM VISIT QSDTC",
    "CM": "CMSPID CMTRT CMDECOD CMCLAS CMINDC CMROUTE CMSTDTC CMENDTC",
    "HO": "HOSPID HOTERM HOSTDTC HOENDTC",
    "IE": "IETESTCD IETEST IECAT IEORRES IESTRESC IEDTC",
}
COLUMNS: Mapping[str, Sequence[str]] = {domain: names.split() for domain, names in _VARIABLES.items()}
"""The variables of each file, after STUDYID, DOMAIN, USUBJID and --SEQ."""

_ORDER: Mapping[str, tuple[str, ...]] = {
    "DM": (),
    "AE": ("AESTDTC", "AESPID"),
    "LB": ("LBDTC", "LBTESTCD"),
    "EC": ("ECSTDTC",),
    "DS": ("DSSTDTC", "DSDECOD"),
    "VS": ("VSDTC", "VSTESTCD"),
    "EG": ("EGDTC", "EGTESTCD"),
    "QS": ("QSDTC", "QSTESTCD"),
    "CM": ("CMSTDTC", "CMSPID"),
    "HO": ("HOSTDTC", "HOSPID"),
    "IE": ("IETESTCD",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row as the source shows it from day `shown` up to, but not on, day `gone` (days of the replay, from 0).

    A correction is one entry that goes on the day another comes.
    """

    domain: str
    usubjid: str
    values: Mapping[str, str]
    shown: int
    gone: int = NEVER

    def is_shown(self, day: int) -> bool:
        """Whether an export of that day holds the row."""
        return self.shown <= day < self.gone


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries in the order of an export: by domain and participant, then by time."""
    domains = list(COLUMNS)

    def place(entry: Entry) -> tuple[int, str, list[str]]:
        return domains.index(entry.domain), entry.usubjid, [entry.values.get(n, "") for n in _ORDER[entry.domain]]

    return tuple(sorted(entries, key=place))


def export(entries: Iterable[Entry], day: int) -> dict[str, bytes]:
    """Return the files of one day's export by name, from entries in order; --SEQ is counted anew in each."""
    files = dict.fromkeys(COLUMNS, b"")
    files |= {
        domain: _file(domain, own)
        for domain, own in groupby((entry for entry in entries if entry.is_shown(day)), key=lambda entry: entry.domain)
    }
    return {f"{domain.lower()}.csv": content or _file(domain, ()) for domain, content in files.items()}


def _file(domain: str, entries: Iterable[Entry]) -> bytes:
    """Write one domain's rows as CSV in UTF-8."""
    columns = COLUMNS[domain]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    number = () if domain == "DM" else (f"{domain}SEQ",)  # DM has one row a participant and no --SEQ
    writer.writerow(("STUDYID", "DOMAIN", "USUBJID", *number, *columns))
    for usubjid, own in groupby(entries, key=lambda entry: entry.usubjid):
        for seq, entry in enumerate(own, start=1):
            values = (entry.values.get(name, "") for name in columns)
            writer.writerow((STUDYID, domain, usubjid, *((seq,) if number else ()), *values))
    return text.getvalue().encode()


def put(folder: Path, name: str, content: bytes, at: datetime) -> None:
    """Put a file into the incoming folder in one step, modified at the simulated instant `at`."""
    part = folder / f".{name}.part"
    part.write_bytes(content)
    os.utime(part, (at.timestamp(), at.timestamp()))
    part.replace(folder / name)
