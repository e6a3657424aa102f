"""What a mail may show of the evidence: an allow-list of fields by domain, their names for a reader, and their layout.

Every recipient is blinded, so a field that is not listed here is not shown, whatever a rule put into its evidence. It
knows field names and layout. It must not know rules, recipients or templates.
"""

import re
from collections.abc import Iterable, Mapping

from alerts.message import Grid, one_line
from rules.hit import Evidence

_AE = {
    "aeterm": "Reported term",
    "aedecod": "Coded term",
    "aellt": "Lowest level term",
    "aebodsys": "Body system",
    "aesoc": "System organ class",
    "aesev": "Severity",
    "aetoxgr": "Grade",
    "aeser": "Serious",
    "aesdth": "Results in death",
    "aeslife": "Life-threatening",
    "aeshosp": "Hospitalisation",
    "aesdisab": "Disability",
    "aescong": "Congenital anomaly",
    "aesmie": "Other medically important",
    "aescan": "Cancer (legacy flag)",
    "aesod": "Overdose (legacy flag)",
    "aerel": "Related",
    "aeout": "Outcome",
    "aestdtc": "Start",
    "aeendtc": "End",
    "aedtc": "Collected",
}
_LB = {
    "lbtestcd": "Test",
    "lbtest": "Test name",
    "lbspec": "Specimen",
    "lbdtc": "Sampled",
    "visit": "Visit",
    "lborres": "Result",
    "lborresu": "Unit",
    "lbornrlo": "Range from",
    "lbornrhi": "Range to",
    "lbstresc": "Standard result",
    "lbstresu": "Standard unit",
    "lbstnrlo": "Standard range from",
    "lbstnrhi": "Standard range to",
    "lbspccnd": "Specimen condition",
    "base": "Baseline",
    "chg": "Change",
    "pchg": "Change in %",
    "atoxgrl": "Grade, low",
    "atoxgrh": "Grade, high",
    "btoxgrl": "Baseline grade, low",
    "btoxgrh": "Baseline grade, high",
}
_FINDING = {"testcd": "Test", "orres": "Result", "orresu": "Unit", "stresc": "Standard result", "dtc": "Measured"}
_DOSE = {"stdtc": "Date", "occur": "Given", "presp": "Prespecified", "mood": "Scheduled or performed"}


def _finding(domain: str) -> dict[str, str]:
    """Name the fields of a finding that has no range of its own."""
    own = {f"{domain}{name}": label for name, label in _FINDING.items()}
    shared = ("visit", "base", "chg", "pchg", "atoxgrl", "atoxgrh")
    return own | {name: _LB[name] for name in shared}


SHOWN: Mapping[str, Mapping[str, str]] = {
    "AE": _AE,
    "LB": _LB,
    "EC": {f"ec{name}": label for name, label in _DOSE.items()},
    "EX": {f"ex{name}": label for name, label in _DOSE.items()},
    "DM": {"dthfl": "Death flag", "dthdtc": "Date of death"},
    "DS": {"dsdecod": "Disposition", "dsstdtc": "Date"},
    "VS": _finding("vs"),
    "EG": _finding("eg"),
    "QS": _finding("qs"),
    "CM": {
        "cmtrt": "Medication",
        "cmdecod": "Coded medication",
        "cmclas": "Class",
        "cmindc": "Indication",
        "cmroute": "Route",
        "cmstdtc": "Start",
        "cmendtc": "End",
    },
    "MH": {"mhterm": "Reported term", "mhdecod": "Coded term", "mhstdtc": "Start", "mhendtc": "End"},
    "HO": {"hoterm": "Encounter", "hodecod": "Coded encounter", "hostdtc": "Start", "hoendtc": "End"},
    "IE": {
        "ietestcd": "Criterion",
        "ietest": "Text",
        "iecat": "Category",
        "iedtc": "Collected",
    },
    "COHORT": {
        "observed": "Participants observed long enough",
        "withevent": "of them with any adverse event",
        "chance": "Probability of so few or fewer",
    },
    "FEED": {
        "newsdtc": "Last news (UTC)",
        "databasedtc": "Database last modified (UTC)",
        "gaps": "Days from one day with news to the next, the last 20",
        "habit": "Usual at most (days)",
        "limit": "Too long after (days)",
        "overdtc": "Too long since (UTC)",
    },
}
"""Domain -> field -> its name for a reader: all that may leave in a mail."""

_CAPTIONS = {
    "AE": "Adverse event",
    "LB": "Laboratory",
    "EC": "Dose",
    "EX": "Dose",
    "DM": "Demographics",
    "DS": "Disposition",
    "VS": "Vital sign",
    "EG": "ECG",
    "QS": "Questionnaire",
    "CM": "Medication",
    "MH": "Medical history",
    "HO": "Encounter",
    "IE": "Eligibility",
    "COHORT": "Cohort",
    "FEED": "Source",
}

CHANGED = "What changed"
"""The caption of the table of what differs from what was told."""

_WAS = r".*?, was .*?(; (?=\w+ .*, was )|$)"

_VERDICT = r": (?:does not meet the criterion|can no longer be evaluated|no longer an alert)\b(?!.*, was )"
"""What a sentence about changes may end with: how the concern is judged now. In doubt it is none, and is not shown."""

MOST_RECORDS = 12
"""Records shown of one sort; of more the mail says how many the ledger holds beside."""


def layout(evidence: Iterable[Evidence]) -> tuple[Grid, ...]:
    """Lay out what may be shown: lab results by test in columns, any other record as labels and values."""
    shown = [(record.domain, values) for record in evidence if (values := _shown(record))]
    labs: dict[str, list[Mapping[str, str]]] = {}
    others: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for domain, values in shown:
        if domain == "LB":
            labs.setdefault(_test(values), []).append(_lab_cells(values))
        else:
            rows = tuple((SHOWN[domain][name], value) for name, value in values.items())
            others[domain, rows] = others.get((domain, rows), 0) + 1
    grids = [_columns(f"{_CAPTIONS['LB']}: {test}", cells) for test, cells in labs.items()]
    alike = [
        Grid(caption=_CAPTIONS[domain] + (f" ({count} records alike)" if count > 1 else ""), rows=rows)
        for (domain, rows), count in others.items()
    ]
    if len(alike) > MOST_RECORDS:
        alike = [*alike[:MOST_RECORDS], Grid(caption=f"and {len(alike) - MOST_RECORDS} more records in the ledger")]
    return (*grids, *alike)


def changes(told: Iterable[Evidence], now: Iterable[Evidence]) -> Grid | None:
    """Lay out what differs between the evidence that was told and that of now, field by field; None if nothing does."""
    before = {(record.domain, record.key): _shown(record) for record in told}
    rows = [
        (SHOWN[record.domain][name], now_value or "empty", was or "empty")
        for record in now
        if (old := before.get((record.domain, record.key))) is not None
        for name in SHOWN.get(record.domain, {})
        if (now_value := _shown(record).get(name, "")) != (was := old.get(name, ""))
    ]
    return Grid(caption=CHANGED, head=("", "Now", "Told before"), rows=tuple(rows)) if rows else None


def without_hidden(sentence: str, evidence: Iterable[Evidence]) -> str:
    """Take out of a sentence every "field now, was before" about a field that may not be shown."""
    hidden = {name for record in evidence for name, _ in record.values if name not in SHOWN.get(record.domain, {})}
    changed, verdict = _parted(sentence)
    for name in sorted(hidden):
        changed, verdict = (re.sub(rf"\b{re.escape(name)} {_WAS}", "", part) for part in (changed, verdict))
    return one_line(changed.rstrip(":; ") + verdict).rstrip(":; ")


def without_changes(sentence: str) -> str:
    """Take every "field now, was before" out of a sentence, but leave its verdict: a table shows them."""
    changed, verdict = _parted(sentence)
    return re.sub(rf": [a-z0-9]+ {_WAS}.*", "", changed, count=1) + verdict


def _parted(sentence: str) -> tuple[str, str]:
    """Part a sentence into what it says has changed and the verdict it ends with: the last, as a value may hold one."""
    starts = [found.start() for found in re.finditer(_VERDICT, sentence)]
    return (sentence[: starts[-1]], sentence[starts[-1] :]) if starts else (sentence, "")


def _shown(record: Evidence) -> dict[str, str]:
    """Return the values of a record that may be shown, in the order of the allow-list."""
    values = dict(record.values)
    return {
        name: _readable(name, values[name]) for name in SHOWN.get(record.domain, {}) if values.get(name, "").strip()
    }


def _readable(name: str, value: str) -> str:
    """Return a value in one line; a date-time has a space where ISO 8601 has its T."""
    return one_line(re.sub(r"(?<=\d)T(?=\d)", " ", value) if name.endswith("dtc") else value)


def _test(values: Mapping[str, str]) -> str:
    """Name a lab test with its specimen."""
    name = values.get("lbtest") or values.get("lbtestcd") or "test not named"
    return f"{name} ({values['lbspec'].lower()})" if "lbspec" in values else name


def _lab_cells(values: Mapping[str, str]) -> Mapping[str, str]:
    """Put one lab result into cells by column: five fit on a telephone."""
    if "lborres" in values:
        result, unit, low, high = (values.get(f"lbor{name}", "") for name in ("res", "resu", "nrlo", "nrhi"))
    else:
        result, unit, low, high = (values.get(f"lbst{name}", "") for name in ("resc", "resu", "nrlo", "nrhi"))
    change = ", ".join(filter(None, (values.get("chg", ""), f"{values['pchg']} %" if "pchg" in values else "")))
    cells = {
        "Sampled": " ".join(filter(None, (values.get("lbdtc", ""), values.get("visit", "")))),
        "Result": " ".join(filter(None, (result, unit, values.get("lbspccnd", "")))),
        "Range": f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else "",
        "Baseline": " ".join(filter(None, (values.get("base", ""), f"({change})" if change else ""))),
        "Grade": _grades(values),
    }
    return {name: text for name, text in cells.items() if text}


def _grades(values: Mapping[str, str]) -> str:
    """Say the grades by direction, each with that of baseline where it is known."""
    said = []
    for direction, word in (("l", "low"), ("h", "high")):
        grade, before = values.get(f"atoxgr{direction}", ""), values.get(f"btoxgr{direction}", "")
        if grade:
            side = f"{grade} {word}" if grade != "0" else "0"
            said.append(side + (f" (baseline {before})" if before else ""))
    return ", ".join(dict.fromkeys(said))


def _columns(caption: str, cells: list[Mapping[str, str]]) -> Grid:
    """Make a table of the columns that have anything in them."""
    head = tuple(dict.fromkeys(name for row in cells for name in row))
    order = [name for name in ("Sampled", "Result", "Range", "Baseline", "Grade") if name in head]
    rows = tuple(tuple(row.get(name, "") for name in order) for row in cells[-MOST_RECORDS:])
    left_out = len(cells) - len(rows)
    beside = " (other results, if any, not shown)" if len(rows) > 1 else ""  # several look like the whole course
    return Grid(
        caption=caption + (f" (the last {MOST_RECORDS}; {left_out} earlier in the ledger)" if left_out else beside),
        head=tuple(order),
        rows=rows,
    )
