"""Who is told, and what a mail may say to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.hit import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrink:
    """When a vanished part of a domain is held back until a second look: both limits must be passed."""

    share: float = 0.2  # of the rows that stood
    rows: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The recipients of one study's mails and what they may read. Every recipient is blinded."""

    study: str  # the study's id in the settings: subject lines and headers
    title: str
    sender: str
    officers: Mapping[Urgency, tuple[str, ...]] = field(default_factory=dict)
    operators: tuple[str, ...] = ()
    show_usubjid: bool = True  # False: mails name the alert's number only
    timezone: str = "UTC"
