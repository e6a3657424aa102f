"""The settings: one TOML file, read strictly, turned into studies and a relay.

It knows what may be written in the file and refuses everything else in one sentence that names file, entry and field.
It reads secrets only when a relay is asked for, and never shows them. It must not open the database, the source or the
network. Relative paths count from the folder of the settings file.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from alerts.audience import Audience, Shrink
from monitor.entries import Addresses, Database, Log, Mail, Strict, StudyEntry, Web

if TYPE_CHECKING:
    from alerts.mailer import Relay
    from monitor.sources.sdtm_folder import SdtmFolder
    from monitor.study import Study
    from rules.rulebook import Rulebook

PLACES = (Path("vigil.toml"), Path("/etc/vigil/vigil.toml"))
"""Where the settings file is looked for when nobody names one."""


class SettingsError(Exception):
    """Settings that cannot be used; the message is one sentence that names file, entry and field."""


class Settings(Strict):
    """The whole file."""

    database: Database = "sqlite:///data/vigil.db"
    operators: Addresses
    mail: Mail
    web: Web = Web()
    log: Log = Log()
    study: Annotated[tuple[StudyEntry, ...], Field(strict=False, min_length=1)]
    _file: Path = PrivateAttr()

    def model_post_init(self, context: Mapping[str, Path], /) -> None:
        """Remember which file this was, for the sentences of later faults."""
        self._file = context["file"]

    @model_validator(mode="after")
    def _ids_differ(self) -> "Settings":
        ids = [study.id for study in self.study]
        for number, study_id in enumerate(ids, start=1):
            if study_id in ids[: number - 1]:
                raise ValueError(f"study number {number}: id: '{study_id}' stands twice")
        return self

    @property
    def file(self) -> Path:
        """Where this was read from."""
        return self._file

    def studies(self) -> list["Study"]:
        """Build every study, its rulebook loaded; raise SettingsError where one cannot be."""
        return [self.build_study(entry) for entry in self.study]

    def build_study(self, entry: StudyEntry) -> "Study":
        """Build one study; raise SettingsError naming it."""
        from monitor.study import Study  # here and below: a listing of alerts must not load what reads and grades

        return Study(
            id=entry.id,
            zone=ZoneInfo(entry.timezone),
            rulebook=self.build_rulebook(entry),
            source=self.build_source(entry),
            audience=self.audience(entry),
            sweep_every=entry.sweep_every,
            daily_at=entry.daily_at,
            shrink=Shrink(share=entry.shrink.share, rows=entry.shrink.rows),
        )

    def build_rulebook(self, entry: StudyEntry) -> "Rulebook":
        """Load the rulebook of one study; raise SettingsError naming it."""
        from rules.rulebook import RulebookError, load_rulebook

        shipped = not entry.rulebook.endswith(".toml")
        try:
            return load_rulebook(entry.rulebook if shipped else self._file.parent / entry.rulebook)
        except RulebookError as error:
            raise SettingsError(f"settings {self._file}: study {entry.id}: {error}") from None

    def build_source(self, entry: StudyEntry) -> "SdtmFolder":
        """Build the source of one study; raise SettingsError naming it."""
        from monitor.sources.sdtm_folder import SdtmFolder

        source = entry.source
        try:
            return SdtmFolder(
                source.path,
                entry.studyid,
                source.files,
                encoding=source.encoding,
                keys=source.keys,
                events=source.events,
            )
        except ValueError as error:
            raise SettingsError(f"settings {self._file}: study {entry.id}: source: {error}") from None

    def audience(self, entry: StudyEntry) -> Audience:
        """Return who is told about a study."""
        return Audience(
            study=entry.id,
            title=entry.title,
            sender=self.mail.sender,
            officers=entry.recipients.by_urgency(),
            operators=self.operators,
            show_usubjid=entry.show_usubjid,
            timezone=entry.timezone,
        )

    def relay(self) -> "Relay":
        """Return the relay with its password read; raise SettingsError where the password cannot be had."""
        from alerts.mailer import Relay  # loads the SMTP client: not for a listing of alerts

        mail = self.mail
        return Relay(
            host=mail.host,
            port=mail.port,
            tls=mail.tls,
            username=mail.username or "",
            password=self._password(),
            ca_file=str(mail.ca_file or ""),
        )

    def _password(self) -> str:
        """Read the password where it is kept; never let it into a message."""
        mail = self.mail
        if mail.password_env:
            password = os.environ.get(mail.password_env, "")
            where = f"password_env: {mail.password_env} is empty or not set in the environment"
        elif mail.password_file:
            try:
                password = mail.password_file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                said = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                raise SettingsError(
                    f"settings {self._file}: [mail]: password_file: {mail.password_file} cannot be read: {said}"
                ) from None
            where = f"password_file: {mail.password_file} is empty"
        else:
            return ""
        if not password:
            raise SettingsError(f"settings {self._file}: [mail]: {where}")
        return password


# ------------------------------------------------------------------------------------------------ loading


def find_settings(named: Path | None) -> Path:
    """Return the settings file: the one named, else the first of the usual places; raise SettingsError."""
    if named is not None:
        return named
    for place in PLACES:
        if place.is_file():
            return place
    raise SettingsError(f"no settings file: name one with --settings or VIGIL_SETTINGS, or make one with 'vigil init' "
                        f"(looked for {' and '.join(str(place) for place in PLACES)})")  # fmt: skip


def load_settings(path: Path) -> Settings:
    """Read a settings file; raise SettingsError with its first fault."""
    try:
        return parse_settings(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise SettingsError(f"settings {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"settings {path}: not UTF-8 text") from None


def parse_settings(text: str, path: Path) -> Settings:
    """Read the text of a settings file that lies, or will lie, at `path`; raise SettingsError with its first fault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings {path}: not TOML: {error}") from None
    try:
        return Settings.model_validate(document, context={"folder": path.absolute().parent, "file": path})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise SettingsError(f"settings {path}: {_place(fault['loc'], document)}{_words(fault)}") from None


def _place(loc: tuple[int | str, ...], document: Mapping[str, Any]) -> str:
    """Name the entry and the field of a fault: "study sle: recipients.immediate entry 2: "."""
    names = list(loc)
    head = ""
    if names[:1] == ["study"] and len(names) > 1 and isinstance(names[1], int):
        entry = document["study"][names[1]]
        named = isinstance(entry, dict) and isinstance(entry.get("id"), str)
        head = f"study {entry['id']}: " if named else f"study number {names[1] + 1}: "
        names = names[2:]
    elif names and isinstance(document.get(str(names[0])), dict):
        head = f"[{names[0]}]: "
        names = names[1:]
    field = ""
    for name in names:
        if name == "[key]":
            continue
        field += f" entry {name + 1}" if isinstance(name, int) else f".{name}" if field else name
    return head + (f"{field}: " if field else "")


_WORDS = {
    "extra_forbidden": "is not a setting that vigil knows",
    "missing": "is missing",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list in square brackets",
}


def _words(fault: ErrorDetails) -> str:
    """Say a fault in the words of this program rather than of its validator."""
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if fault["loc"] == ("study",) and fault["type"] == "tuple_type":
        return "stands in double brackets, [[study]], one for each study"
    return _WORDS.get(fault["type"]) or fault["msg"].replace("Input should be", "must be")
