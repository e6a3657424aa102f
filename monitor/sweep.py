"""One sweep of one study, in reading order: look, save, judge, decide, owe.

Level-triggered: each sweep asks what the state of the trial is now and whether somebody has been told. The ledger says
what is new, so corrections, deletions, late entries, restarts and missed runs are all the same easy case.

1. The source is read outside the transaction; rows come with a fate.
2. One transaction saves versions, judges whoever was touched by data or by time, decides, and owes the mails. All of
   it is committed, or nothing is.
3. A sweep that fails writes its own row with the error in a new transaction and owes the operator a mail.

Nothing here sends: `monitor.post` does, from the rows.
"""

from datetime import datetime

import structlog

from alerts import ledger
from alerts.compose import compose, compose_failure
from alerts.decide import Sight, decide
from alerts.ledger import SweepResult
from alerts.store import Store
from monitor import clock
from monitor.study import Study
from rules.evaluate import evaluate

log = structlog.get_logger(__name__)


def run_sweep(store: Store, study: Study, now: datetime, *, keep: bool = True) -> SweepResult:
    """Sweep one study at the aware instant `now`; with `keep=False` all of it is rolled back (a dry look).

    Does not raise for what a source, a rule or a template does: the result says "failed" and why.
    """
    started = clock.monotonic()
    try:
        result = _sweep(store, study, now, started, keep=keep)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a native library (polars) is no Exception
        log.exception("sweep failed", study=study.id)
        result = _record_failure(store, study, now, started, error, keep=keep)
    log.info("sweep", study=study.id, **result.figures())
    return result


def _sweep(store: Store, study: Study, now: datetime, started: float, *, keep: bool) -> SweepResult:
    with store.read() as session:
        seen = ledger.seen_files(session, study.id)
    batch = study.source.read(seen)
    with store.write(keep=keep) as session:
        if (newer := ledger.seen_files(session, study.id)) != seen:  # another process has swept meanwhile
            batch = study.source.read(newer)
        sweep = ledger.open_sweep(session, study.id, now, study.rulebook, study.zone)
        touched = ledger.save_new_versions(session, sweep, batch, study.shrink)
        usubjids = ledger.whom_to_judge(session, sweep, touched)
        view = ledger.study_view(session, sweep, batch, usubjids)
        evaluation = evaluate(study.rulebook, view, sweep.as_of, study.zone)
        standing = ledger.standing(session, sweep, usubjids)
        sight = Sight(
            usubjids=frozenset(usubjids) | {""},
            rule_ids=frozenset(rule.id for rule in study.rulebook.rules),
            failed=frozenset((failure.rule_id, failure.usubjid) for failure in evaluation.failures),
            unasked=evaluation.unasked,
            new_rules=sweep.new_rules,
            rulebook_changed=sweep.rulebook_changed,
            set_back_from=sweep.set_back_from,
        )
        decisions = ledger.save_decisions(session, sweep, decide(evaluation.judgements, standing, sight))
        new_failures = ledger.save_runs(session, sweep, evaluation, usubjids)
        open_alerts = ledger.open_alerts(session, study.id)
        mails = compose(decisions, new_failures, open_alerts, study.rulebook, study.audience, now)
        ledger.owe(session, study.id, sweep.id, mails)
        return ledger.close_sweep(session, sweep, touched, len(usubjids), decisions, mails, clock.monotonic() - started)


def _record_failure(
    store: Store, study: Study, now: datetime, started: float, error: BaseException, *, keep: bool
) -> SweepResult:
    """Write a failed sweep's row, with the error, and owe the operators a mail about it."""
    said = f"{type(error).__name__}: {error}"
    with store.write(keep=keep) as session:
        mails = compose_failure(study.audience, now, said)
        return ledger.save_failed_sweep(
            session, study.id, now, study.rulebook, said, mails, clock.monotonic() - started
        )
