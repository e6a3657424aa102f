"""Lab results of no test that vigil knows: no rule sees them, so their codes are told to whoever runs the feed.

It knows lab records and the table of tests. It must not know a rule. Vital signs, ECGs and questionnaires are left out:
most of what they hold is no rule's business.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from rules.graded import identify_finding
from rules.records import Finding, Participant


def unknown_tests(participants: Iterable[Participant], codes: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Count, by code and specimen, the lab rows of no known test, and the participants who have any.

    `codes` are those of which the study says which test they mean.
    """
    rows: Counter[str] = Counter()
    having: Counter[str] = Counter()
    for participant in participants:
        found = Counter(_name_of(record) for record in participant.findings if _is_unknown(record, codes))
        rows += found
        having.update(found.keys())
    return {name: (rows[name], having[name]) for name in sorted(rows)}


def _is_unknown(record: Finding, codes: Mapping[str, str]) -> bool:
    return record.domain == "LB" and identify_finding(record, codes) is None


def _name_of(record: Finding) -> str:
    """Name a lab row's code and specimen as it reports them."""
    spec = record.spec.strip().lower()
    return (record.testcd.strip().upper() or "(no code)") + (f" in {spec}" if spec else "")
