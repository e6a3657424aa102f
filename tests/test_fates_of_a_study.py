"""The founding study, look by look for 24 weeks: every planned dose of 40 participants ends in exactly one fate."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

from monitor.demo.background import moment, view_on
from monitor.demo.place import ZONE
from monitor.demo.stage import STEP_DAYS, staged_cohort
from rules.context import Context
from rules.exposure import first_dose
from rules.records import Hold
from rules.regimen import Fate, fates_by_plan
from rules.rulebook import load_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
DAYS = 168
ENTERED_OTHERWISE = {
    ("SYN-030", "C1D5"): None,  # never entered
    ("SYN-031", "C1D3"): {"ECOCCUR": "", "ECDOSE": "", "ECDOSU": ""},  # asked about, and left blank
    ("SYN-032", "C1D9"): {"ECSTDTC": "", "ECENDTC": ""},  # given, on no known day
    ("SYN-033", "C1D5"): {"ECOCCUR": "N", "ECDOSE": "", "ECDOSU": ""},  # on hold
    ("SYN-033", "C1D7"): None,  # on hold, and never entered
    ("SYN-034", "C1D5"): None,  # on a hold that nobody acknowledges
}
NOT_GIVEN = {
    ("SYN-003", "C1D7"): Fate.NOT_GIVEN,
    ("SYN-012", "C3D5"): Fate.NOT_GIVEN,
    ("SYN-012", "C3D7"): Fate.NOT_GIVEN,
    ("SYN-012", "C3D9"): Fate.NOT_GIVEN,
    ("SYN-030", "C1D5"): Fate.NO_RECORD,
    ("SYN-031", "C1D3"): Fate.UNCLEAR,
    ("SYN-032", "C1D9"): Fate.UNCLEAR,
    ("SYN-033", "C1D5"): Fate.ON_HOLD,
    ("SYN-033", "C1D7"): Fate.NO_RECORD,
    ("SYN-034", "C1D5"): Fate.NO_RECORD,
}
ACKNOWLEDGED = {"SYN-033": True, "SYN-034": False}


def _cohort():
    """Return the demonstration's cohort with three doses entered otherwise."""
    cohort = staged_cohort(2014, date(2026, 1, 1))
    entries = []
    for entry in cohort.entries:
        otherwise = ENTERED_OTHERWISE.get((entry.usubjid, entry.values.get("ECSPID", "")), entry.values)
        if otherwise is not None:
            entries.append(replace(entry, values={**entry.values, **otherwise}))
    return replace(cohort, entries=tuple(entries))


def _held(participant, first, now):
    """Put a participant on hold from noon of the fourth day on; doses that are given nevertheless stay given."""
    since = first.replace(hour=12, tzinfo=ZONE) + timedelta(days=3)
    if participant.usubjid not in ACKNOWLEDGED or since > now:
        return participant
    seen = since if ACKNOWLEDGED[participant.usubjid] else None
    hold = Hold(rule_id="CYT-02", alert=1, consequence="hold", summary="-", since=since, acknowledged=seen)
    return replace(participant, holds=(hold,))


def test_every_planned_dose_ends_in_exactly_one_fate():
    cohort, seen = _cohort(), {}
    for day in range(0, DAYS, STEP_DAYS):
        now = moment(cohort, day)
        for participant in view_on(cohort, day).participants:
            first = first_dose(participant, BOOK.header.zero_dose)
            if first is None:
                continue
            context = Context(now=now, zone=ZONE, header=BOOK.header)
            fates = fates_by_plan(BOOK.dosing, _held(participant, first.earliest, now), first.earliest.date(), context)
            names = [fate.name for fate in fates]
            assert len(names) == len(set(names)) == 42
            for fate in fates:
                seen.setdefault((participant.usubjid, fate.name), []).append(fate.fate)
    final = {dose: fates[-1] for dose, fates in seen.items()}
    assert {dose: fate for dose, fate in final.items() if fate not in {Fate.GIVEN, Fate.NOT_EXPECTED}} == NOT_GIVEN
    assert Counter(final.values()) == {
        Fate.GIVEN: 1135, Fate.NOT_EXPECTED: 535, Fate.NOT_GIVEN: 4, Fate.NO_RECORD: 3, Fate.UNCLEAR: 2,
        Fate.ON_HOLD: 1,
    }  # fmt: skip
    for dose, fates in seen.items():
        steps = [fate for number, fate in enumerate(fates) if not number or fate is not fates[number - 1]]
        assert Fate.NOT_DUE not in steps[1:] or steps[0] is Fate.NOT_EXPECTED, f"{dose}: {steps}"
        assert len(steps) <= 3, f"{dose}: {steps}"
