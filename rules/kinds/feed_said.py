"""What the feed kind says of one trouble, before it becomes a judgement of its rule."""

from typing import NamedTuple

from rules.hit import Answer, Evidence


class Said(NamedTuple):
    """What is said of one trouble."""

    answer: Answer
    scope: str
    anchors: frozenset[str]
    summary: str
    reason: str
    evidence: tuple[Evidence, ...] = ()
    each_anchor_is_news: bool = False
