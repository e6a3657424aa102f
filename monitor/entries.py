"""What may be written in the settings file: the entries, and how each value is read.

It knows shapes and limits, and says what is wrong with a value in a few words; `monitor.settings` adds file, entry and
field. Relative paths count from the folder of the settings file, which arrives as validation context.
"""

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from alerts.address import ADDRESS, is_loopback
from alerts.audience import Shrink
from rules.hit import Urgency
from rules.records import DOMAINS


class Strict(BaseModel):
    """Refuses unknown keys and does not coerce."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _folder(info: ValidationInfo) -> Path:
    """Return the folder of the settings file."""
    context: dict[str, Path] = info.context or {}
    return context["folder"]


def _beside(value: object, info: ValidationInfo) -> Path:
    """Read a path; a relative one counts from the settings file's folder."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path in quotes")
    return _folder(info) / Path(value).expanduser()


def _address(value: str) -> str:
    """Insist on one plain e-mail address: a list in one entry would lose all but the first."""
    if not ADDRESS.fullmatch(value):
        raise ValueError(f"'{value}' is not one plain e-mail address")
    return value


def _timezone(value: str) -> str:
    """Insist on an IANA time zone."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{value}' is not an IANA time zone, such as Asia/Shanghai") from None
    return value


def _duration(value: object) -> timedelta:
    """Read "90s", "15m" or "1h": from one second to one day."""
    match = re.fullmatch(r"(\d{1,5})([smh])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"'{value}' is not a duration such as \"15m\" (s, m or h)")
    duration = int(match[1]) * {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}[match[2]]
    if not timedelta(seconds=1) <= duration <= timedelta(days=1):
        raise ValueError(f"'{value}' is not between 1s and 24h")
    return duration


def _time_of_day(value: object) -> time:
    """Read "08:00"."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"'{value}' is not a time of day such as \"08:00\"")
    return time.fromisoformat(value)


def _database(value: str, info: ValidationInfo) -> str:
    """Insist on SQLite in a file or PostgreSQL, and on a password that stands elsewhere."""
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///") and ":memory:" not in value:
        return f"sqlite:///{_folder(info) / value.removeprefix('sqlite:///')}"
    if not re.match(r"postgresql(\+psycopg)?://", value):
        raise ValueError("must be sqlite:///FILE or postgresql://USER@HOST/NAME")
    parts = urlsplit(value)
    if parts.password or "password" in parse_qs(parts.query):
        raise ValueError("holds a password: leave it out and name a password file in the environment as PGPASSFILE")
    return value


def _id(value: str) -> str:
    """Insist on a study id that subjects, metrics and commands can carry."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise ValueError("must be letters, digits, - and _")
    return value


def _variable(value: str) -> str:
    """Insist on what can be an SDTM variable."""
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,7}", value):
        raise ValueError("must be an SDTM variable name in capitals")
    return value


def _domain(value: str) -> str:
    """Insist on a domain that is read."""
    if value not in DOMAINS:
        raise ValueError(f"is not a domain that vigil reads ({', '.join(DOMAINS)})")
    return value


FilePath = Annotated[Path, BeforeValidator(_beside)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], Field(strict=False, min_length=1)]
Text = Annotated[str, Field(min_length=1)]
Domain = Annotated[str, AfterValidator(_domain)]
Database = Annotated[str, AfterValidator(_database), Field(validate_default=True)]
Variable = Annotated[str, AfterValidator(_variable)]
Variables = Annotated[tuple[Variable, ...], Field(strict=False, min_length=1)]


# ------------------------------------------------------------------------------------------------ entries


class Mail(Strict):
    """How mail leaves: one relay, one sender. `none` is for a relay on this machine only."""

    host: Text
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: Text | None = None
    password_file: FilePath | None = None
    password_env: Text | None = None
    ca_file: FilePath | None = None  # certificates of an in-house authority
    sender: Address

    @model_validator(mode="after")
    def _holds_together(self) -> "Mail":
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"tls: 'none' is for a relay on loopback, not for {self.host}")
        if self.password_file and self.password_env:
            raise ValueError("password_file and password_env both stand: name one")
        if bool(self.username) != bool(self.password_file or self.password_env):
            raise ValueError("username and a password (password_file or password_env) stand together or not at all")
        return self


class Web(Strict):
    """Where /metrics and /healthz listen; port 0 takes any free one and names it in the log."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9464


class Log(Strict):
    """How the log looks and from which level on it speaks."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Recipients(Strict):
    """Who is mailed, by urgency; a list left out is that of `immediate`."""

    immediate: Addresses
    same_day: Addresses | None = None
    routine: Addresses | None = None

    def by_urgency(self) -> dict[Urgency, tuple[str, ...]]:
        """Return the recipients of every urgency."""
        return {
            Urgency.IMMEDIATE: self.immediate,
            Urgency.SAME_DAY: self.same_day or self.immediate,
            Urgency.ROUTINE: self.routine or self.immediate,
        }


class SourceEntry(Strict):
    """A folder of SDTM files.

    `files` names a glob per domain, `keys` the variables that identify a row, `events` those that identify an event.
    """

    kind: Literal["sdtm-folder"]
    path: FilePath
    encoding: Text = "utf-8"
    files: dict[Domain, Text] = {}
    keys: dict[Domain, Variables] = {}
    events: dict[Domain, Variables] = {}


class ShrinkEntry(Strict):
    """When a vanished part of a domain is held back until a second look: both limits must be passed."""

    share: Annotated[float, Field(gt=0, le=1)] = Shrink().share
    rows: Annotated[int, Field(ge=1)] = Shrink().rows


class StudyEntry(Strict):
    """One study under watch."""

    id: Annotated[str, AfterValidator(_id)]
    title: Text
    studyid: Text
    rulebook: Text
    timezone: Annotated[str, AfterValidator(_timezone)]
    sweep_every: Annotated[timedelta, BeforeValidator(_duration)] = timedelta(minutes=15)
    daily_at: Annotated[time, BeforeValidator(_time_of_day)] = time(8, 0)
    show_usubjid: bool = True
    recipients: Recipients
    source: SourceEntry
    shrink: ShrinkEntry = ShrinkEntry()
