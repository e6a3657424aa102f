"""A synthetic cohort like the founding study's: forty people with active lupus, seeded, and everything a site enters.

It knows how such a cohort looks at baseline, how its counts move, what is common on low-dose IL-2, and when a site
enters what. It must not know the script, the rules or what vigil makes of any of it.

Unless asked for more, counts vary within a person by less than the falls that matter, and no baseline lies just above a
limit of grade 3 or 4: whatever is alerted in a replay comes from the script, so that silence and alarm can both be
checked for any seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from monitor.demo.bedside import (
    CRITERIA,
    STANDARD,
    at_the_bed,
    draw_body,
    encounter,
    failed_criterion,
    medication,
    visit_values,
)
from monitor.demo.export import Entry, in_order
from monitor.demo.labs import Levels, draw_levels, sample
from monitor.demo.swings import Variability

PARTICIPANTS = 40
SCREENING_FAILURES = 3
SCREENING_DAYS = 7
ENROLMENT_DAYS = 28
DOSE_DAYS = (1, 3, 5, 7, 9, 11, 13)
CYCLE_DAYS = 28
LAST_WEEK = 24

FEBRILE_FROM = 1.3
"""Who has fewer neutrophils at rest has no fever here: with one they would be an emergency, which is for the script."""

LEUKOPENIC, NEUTROPENIC, LYMPHOPENIC, THROMBOCYTOPENIC = 16, 8, 22, 5
"""Of forty at baseline: 40 %, 21 % and 55 % as in Han Chinese lupus; low platelets are a qualifying finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A synthetic participant; days are days of the replay unless they are called study days."""

    number: int
    sex: str
    age: int
    first_dose: int
    cycles: int
    punctual: bool  # seen on the planned day and entered on the same day
    levels: Levels

    @property
    def usubjid(self) -> str:
        """The identifier, which says that the participant is synthetic."""
        return f"SYN-{self.number:03d}"

    def day(self, study_day: int) -> int:
        """Return the day of the replay of a study day; study day 1 is that of the first dose, there is no day 0."""
        return self.first_dose + study_day - (1 if study_day > 0 else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """The people, and what the source shows of them from which day to which, in the order of an export."""

    first_day: date
    people: tuple[Person, ...]
    entries: tuple[Entry, ...]

    def person(self, number: int) -> Person:
        """Return the participant of that number, from 1."""
        return self.people[number - 1]


@dataclass(frozen=True, slots=True)
class Common:
    """A common adverse event: how many of forty have it, and whether it follows an injection within a day."""

    term: str
    decod: str
    soc: str
    of_forty: int
    lasts: int
    after_dose: bool


GENERAL = "General disorders and administration site conditions"
INFECTIONS = "Infections and infestations"

# 5/40 in the founding study; 14 %, 10 % and 7 % in the group's later randomised trial; then what everybody has.
COMMON = (
    Common("注射部位红肿", "Injection site reaction", GENERAL, 5, 3, True),
    Common("注射后发热", "Pyrexia", GENERAL, 6, 1, True),
    Common("流感样症状", "Influenza like illness", GENERAL, 4, 1, True),
    Common("上呼吸道感染", "Upper respiratory tract infection", INFECTIONS, 3, 6, False),
    Common("Headache", "Headache", "Nervous system disorders", 4, 2, False),
    Common("Nausea", "Nausea", "Gastrointestinal disorders", 2, 2, False),
    Common("皮疹", "Rash", "Skin and subcutaneous tissue disorders", 3, 5, False),
)


def make_cohort(
    seed: int,
    first_day: date,
    *,
    normal: frozenset[int] = frozenset(),
    leukopenic: frozenset[int] = frozenset(),
    punctual: frozenset[int] = frozenset(),
    variability: Variability | None = None,
) -> Cohort:
    """Make the cohort of a seed; the numbers of `normal` start with normal counts, those of `leukopenic` without.

    With `variability` no drug moves a value, all swing as people's do, and baselines lie where they may.
    """
    people = tuple(_people(seed, normal, leukopenic, punctual, keep_away=variability is None))
    entries = [entry for person in people for entry in _visits(seed, person, first_day, variability)]
    entries += [entry for person in people for entry in _doses(person, first_day)]
    entries += [entry for person in people for entry in _subject(person, first_day)]
    entries += [entry for person in people for entry in _treatment(seed, person, first_day)]
    entries += _common_events(seed, people, first_day)
    entries += _screening_failures(seed, first_day)
    return Cohort(first_day=first_day, people=people, entries=in_order(entries))


def iso(first_day: date, day: int) -> str:
    """Return the date of a day of the replay as SDTM writes it."""
    return (first_day + timedelta(days=day)).isoformat()


def _people(
    seed: int, normal: frozenset[int], leukopenic: frozenset[int], punctual: frozenset[int], *, keep_away: bool
) -> Iterator[Person]:
    """Draw the people in order of enrolment."""
    chance = random.Random(f"{seed} people")
    everybody = range(1, PARTICIPANTS + 1)
    free = [number for number in everybody if number not in normal | leukopenic]
    low_wbc = sorted(leukopenic) + chance.sample(free, LEUKOPENIC - len(leukopenic))
    low_neut = frozenset(chance.sample(low_wbc, NEUTROPENIC))
    others = [number for number in everybody if number not in normal and number not in low_wbc]
    low_lym = {number for number in low_wbc if number not in low_neut} | set(chance.sample(sorted(low_neut), 6))
    low_lym |= set(chance.sample(others, LYMPHOPENIC - len(low_lym)))
    low_plat = frozenset(chance.sample([number for number in everybody if number not in normal], THROMBOCYTOPENIC))
    starts = [0, *sorted(chance.randrange(ENROLMENT_DAYS) for _ in everybody[1:])]
    for number in everybody:
        start = starts[number - 1]
        # Six cycles end within the replay only for those who start in its first two weeks.
        cycles = chance.choice((3, 6) if start < 14 else (3, 3, 3, 4))
        yield Person(
            number=number,
            sex=chance.choices("FM", (9, 1))[0],  # lupus: nine women to one man
            age=chance.randint(18, 65),
            first_dose=start,
            cycles=cycles,
            punctual=number in punctual,
            levels=draw_levels(
                random.Random(f"{seed} levels {number}"),
                leukopenic=number in low_wbc,
                neutropenic=number in low_neut,
                lymphopenic=number in low_lym,
                thrombocytopenic=number in low_plat,
                keep_away=keep_away,
            ),
        )


def _visits(seed: int, person: Person, first_day: date, variability: Variability | None) -> Iterator[Entry]:
    """Enter what is measured in screening, every second week on treatment, every eighth week after it."""
    chance = random.Random(f"{seed} visits {person.number}")
    body = draw_body(random.Random(f"{seed} body {person.number}"))
    walk = variability.walk(f"{seed} swings {person.number}") if variability else None
    treated = 4 * person.cycles
    weeks = [week for week in range(0, LAST_WEEK + 1, 2) if week <= treated or week % 8 == 0]
    for week in (-1, *weeks):
        day = person.day(-SCREENING_DAYS if week < 0 else 1 + 7 * week)
        late = 0 if person.punctual or week <= 0 else chance.choice((-1, 0, 0, 1))
        before_cycle = week % 4 == 0 and week < treated  # drawn before its first dose, never a day after it
        seen = day + (min(late, 0) if before_cycle else late)
        entered = seen if person.punctual else seen + chance.choice((0, 0, 1))
        visit = {"VISITNUM": str(week + 2), "VISIT": "SCREENING" if week < 0 else f"WEEK {week}"}
        when = f"{iso(first_day, seen)}T08:{chance.randrange(10, 50)}"
        dosing = week % 4 == 2 and week < treated
        for values in sample(chance, person.levels, person.sex, week=week, dosing=dosing, walk=walk):
            yield Entry(domain="LB", usubjid=person.usubjid, values=visit | values | {"LBDTC": when}, shown=entered)
        for domain, values in visit_values(chance, body, week=week, dosing=dosing):
            yield Entry(
                domain=domain, usubjid=person.usubjid, values=visit | values | {f"{domain}DTC": when}, shown=entered
            )


def _doses(person: Person, first_day: date) -> Iterator[Entry]:
    """Enter every planned dose as given, on its day; ECSPID names cycle and day."""
    for cycle in range(person.cycles):
        for dose_day in DOSE_DAYS:
            day = person.day(cycle * CYCLE_DAYS + dose_day)
            values = {
                "ECSPID": f"C{cycle + 1}D{dose_day}",
                "ECTRT": "RECOMBINANT HUMAN INTERLEUKIN-2",
                "ECPRESP": "Y",
                "ECOCCUR": "Y",
                "ECDOSE": "1000000",
                "ECDOSU": "IU",
                "ECROUTE": "SUBCUTANEOUS",
                "ECSTDTC": f"{iso(first_day, day)}T10:00",
                "ECENDTC": f"{iso(first_day, day)}T10:00",
            }
            yield Entry(domain="EC", usubjid=person.usubjid, values=values, shown=day)


def _subject(person: Person, first_day: date) -> Iterator[Entry]:
    """Enter DM, which gains its reference dates as they become known, and DS: consent, and the end of treatment."""
    screened = person.day(-SCREENING_DAYS)
    ended = person.day(person.cycles * CYCLE_DAYS)
    first = f"{iso(first_day, person.first_dose)}T10:00"
    last = f"{iso(first_day, person.day((person.cycles - 1) * CYCLE_DAYS + DOSE_DAYS[-1]))}T10:00"
    stages: tuple[tuple[int, dict[str, str]], ...] = (
        (screened, {}),
        (person.first_dose, {"RFSTDTC": first, "RFXSTDTC": first}),
        (ended, {"RFSTDTC": first, "RFXSTDTC": first, "RFENDTC": iso(first_day, ended), "RFXENDTC": last}),
    )
    fixed = {"SUBJID": f"{person.number:03d}", "SITEID": "SYN", "AGE": str(person.age), "AGEU": "YEARS"}
    fixed |= {"SEX": person.sex, "COUNTRY": "CHN", "ARM": "LOW-DOSE IL-2", "ACTARM": "LOW-DOSE IL-2"}
    for number, (day, known) in enumerate(stages, start=1):
        end = {"gone": stages[number][0]} if number < len(stages) else {}
        yield Entry(domain="DM", usubjid=person.usubjid, values=fixed | known, shown=day, **end)
    milestones = (
        (screened, "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", ""),
        (ended, "COMPLETED", "DISPOSITION EVENT", "STUDY TREATMENT"),
    )
    for day, what, category, about in milestones:
        values = {"DSTERM": what, "DSDECOD": what, "DSCAT": category, "DSSCAT": about, "DSSTDTC": iso(first_day, day)}
        yield Entry(domain="DS", usubjid=person.usubjid, values=values, shown=day)


def _screening_failures(seed: int, first_day: date) -> Iterator[Entry]:
    """Enter who consented, failed a criterion and was never dosed: they are what IE mostly tells of."""
    chance = random.Random(f"{seed} screening failures")
    for number in range(PARTICIPANTS + 1, PARTICIPANTS + SCREENING_FAILURES + 1):
        screened = chance.randrange(-SCREENING_DAYS, ENROLMENT_DAYS - SCREENING_DAYS)
        on = iso(first_day, screened)
        fixed = {"SUBJID": f"{number:03d}", "SITEID": "SYN", "AGE": str(chance.randint(18, 65)), "AGEU": "YEARS"}
        fixed |= {"SEX": "F", "COUNTRY": "CHN", "ARM": "SCREEN FAILURE", "ACTARM": "SCREEN FAILURE"}
        failure = {"DSTERM": "SCREEN FAILURE", "DSDECOD": "SCREEN FAILURE", "DSCAT": "DISPOSITION EVENT"}
        for domain, values in (
            ("DM", fixed),
            ("DS", failure | {"DSSTDTC": on}),
            ("IE", failed_criterion(chance.choice(tuple(CRITERIA)), iedtc=on)),
        ):
            yield Entry(domain=domain, usubjid=f"SYN-{number:03d}", values=values, shown=screened)


def _treatment(seed: int, person: Person, first_day: date) -> Iterator[Entry]:
    """Enter the standard treatment of lupus, which began long before and goes on."""
    chance = random.Random(f"{seed} treatment {person.number}")
    for number, (name, decod, group, days) in enumerate(STANDARD, start=1):
        began = iso(first_day, person.first_dose - chance.randint(*days))
        values = medication(f"C{number:02d}", name, decod, group, "系统性红斑狼疮", cmstdtc=began)
        yield Entry(domain="CM", usubjid=person.usubjid, values=values, shown=person.day(-SCREENING_DAYS))


def _common_events(seed: int, people: tuple[Person, ...], first_day: date) -> Iterator[Entry]:
    """Enter what is common, mild and not serious: first as going on, then as resolved."""
    chance = random.Random(f"{seed} common events")
    had: dict[str, int] = {}
    for common in COMMON:
        for person in chance.sample([p for p in people if _may_have(common, p)], common.of_forty):
            had[person.usubjid] = had.get(person.usubjid, 0) + 1
            cycle = chance.choice((0, 0, 0, 1, 2)) * CYCLE_DAYS
            onset = person.day(cycle + (chance.choice(DOSE_DAYS) if common.after_dose else chance.randint(2, 26)))
            told = onset + chance.choice((0, 1))
            over = max(onset + common.lasts, told + 1)
            event = adverse_event(f"E{had[person.usubjid]:02d}", common.term, common.decod, common.soc)
            event |= {"AESTDTC": iso(first_day, onset), "AEDTC": iso(first_day, told)}
            yield Entry(domain="AE", usubjid=person.usubjid, values=event, shown=told, gone=over)
            event |= {"AEENDTC": iso(first_day, over), "AEOUT": "RECOVERED/RESOLVED"}
            yield Entry(domain="AE", usubjid=person.usubjid, values=event, shown=over)
            if common.decod == "Pyrexia":
                yield from _fever(person, onset, first_day)
            elif common.soc == INFECTIONS:
                seen = encounter(f"H{had[person.usubjid]:02d}", "门诊就诊", hostdtc=iso(first_day, told))
                yield Entry(domain="HO", usubjid=person.usubjid, values=seen, shown=told)


def _may_have(common: Common, person: Person) -> bool:
    """Whether it would be no emergency, and not be taken for what the script lets happen to the punctual."""
    if common.decod == "Pyrexia":
        return person.levels["NEUT"] > FEBRILE_FROM
    return common.soc != INFECTIONS or not person.punctual


def _fever(person: Person, day: int, first_day: date) -> Iterator[Entry]:
    """Enter a fever in the evening of a dose, and that it is gone the next morning."""
    for degrees, at, seen in (("38.7", "T18:00", day), ("36.8", "T07:30", day + 1)):
        when = {"VISIT": "UNSCHEDULED", "VSDTC": f"{iso(first_day, seen)}{at}"}
        for values in at_the_bed(degrees):
            yield Entry(domain="VS", usubjid=person.usubjid, values=values | when, shown=seen)


_SERIOUSNESS = ("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


def adverse_event(aespid: str, term: str, decod: str, soc: str, **values: str) -> dict[str, str]:
    """Return a mild, non-serious AE row; `values` by lower-case variable name overrule that."""
    row = dict.fromkeys(_SERIOUSNESS, "N")
    row |= {"AESPID": aespid, "AETERM": term, "AEDECOD": decod, "AEBODSYS": soc, "AESEV": "MILD", "AETOXGR": "1"}
    row |= {"AEREL": "POSSIBLY RELATED", "AEACN": "DOSE NOT CHANGED", "AEOUT": "NOT RECOVERED/NOT RESOLVED"}
    return row | {name.upper(): value for name, value in values.items()}
