"""The ledger: every query and every row written, by concern. A function takes a Session and never commits.

It knows tables. It must not know where records come from, what a rule means or how mail is sent.
"""

from alerts.ledger.chain import chain_head, verify_chain
from alerts.ledger.daily import last_done
from alerts.ledger.decisions import no_longer_judged, open_alerts, save_decisions, standing
from alerts.ledger.files import seen_files
from alerts.ledger.history import alert_history, list_alerts
from alerts.ledger.holds import kept_by_acknowledging, released_by_closing
from alerts.ledger.mails import owe
from alerts.ledger.people import acknowledge, add_note, close_alert, enter_not_owed, enter_submission
from alerts.ledger.projections import rebuild
from alerts.ledger.runs import participants, save_runs, whom_to_judge
from alerts.ledger.sweeps import (
    Fates,
    OpenSweep,
    SweepResult,
    Touched,
    close_sweep,
    open_sweep,
    save_failed_sweep,
)
from alerts.ledger.versions import save_new_versions
from alerts.ledger.view import standing_view, study_view

__all__ = [
    "Fates", "OpenSweep", "SweepResult", "Touched", "acknowledge", "add_note", "alert_history", "chain_head",
    "close_alert", "close_sweep", "enter_not_owed", "enter_submission", "kept_by_acknowledging", "last_done",
    "list_alerts", "no_longer_judged", "open_alerts", "open_sweep", "owe", "participants", "rebuild",
    "released_by_closing", "save_decisions", "save_failed_sweep", "save_new_versions", "save_runs", "seen_files",
    "standing", "standing_view", "study_view", "verify_chain", "whom_to_judge",
]  # fmt: skip
