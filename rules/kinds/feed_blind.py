"""Which rules cannot tell about a large share of the participants, and which of them for one cause.

It knows what each rule could not tell about. It must not know why, nor what the rules are.
"""

from collections.abc import Iterator, Mapping

from rules.hit import Answer
from rules.kinds.feed_said import Said
from rules.records import Feed

Blind = Mapping[str, frozenset[tuple[str, str]]]
"""Rule id -> participant and concern of which it cannot tell."""


def say(share: float, feed: Feed) -> Iterator[Said]:
    """Tell of the rules that cannot tell about more than that share of the participants: of one cause at once."""
    many = {
        rule_id: about for rule_id, about in feed.not_evaluable.items() if _count(about) > share * feed.participants
    }
    for rule_ids in _by_cause(many):
        counts = {rule_id: _count(many[rule_id]) for rule_id in rule_ids}
        most = f"{max(counts.values())} of {feed.participants} participant{'' if feed.participants == 1 else 's'}"
        if len(rule_ids) == 1:
            summary = f"Rule {rule_ids[0]} cannot be evaluated for {most}"
            reason = f"not evaluable for {most}"
        else:
            up_to = "" if len(set(counts.values())) == 1 else "up to "
            summary = f"{len(rule_ids)} rules cannot be evaluated for {up_to}{most}"
            named = ", ".join(f"{rule_id} for {number}" for rule_id, number in counts.items())
            reason = f"mostly about the same events, tests or doses, so it is told once: {named}"
        yield Said(Answer.HIT, "rules that cannot be evaluated", frozenset(rule_ids), summary, reason)


def _count(about: frozenset[tuple[str, str]]) -> int:
    return len({usubjid for usubjid, _ in about})


def _by_cause(blind: Blind) -> list[list[str]]:
    """Group the rules: one joins a group where it is blind about what a member is, for the most part of either."""
    groups: list[list[str]] = []
    for rule_id in sorted(blind):
        joined = [group for group in groups if any(_is_one_cause(blind[rule_id], blind[other]) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append(sorted([rule_id, *(member for group in joined for member in group)]))
    return sorted(groups)


def _is_one_cause(mine: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    return 2 * len(mine & other) > min(len(mine), len(other))
