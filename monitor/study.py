"""A study as the daemon knows it: settings turned into things that can be used."""

from dataclasses import dataclass, field
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from alerts.audience import Audience, Shrink
from monitor.sources import Source
from rules.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study under watch."""

    id: str
    zone: ZoneInfo
    rulebook: Rulebook
    source: Source
    audience: Audience
    sweep_every: timedelta = timedelta(minutes=15)
    daily_at: time = time(8, 0)  # study-local: the mail that says vigil is alive
    shrink: Shrink = field(default_factory=Shrink)
