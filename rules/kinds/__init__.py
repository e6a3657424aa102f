"""The kinds of rule. A kind is one file: a strict `When`, `judge`, `describe`; and one line here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from rules.context import Context
    from rules.hit import Due, Judgement
    from rules.records import Feed, Participant
    from rules.rulebook import Rule


@dataclass(frozen=True)
class Kind:
    """One sort of rule.

    `judge(rule, when, subject, context)` yields judgements, and `Due` for moments at which time alone may change its answer; `subject` is a Participant, or the Feed for level "feed".
    `describe(when)` says the criterion in words a physician can sign.
    """

    when: type[BaseModel]
    judge: Callable[["Rule", Any, Any, "Context"], "Iterator[Judgement | Due]"]
    describe: Callable[[Any], str]
    domains: frozenset[str]  # without any of these in the study, the rule is not evaluable
    level: Literal["participant", "feed"] = "participant"
    needs_dosing_plan: Callable[[Any], bool] = lambda when: False


FEED_TROUBLES = ("unreadable", "refused", "missing", "rejected", "shrunken", "stale", "not-evaluable")
"""What can be wrong with a source; every rulebook watches for all of them."""

KINDS: dict[str, Kind] = {}
