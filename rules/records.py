"""What a rule may know of a study: one frozen dataclass per SDTM domain, and the view a rule is given.

Attributes are SDTM variable names in lower case; derived ones have ADaM names. How a row becomes a record is in
`rules.reading`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from rules.dtc import Dtc


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One current row of an SDTM domain, with the ledger's word for it."""

    version: int = 0  # id of the record version in the ledger: evidence
    key: str = ""  # record key: what identifies the row across extracts
    known_at: datetime | None = None  # UTC: the sweep that first saw this content
    problems: tuple[str, ...] = ()  # values that could not be read, one sentence each
    usubjid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Record):
    """A row of DM."""

    subjid: str = ""
    siteid: str = ""
    rficdtc: Dtc | None = None
    rfstdtc: Dtc | None = None
    rfxstdtc: Dtc | None = None
    rfxendtc: Dtc | None = None
    rfpendtc: Dtc | None = None
    dthfl: str = ""
    dthdtc: Dtc | None = None
    age: Decimal | None = None
    ageu: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseEvent(Record):
    """A row of AE. `event_key` names the event that several rows tell of."""

    event_key: str = ""
    aespid: str = ""
    aeterm: str = ""
    aellt: str = ""
    aedecod: str = ""
    aebodsys: str = ""
    aesoc: str = ""
    aesev: str = ""
    aetoxgr: str = ""
    aeser: str = ""
    aesdth: str = ""
    aeslife: str = ""
    aeshosp: str = ""
    aesdisab: str = ""
    aescong: str = ""
    aesmie: str = ""
    aescan: str = ""
    aesod: str = ""
    aerel: str = ""
    aeacn: str = ""
    aeout: str = ""
    aestdtc: Dtc | None = None
    aeendtc: Dtc | None = None
    aedtc: Dtc | None = None
    aeenrtpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """A row of LB, VS, EG or QS under one set of names: `testcd` is LBTESTCD, VSTESTCD, EGTESTCD or QSTESTCD.

    Results and ranges stay text: `rules.finding_reading` reads them, censoring and all.
    """

    domain: str = "LB"
    testcd: str = ""
    test: str = ""
    cat: str = ""
    spec: str = ""
    pos: str = ""
    orres: str = ""
    orresu: str = ""
    ornrlo: str = ""
    ornrhi: str = ""
    stresc: str = ""
    stresn: str = ""
    stresu: str = ""
    stnrlo: str = ""
    stnrhi: str = ""
    nrind: str = ""
    stat: str = ""
    spccnd: str = ""
    fast: str = ""
    blfl: str = ""
    lobxfl: str = ""
    visit: str = ""
    visitnum: str = ""
    tpt: str = ""
    dtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose(Record):
    """A row of EC or EX, under one set of names: `occur` is ECOCCUR, `dose` is ECDOSE or EXDOSE."""

    domain: str = "EC"
    presp: str = ""
    occur: str = ""
    mood: str = ""
    reasoc: str = ""
    dose: Decimal | None = None
    dosu: str = ""
    route: str = ""
    stdtc: Dtc | None = None
    endtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition(Record):
    """A row of DS."""

    dsdecod: str = ""
    dscat: str = ""
    dsscat: str = ""
    dsterm: str = ""
    dsstdtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication(Record):
    """A row of CM. Doses are not read: no rule needs them, and none may be mailed."""

    cmtrt: str = ""
    cmdecod: str = ""
    cmcat: str = ""
    cmclas: str = ""
    cmindc: str = ""
    cmroute: str = ""
    cmoccur: str = ""
    cmstdtc: Dtc | None = None
    cmendtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicalHistory(Record):
    """A row of MH."""

    mhterm: str = ""
    mhdecod: str = ""
    mhbodsys: str = ""
    mhcat: str = ""
    mhoccur: str = ""
    mhstdtc: Dtc | None = None
    mhendtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthcareEncounter(Record):
    """A row of HO: an admission or another encounter."""

    hoterm: str = ""
    hodecod: str = ""
    hocat: str = ""
    hooccur: str = ""
    hostdtc: Dtc | None = None
    hoendtc: Dtc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityCriterion(Record):
    """A row of IE: a criterion of inclusion that is not met or of exclusion that is; some studies bring all of them."""

    ietestcd: str = ""
    ietest: str = ""
    iecat: str = ""
    ieorres: str = ""
    iestresc: str = ""
    iedtc: Dtc | None = None


DOMAINS: Mapping[str, type[Record]] = {
    "DM": Subject,
    "AE": AdverseEvent,
    "LB": Finding,
    "VS": Finding,
    "EG": Finding,
    "QS": Finding,
    "EC": Dose,
    "EX": Dose,
    "DS": Disposition,
    "CM": Medication,
    "MH": MedicalHistory,
    "HO": HealthcareEncounter,
    "IE": EligibilityCriterion,
}
"""The domains that are read, in reading order."""


def domain_of(record: Record) -> str:
    """Return the SDTM domain of a record."""
    if isinstance(record, Dose | Finding):
        return record.domain
    return next(domain for domain, kind in DOMAINS.items() if type(record) is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold or stop of dosing that a rule has called for, from when it was decided until a person closed its alert."""

    rule_id: str
    alert: int  # the number of the alert that a person closes to release it
    consequence: str  # hold or stop
    summary: str  # what was told, the day of the sample or event within it
    since: datetime  # UTC
    until: datetime | None = None  # UTC
    acknowledged: datetime | None = None  # UTC: when a person first did, while it stood
    retracted: datetime | None = None  # UTC: when its alert was, which releases nothing; None where it called again


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A person's entry about a report of an adverse event: that it was submitted, or that none is owed."""

    scope: str  # of the alert at which it was entered: an event, or the clock of one report
    on: date | None  # the day of the submission, as the person gives it; None where no report is owed
    by: str
    at: datetime  # UTC: when it was entered


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """All current records of one participant, each domain in order of record key, and what the ledger tells besides."""

    usubjid: str
    subject: Subject | None = None
    adverse_events: tuple[AdverseEvent, ...] = ()
    findings: tuple[Finding, ...] = ()
    doses: tuple[Dose, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    medications: tuple[Medication, ...] = ()
    history: tuple[MedicalHistory, ...] = ()
    encounters: tuple[HealthcareEncounter, ...] = ()
    eligibility: tuple[EligibilityCriterion, ...] = ()
    former_events: Mapping[str, tuple[AdverseEvent, ...]] = field(default_factory=dict)
    """Record key of an AE row that was corrected in place, or is gone -> its earlier versions, oldest first."""
    holds: tuple[Hold, ...] = ()
    submissions: tuple[Submission, ...] = ()


PLACES: Mapping[str, str] = {
    "AE": "adverse_events",
    "LB": "findings",
    "VS": "findings",
    "EG": "findings",
    "QS": "findings",
    "EC": "doses",
    "EX": "doses",
    "DS": "dispositions",
    "CM": "medications",
    "MH": "history",
    "HO": "encounters",
    "IE": "eligibility",
}
"""Where a participant keeps the records of each domain; DM is one record, `subject`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRows:
    """The rows of one domain rejected for the first time in one sweep and still in the current files."""

    domain: str
    digests: frozenset[str]
    examples: tuple[str, ...]  # up to five sentences: file, line, column, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that was refused whole in this look."""

    domain: str
    name: str
    digest: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StampFault:
    """A file that was read and that gives a time which cannot be used."""

    domain: str
    name: str
    reason: str  # one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is known of the source itself: the third thing a sweep judges, beside participants and the cohort."""

    trouble: str = ""  # the source as a whole could not be read, in one sentence
    news_at: tuple[datetime, ...] = ()
    """UTC: the sweeps of the last days that brought anything new, changed, back or withdrawn, the last one last."""
    databases: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """Domain -> UTC: when the database of each of its parts was last modified; empty where a file does not say."""
    stamp_faults: tuple[StampFault, ...] = ()
    written_at: datetime | None = None  # UTC: when the newest of the files that this look could read was written
    rejected: tuple[RejectedRows, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    missing_domains: tuple[str, ...] = ()  # configured, seen before or required, and not found in this look
    shrunken: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # domain -> rows before, rows now
    lost_columns: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Domain -> column that its files had once and have no longer -> the rules that judge by it."""
    new_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # domain -> columns of the current files
    participants: int = 0  # ever brought by the source
    not_evaluable: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """Rule id -> what it cannot tell about: participant and concern (`rules.hit.concern_of`)."""
    unknown_tests: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Lab code and specimen that vigil does not know -> rows and participants seen now; (0, 0) for one told before."""
    domains: frozenset[str] = frozenset()  # domains of which a file was ever read, be it without a row

    @property
    def newest_data_at(self) -> datetime | None:
        """The last sweep that brought anything; None where none did."""
        return self.news_at[-1] if self.news_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """What `evaluate` is given: the participants to be judged in this sweep, and the feed."""

    participants: tuple[Participant, ...] = ()
    is_whole: bool = True  # these are all whom the source ever brought: only then is the cohort judged
    feed: Feed = field(default_factory=Feed)
