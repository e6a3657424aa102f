"""What a record of EC or EX tells of a dose: on which days, whether it says that it was given, and which records count.

It must not know a plan, an amount or a treatment.
"""

from collections.abc import Iterable
from datetime import date, datetime

from rules.dtc import Dtc
from rules.exposure import ZeroDose, was_given
from rules.records import Dose, Participant


def dose_records(participant: Participant) -> tuple[Dose, ...]:
    """Return the participant's dose records of EC, or those of EX where EC has none."""
    ec = tuple(dose for dose in participant.doses if dose.domain == "EC")
    return ec or tuple(dose for dose in participant.doses if dose.domain == "EX")


def certainly_given(participant: Participant, zero_dose: ZeroDose) -> list[Dose]:
    """Return the records of `dose_records` that say of a dose that it was given."""
    return [record for record in dose_records(participant) if was_given(record, zero_dose) and says_whether(record)]


def given_records(participant: Participant, zero_dose: ZeroDose) -> tuple[Dose, ...]:
    """Return the records of doses given: those of EC, and those of EX for days of which EC tells of none."""
    given = [dose for dose in participant.doses if was_given(dose, zero_dose)]
    ec = [dose for dose in given if dose.domain == "EC" and (day_of(dose) is not None or spans_days(dose))]
    return tuple(dose for dose in given if dose.domain == "EC" or not any(_may_share_a_day(dose, one) for one in ec))


def _may_share_a_day(one: Dose, other: Dose) -> bool:
    """Whether two records may tell of one day, as far as their dates say."""
    (begin, end), (other_begin, other_end) = _days_of(one), _days_of(other)
    return begin <= other_end and other_begin <= end


def _days_of(record: Dose) -> tuple[date, date]:
    """The first and last day of which a record may tell."""
    if record.stdtc is None:
        return date.min, date.max
    return record.stdtc.earliest.date(), end_of(record, record.stdtc).latest.date()


def says_whether(record: Dose) -> bool:
    """Whether a record says that its dose occurred or not; one that the form asked about and left blank does not."""
    return record.occur in {"Y", "N"} or (not record.occur and (record.presp != "Y" or record.dose is not None))


def end_of(record: Dose, begin: Dtc) -> Dtc:
    """Return the end of a record that covers several days, else its begin."""
    return record.endtc if spans_days(record) and record.endtc is not None else begin


def spans_days(record: Dose) -> bool:
    """Whether a record covers more than one day."""
    start, end = record.stdtc, record.endtc
    return start is not None and end is not None and start.has_day and end.earliest.date() > start.latest.date()


def covers(record: Dose, day: date) -> bool:
    """Whether a day lies between the begin and the end of a record."""
    start, end = record.stdtc, record.endtc
    return start is not None and end is not None and start.earliest.date() <= day <= end.latest.date()


def day_of(record: Dose) -> date | None:
    """The day of a record, None where it is not known."""
    return record.stdtc.earliest.date() if record.stdtc is not None and record.stdtc.has_day else None


def moment_of(record: Dose) -> datetime | None:
    """Return the minute at which a dose was given, None where no time of day is recorded."""
    when = record.stdtc
    return when.earliest.replace(second=0) if when is not None and when.has_time else None


def once(records: Iterable[Dose]) -> list[Dose]:
    """Leave out the records that tell of the same minute as one before: one dose recorded twice, as far as known.

    Records of several days may begin together and tell of different days: all are kept.
    """
    seen: set[tuple[str, datetime]] = set()
    kept = []
    for record in records:
        moment = None if spans_days(record) else moment_of(record)
        if moment is None or (record.domain, moment) not in seen:
            kept.append(record)
        if moment is not None:
            seen.add((record.domain, moment))
    return kept
