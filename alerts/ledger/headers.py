"""What the current files say of themselves beside their rows: the time of their database, and their columns.

It knows files by domain and name, and which columns they had before. What a column means is in `rules`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain

from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from alerts.batch import Batch
from alerts.ledger.files import is_current, last_read
from alerts.stamps import stamp_in_name
from alerts.tables import SourceFile
from rules.records import StampFault

Part = tuple[str, str]  # domain, name of the file without its stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What the current files of a study say of themselves."""

    databases: Mapping[str, tuple[datetime, ...]]
    """Domain -> when the database of each of its parts was last modified; empty where any file does not say."""
    stamp_faults: tuple[StampFault, ...]
    lost: Mapping[str, tuple[str, ...]]  # domain -> columns that one of its files had once and has no longer
    new: Mapping[str, tuple[str, ...]]  # domain that has lost some -> columns that its files have only now


def headers(session: Session, study: str, batch: Batch) -> Headers:
    """Return what the current files say: of a domain that could not be looked at, those that were read before.

    Nothing of the columns of a domain of which a current file was read before columns were kept.
    """
    files = [row for key, row in sorted(last_read(session, study).items()) if is_current(key, batch)]
    looked_at = {look.domain for look in batch.files}
    newest = {file.domain: file.id for file in sorted(files, key=lambda file: file.id)}
    faults = (file for file in files if file.domain in looked_at or file.id == newest[file.domain])
    changed = dict(_changed_columns(session, study, files))
    return Headers(
        databases=_databases(files),
        stamp_faults=tuple(
            StampFault(domain=file.domain, name=file.name, reason=file.stamp_fault)
            for file in faults
            if file.stamp_fault
        ),
        lost={domain: lost for domain, (lost, _) in changed.items()},
        new={domain: new for domain, (_, new) in changed.items()},
    )


def _databases(files: Sequence[SourceFile]) -> dict[str, tuple[datetime, ...]]:
    """Return for each domain when its database was last modified: of each part the newest."""
    newest: dict[Part, datetime] = {}
    for file in files:
        if file.database_at is None:
            return {}
        part = _part(file.domain, file.name)
        newest[part] = max(newest.get(part, file.database_at), file.database_at)
    return {
        domain: tuple(time for (its_domain, _), time in newest.items() if its_domain == domain)
        for domain in sorted({domain for domain, _ in newest})
    }


def _changed_columns(
    session: Session, study: str, files: Sequence[SourceFile]
) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Yield each domain that has lost columns, with those and the ones that its files have only now."""
    current = {file.id for file in files}
    kept = select_columns(
        col(SourceFile.id),
        col(SourceFile.domain),
        col(SourceFile.name),
        col(SourceFile.sweep_id),
        col(SourceFile.columns),
    ).where(col(SourceFile.study) == study, col(SourceFile.columns).is_not(None))
    history: dict[str, dict[str, list[_Content]]] = {}
    for number, domain, name, sweep, text in session.execute(kept.order_by(col(SourceFile.id))):
        content = _Content(sweep, _columns(text), number in current)
        history.setdefault(domain, {}).setdefault(_part(domain, name)[1], []).append(content)
    for domain in sorted({file.domain for file in files}):
        parts = history.get(domain, {})
        if all(file.columns is not None for file in files if file.domain == domain):
            then, now = _then(chain.from_iterable(parts.values())), _now(chain.from_iterable(parts.values()))
            lost = (then - now) | {name for part in parts for name in _lost_by(part, parts)}
            if lost:
                yield domain, (tuple(sorted(lost)), tuple(sorted(now - then)))


def _lost_by(part: str, parts: Mapping[str, Sequence["_Content"]]) -> Iterator[str]:
    """Yield what a part of a domain had once and has no longer, unless another part gained it in the same look."""
    contents = parts[part]
    if not any(content.is_current for content in contents):
        return
    for name in _then(contents) - _now(contents):
        last = max(number for number, content in enumerate(contents) if name in content.columns)
        gone = next((content.sweep for content in contents[last + 1 :]), None)
        others = (its for other, its in parts.items() if other != part and name in _now(its))
        if not any(next(one.sweep for one in its if name in one.columns) == gone for its in others):
            yield name


@dataclass(frozen=True, slots=True)
class _Content:
    sweep: int
    columns: frozenset[str]
    is_current: bool


def _then(contents: Iterable[_Content]) -> frozenset[str]:
    return frozenset().union(*(content.columns for content in contents if not content.is_current))


def _now(contents: Iterable[_Content]) -> frozenset[str]:
    return frozenset().union(*(content.columns for content in contents if content.is_current))


def _part(domain: str, name: str) -> Part:
    return domain, stamp_in_name(name)[0]


@lru_cache(maxsize=256)
def _columns(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))
