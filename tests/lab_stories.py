"""Lab stories for tests: a participant first dosed on day 1, samples told by study day, judged by one rule."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.context import Context
from rules.dtc import Dtc
from rules.graded import GradedFinding, grade_participants
from rules.hit import Judgement
from rules.kinds import KINDS
from rules.records import DOMAINS, AdverseEvent, Dose, Finding, Participant, Subject
from rules.rulebook import Header, Rule

DAY_1 = datetime(2014, 3, 3)


def on(day: int, time: str = "") -> Dtc:
    """The date of a study day; there is no day 0."""
    date = DAY_1 + timedelta(days=day - 1 if day > 0 else day)
    return Dtc.parse(f"{date:%Y-%m-%d}{f'T{time}' if time else ''}")


def sample(
    test: str, day: int | None, result: object, unit: str = "10^9/L", low: object = "", high: object = "", **more
):
    """One lab row; its record key names test, day and result."""
    return Finding(
        key=more.pop("key", f"{test}/{day}/{result}"),
        version=more.pop("version", 1),
        usubjid="S-1",
        testcd=test,
        orres=str(result),
        orresu=unit,
        ornrlo=str(low),
        ornrhi=str(high),
        dtc=more.pop("dtc", on(day) if day is not None else None),
        **more,
    )


def participant(labs: Iterable[Finding], *, dosed: bool = True, **more) -> Participant:
    """A participant with these labs, dosed from 09:00 on day 1 or never."""
    dose = Dose(usubjid="S-1", key="EC/1", occur="Y", stdtc=on(1, "09:00"))
    subject = Subject(usubjid="S-1", key="DM/S-1")
    return Participant(usubjid="S-1", subject=subject, findings=tuple(labs), doses=(dose,) if dosed else (), **more)


def header(ctcae: str = "5.0", **more: object) -> Header:
    """A rulebook header."""
    return Header.model_validate(
        {"name": "t", "version": "1", "title": "t", "ctcae": ctcae, "zero_dose": "not-given"} | more
    )


def graded(
    labs: Iterable[Finding], ctcae: str = "5.0", *, dosed: bool = True, **more: str
) -> tuple[GradedFinding, ...]:
    """Grade one participant's labs."""
    return grade_participants([participant(labs, dosed=dosed)], header(ctcae, **more)).get("S-1", ())


def judged(
    kind: str,
    when: dict[str, object],
    labs: Iterable[Finding],
    *,
    ctcae: str = "5.0",
    dosed: bool = True,
    events: Iterable[AdverseEvent] = (),
    **more: str,
) -> list[Judgement]:
    """Let one rule judge one participant."""
    rule = Rule.model_validate(
        {"id": "CYT-99", "title": "t", "kind": kind, "protocol_section": "1", "urgency": "same-day", "action": "look"}
        | more
    )
    who = participant(labs, dosed=dosed, adverse_events=tuple(events))
    book = header(ctcae)
    context = Context(
        now=datetime(2015, 1, 1, tzinfo=UTC),
        zone=ZoneInfo("Asia/Shanghai"),
        header=book,
        graded=grade_participants([who], book),
        domains=frozenset(DOMAINS),
    )
    return [
        j
        for j in KINDS[kind].judge(rule, KINDS[kind].when.model_validate(when), who, context)
        if isinstance(j, Judgement)
    ]
