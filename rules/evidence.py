"""A record as evidence. It must not know which of its variables a rule may show: who asks names them."""

from collections.abc import Iterable

from rules.hit import Evidence
from rules.records import Record, domain_of


def shown(record: Record, names: Iterable[str]) -> Evidence:
    """Return a record as evidence: of these variables those that it has."""
    values = tuple((name, str(value)) for name in names if (value := getattr(record, name)))
    return Evidence(domain=domain_of(record), key=record.key, version=record.version, values=values)
