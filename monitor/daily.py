"""Once a day, at the study's own hour, owe the mail that says vigil is alive and what it saw.

It knows when a study's day begins. It must not know what the mail says.
"""

from datetime import datetime, time, timedelta

from alerts.compose import compose_daily
from alerts.ledger.daily import daily_facts, daily_owed_between
from alerts.ledger.mails import owe
from alerts.store import Store
from monitor.study import Study

DAY = timedelta(days=1)


def owe_daily(store: Store, study: Study, now: datetime) -> bool:
    """Owe a study's daily mail if its hour has come and today's is not owed yet; say whether it was owed now.

    Safe to call as often as one likes, also from two processes at once, and after a restart.
    """
    local = now.astimezone(study.zone)
    if local.time() < study.daily_at:
        return False
    midnight = datetime.combine(local.date(), time(), tzinfo=study.zone)
    next_midnight = datetime.combine(local.date() + DAY, time(), tzinfo=study.zone)
    with store.read() as session:
        if daily_owed_between(session, study.id, midnight, next_midnight):
            return False
    with store.write() as session:
        if daily_owed_between(session, study.id, midnight, next_midnight):
            return False
        facts = daily_facts(session, study.id, now - DAY, now)
        mails = compose_daily(study.audience, facts, study.rulebook, now)
        owe(session, study.id, None, mails)
    return bool(mails)
