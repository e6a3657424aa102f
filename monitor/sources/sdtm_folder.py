"""A folder of SDTM datasets: what is there, what of it can be read, and the rows of every domain that changed.

It knows files, formats by their content, and what was seen before. It must not know the database, rules or the clock.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from alerts.batch import Batch, DomainRows, FileLook, RejectedRow, SeenFile
from alerts.stamps import stamp_in_name
from monitor.sources.claims import DEFAULT_FILES, Claim, claims, is_part, printable
from monitor.sources.formats import read_table
from monitor.sources.identity import EVENTS, KEYS, key_of
from monitor.sources.older import why_older
from monitor.sources.rows import Expected, FileRows, join, take
from monitor.sources.table import LINE, Refusal

_LOOKED_FOR = ("DM", "AE", "LB")
"""Domains without which there is little to watch: `check` says when one has no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """The bytes of one file at one moment, with its look so far."""

    look: FileLook
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Domain:
    """One look at one domain."""

    files: tuple[FileLook, ...] = ()
    rows: DomainRows | None = None
    rejected: tuple[RejectedRow, ...] = ()
    missing: bool = False


@dataclass(frozen=True)
class SdtmFolder:
    """The source of kind `sdtm-folder`.

    `files` gives a glob (file names, any case) for domains whose files are not named after them; `keys` and `events`
    give the variables that name a record or an event where the defaults of `identity` do not serve. Raises ValueError,
    in one sentence, for what cannot be meant.
    """

    path: Path
    studyid: str
    files: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for domain in (*self.files, *self.keys, *self.events):
            if domain not in DEFAULT_FILES:
                raise ValueError(f"domain {domain} is not read (read are {', '.join(DEFAULT_FILES)})")
        for domain, pattern in self.files.items():
            if not pattern or "/" in pattern:
                raise ValueError(f"'{pattern}' for {domain} is not a pattern of file names in one folder")
        try:
            is_ascii_kept = "a,\n".encode(self.encoding) == b"a,\n"
        except LookupError:
            raise ValueError(f"encoding '{self.encoding}' is unknown") from None
        if not is_ascii_kept:
            raise ValueError(f"encoding '{self.encoding}' is not one that files are read in: it does not keep ASCII")
        for domain, variables in (*self.keys.items(), *self.events.items()):
            key_of(domain, tuple(variables))

    def read(self, seen: Sequence[SeenFile]) -> Batch:
        """Look once at every domain; `seen` is what the ledger remembers, oldest first. Faults are in the batch."""
        try:
            with os.scandir(self.path) as entries:
                names = [entry.name for entry in entries if entry.is_file()]
        except OSError as error:
            return Batch(trouble=f"the folder {self.path} cannot be read: {error.strerror}")
        looks = {
            domain: self._look(domain, names, [file for file in seen if file.domain == domain])
            for domain in DEFAULT_FILES
        }
        return Batch(
            files=tuple(file for look in looks.values() for file in look.files),
            domains={domain: look.rows for domain, look in looks.items() if look.rows is not None},
            rejected=tuple(row for look in looks.values() for row in look.rejected),
            missing=tuple(domain for domain, look in looks.items() if look.missing),
        )

    def check(self) -> list[str]:
        """Say in sentences what stands in the way of reading; empty when nothing does."""
        batch = self.read(())
        if batch.trouble:
            return [batch.trouble]
        found = {file.domain for file in batch.files}
        said = [
            f"no file of {domain} is in {self.path} (looked for {self._pattern(domain)})"
            for domain in DEFAULT_FILES
            if domain not in found and (domain in _LOOKED_FOR or domain in self.files)
        ]
        refused = [file for file in batch.files if file.state == "refused"]
        said += dict.fromkeys(
            file.reason if file.name in file.reason else f"{file.name}: {file.reason}" for file in refused
        )
        counts = Counter(row.file for row in batch.rejected)
        first = {row.file: row for row in reversed(batch.rejected)}
        return said + [
            f"{name}: {counts[name]} of its rows cannot be taken, the first in line {row.line}: {row.reason}"
            for name, row in first.items()
        ]

    def _pattern(self, domain: str) -> str:
        return self.files.get(domain, DEFAULT_FILES[domain])

    def _expected(self, domain: str) -> Expected:
        """Return what the domain's rows must say, and how they are named."""
        keys = (key_of(domain, tuple(self.keys[domain])),) if domain in self.keys else KEYS[domain]
        events = (key_of(domain, tuple(self.events[domain])),) if domain in self.events else EVENTS.get(domain, ())
        return Expected(domain=domain, studyid=self.studyid, keys=keys, events=events)

    def _look(self, domain: str, names: Sequence[str], seen: Sequence[SeenFile]) -> _Domain:
        """Look at one domain: nothing is parsed while all of its files stand as they were last read."""
        found = claims(domain, self._pattern(domain), names)
        if not found:
            return _Domain(missing=bool(seen) or domain in self.files)
        expected = self._expected(domain)
        contents = [_open(self.path, claim, expected, self.encoding) for claim in found]
        absent = _absent_parts(domain, found, seen)
        fresh = [content for content in contents if content.look.state == "read"]
        if all(_is_unchanged(content.look, seen) for content in fresh):
            looks = [replace(c.look, state="unchanged") if c in fresh else c.look for c in contents]
            return _Domain(files=(*looks, *absent))
        looks, parts = list(absent), []
        for content in contents:
            look, rows = self._parse(content, expected, seen)
            looks.append(look)
            if rows is not None:
                parts.append(rows)
        complete = all(look.state == "read" for look in looks)
        return _Domain(
            files=tuple(looks),
            rows=join(parts, expected, complete=complete) if parts else None,
            rejected=tuple(row for part in parts for row in part.rejected),
        )

    def _parse(
        self, content: _Content, expected: Expected, seen: Sequence[SeenFile]
    ) -> tuple[FileLook, FileRows | None]:
        """Read one file's rows, or say why it is refused."""
        from polars.exceptions import PanicException

        look = content.look
        if look.state == "refused":
            return look, None
        try:
            table = read_table(content.data, self.encoding)
            look = replace(
                look,
                stamped_at=look.stamped_at or table.stamped_at,
                database_at=table.database_at,
                stamp_fault=table.stamp_fault,
                line_end=table.line_end,
                columns=tuple(name for name in table.frame.columns if name != LINE),
            )
            if not _is_unchanged(look, seen) and (why := _why_not(look, _of_dataset(look.name, seen))):
                raise Refusal(why)
            rows = take(table, look.name, expected)
        except Refusal as refusal:
            return replace(look, state="refused", reading="", reason=str(refusal)), None
        except (Exception, PanicException) as error:  # noqa: BLE001 one source read: a file that a reader chokes on is refused, and told
            # the error's own words may quote data, and reasons go into mails
            said = f"the file cannot be read ({type(error).__name__})"
            return replace(look, state="refused", reading="", reason=said), None
        return replace(look, rows=rows.rows), rows


def _open(folder: Path, claim: Claim, expected: Expected, encoding: str) -> _Content:
    """Read a file's bytes; one that changes meanwhile is being written and refused for now."""
    path = folder / claim.name
    domain, name = expected.domain, printable(claim.name)
    look = FileLook(domain=domain, name=name, state="refused", stamped_at=claim.stamped_at)
    try:
        before = path.stat()
        data = path.read_bytes()
        after = path.stat()
    except OSError as error:
        return _Content(look=replace(look, reason=f"the file cannot be read: {error.strerror}"))
    look = replace(
        look,
        digest=hashlib.sha256(data).hexdigest(),
        size=len(data),
        modified_at=datetime.fromtimestamp(after.st_mtime, UTC),
    )
    if claim.refused:
        return _Content(look=replace(look, reason=claim.refused))
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or after.st_size != len(data):
        return _Content(look=replace(look, reason="the file is being written"))
    return _Content(look=replace(look, state="read", reading=expected.reading(encoding)), data=data)


def _why_not(look: FileLook, seen: Sequence[SeenFile]) -> str:
    """Say why a file of whole rows is not taken after what was read of its dataset, '' where it is.

    A last line without its line end may lack the end of its last value too, and look whole: 202 of 2026-11-03.
    """
    known = [file.line_end for file in seen if file.line_end is not None]
    if look.line_end is False and known[-1:] == [True]:
        return "the file is half-written: no line end closes its last line, as one did when it was last read"
    return why_older(look, seen)


def _of_dataset(name: str, seen: Sequence[SeenFile]) -> list[SeenFile]:
    """Return what was seen of a file's dataset, whatever the stamp or ending of the name."""
    dataset, _ = stamp_in_name(name)
    return [file for file in seen if stamp_in_name(file.name)[0] == dataset]


def _is_unchanged(look: FileLook, seen: Sequence[SeenFile]) -> bool:
    """Whether a file stands as it was last read, in the same way, and nothing of that reading was held back."""
    last = next((file for file in reversed(seen) if file.name == look.name), None)
    return last is not None and (last.digest, last.reading) == (look.digest, look.reading) and last.settled


def _absent_parts(domain: str, found: Sequence[Claim], seen: Sequence[SeenFile]) -> list[FileLook]:
    """Return the parts of a split domain that were read before and are not there now, as refused."""
    there = {claim.dataset for claim in found}
    if not all(is_part(domain, dataset) for dataset in there):
        return []
    parts = {stamp_in_name(file.name)[0]: file.name for file in seen}
    reason = "the file was read before as a part of its domain and is not there now"
    return [
        FileLook(domain=domain, name=name, state="refused", reason=reason)
        for dataset, name in sorted(parts.items())
        if dataset not in there and is_part(domain, dataset)
    ]
