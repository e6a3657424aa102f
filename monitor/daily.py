"""Once a day, at the study's own hour, owe the mail that says vigil is alive and what it saw.

It knows when a study's day begins. It must not know what the mail says.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.compose import compose_daily
from alerts.ledger.daily import daily_facts, last_daily
from alerts.ledger.mails import owe
from alerts.store import Store
from monitor.study import Study

DAY = timedelta(days=1)

HELD = timedelta(hours=2)
"""By how much a clock can be set back without another mail of a day that seems to come again."""


def owe_daily(store: Store, study: Study, now: datetime) -> bool:
    """Owe a study's daily mail if its hour has come and today's is not owed yet; say whether it was owed now.

    Safe to call as often as one likes, also from two processes at once, and after a restart.
    """
    local = now.astimezone(study.zone)
    if local.time() < study.daily_at:
        return False
    with store.read() as session:
        if _is_owed(last_daily(session, study.id), now, study.zone):
            return False
    with store.write() as session:
        if _is_owed(last_daily(session, study.id), now, study.zone):
            return False
        facts = daily_facts(session, study.id, now - DAY, now)
        mails = compose_daily(study.audience, facts, study.rulebook, now)
        owe(session, study.id, None, mails)
    return bool(mails)


def _is_owed(last: datetime | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the daily mail that was owed last is of today, or so little ahead that the clock was set back."""
    if last is None:
        return False
    return last.astimezone(zone).date() == now.astimezone(zone).date() or now < last <= now + HELD
