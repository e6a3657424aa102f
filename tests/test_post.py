"""Delivering what is owed: a real ledger, a real SMTP server, and the clock turned by hand."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlmodel import col, select

from alerts.ledger.chain import verify_chain
from alerts.ledger.mails import begin_attempt, end_attempt, next_try, owe, owed
from alerts.mailer import Outcome, Relay
from alerts.store import Store
from alerts.tables import Chain, DeliveryAttempt, DeliveryOutcome, Notification, NotificationDecision
from monitor.post import PostResult, post_what_is_owed
from tests.smtp_server import Script, smtp_server
from tests.told import AUDIENCE, LIVER, NOW, OFFICER, OPERATOR, PLATELETS, PNEUMONIA, STALE, mails_of, saved

STUDY = AUDIENCE.study
SENDER = AUDIENCE.sender


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(NOW, real_asyncio=True) as frozen:
        yield frozen


def relay_at(port: int, **others: object) -> Relay:
    return Relay(host="127.0.0.1", port=port, tls="none", **others)


def post(store: Store, port: int, **others: object) -> PostResult:
    return asyncio.run(post_what_is_owed(store, relay_at(port, timeout=2), SENDER, **others))


def owe_mails(store: Store, *decisions) -> tuple:
    mails = mails_of(*decisions)
    with store.write() as session:
        owe(session, STUDY, 1, mails)
    return mails


def waiting(store: Store) -> list[tuple[str, int, int]]:
    """What is owed: subject's last words, attempts, seconds until the next try."""
    with store.read() as session:
        from monitor import clock as wall

        now = wall.now()
        return [
            (mail.subject.split("] ")[1], mail.attempts, round((mail.next_try_at - now).total_seconds()))
            for mail in owed(session, now)
        ]


def outcomes(store: Store) -> list[tuple[str, int | None]]:
    with store.read() as session:
        rows = session.exec(select(DeliveryOutcome).order_by(col(DeliveryOutcome.attempt_id))).all()
        return [(row.outcome, row.code) for row in rows]


# ------------------------------------------------------------------------------------------------ what is owed


def test_a_mail_is_owed_with_its_bytes_and_the_decisions_it_tells(store):
    mails = owe_mails(store, saved(PLATELETS), saved(LIVER, number=18), saved(LIVER, number=19))
    with store.read() as session:
        rows = session.exec(select(Notification).order_by(col(Notification.id))).all()
        links = session.exec(select(NotificationDecision)).all()
    assert [(row.id, row.mime, row.message_id, row.owed_at) for row in rows] == [
        (number, mail.mime, mail.message_id, NOW) for number, mail in enumerate(mails, start=1)
    ]
    assert {(link.notification_id, link.decision_id) for link in links} == {(1, 1017), (2, 1018), (2, 1019)}


def test_ids_go_on_where_they_ended(store):
    owe_mails(store, saved(PLATELETS))
    owe_mails(store, saved(PNEUMONIA, number=18))
    with store.read() as session:
        assert [mail.id for mail in owed(session, NOW)] == [1, 2]


def test_immediate_mails_are_tried_first_and_then_the_oldest(store):
    owe_mails(store, saved(LIVER))
    owe_mails(store, saved(STALE, number=3))
    owe_mails(store, saved(PNEUMONIA, number=18))
    with store.read() as session:
        assert [mail.id for mail in owed(session, NOW)] == [3, 1, 2]


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (5000, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(attempts, seconds):
    assert next_try(attempts, NOW, NOW) == NOW + timedelta(seconds=seconds)


def test_a_clock_that_was_set_back_holds_no_mail():
    assert next_try(3, NOW + timedelta(hours=5), NOW) == NOW


def test_a_mail_settled_by_somebody_else_is_not_begun_again(store):
    owe_mails(store, saved(PLATELETS))
    with store.write() as session:
        attempt = begin_attempt(session, 1, NOW, "relay:25")
        end_attempt(session, attempt, NOW, Outcome("accepted", 250, "taken"))
    with store.write() as session:
        assert begin_attempt(session, 1, NOW, "relay:25") is None
        assert owed(session, NOW) == []


def test_a_mail_that_somebody_else_is_sending_is_not_begun_again(store):
    owe_mails(store, saved(PLATELETS))
    with store.write() as session:
        assert begin_attempt(session, 1, NOW, "relay:25") is not None
    with store.write() as session:
        assert begin_attempt(session, 1, NOW + timedelta(seconds=29), "relay:25") is None
        assert begin_attempt(session, 1, NOW + timedelta(seconds=30), "relay:25") is not None


# ------------------------------------------------------------------------------------------------ delivery


def test_what_is_owed_is_delivered_as_frozen_and_proved_in_the_chain(store, clock):
    mails = owe_mails(store, saved(PLATELETS), saved(LIVER, number=18))
    script = Script()
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(accepted=2)
        assert post(store, port) == PostResult()
    assert [(mail.recipient, mail.mime) for mail in script.received] == [(m.recipient, m.mime) for m in mails]
    with store.read() as session:
        attempts = session.exec(select(DeliveryAttempt).order_by(col(DeliveryAttempt.id))).all()
        assert [(row.number, row.relay, row.started_at) for row in attempts] == [(1, f"127.0.0.1:{port}", NOW)] * 2
        assert [(link.entry, link.entry_id) for link in session.exec(select(Chain))] == [("outcome", 1), ("outcome", 2)]
        assert verify_chain(session, STUDY) == []
    assert outcomes(store) == [("accepted", 250), ("accepted", 250)]


def test_a_deferred_mail_is_tried_again_when_its_wait_is_over_and_not_before(store, clock):
    owe_mails(store, saved(PLATELETS))
    script = Script(rcpt={OFFICER: "450 4.2.1 greylisted"})
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(deferred=1)
        clock.tick(29)
        assert post(store, port) == PostResult()
        clock.tick(1)
        assert post(store, port) == PostResult(deferred=1)
        assert waiting(store) == [("immediate: 1 alert, no. 17 - act now", 2, 60)]
        script.rcpt.clear()
        clock.tick(60)
        assert post(store, port) == PostResult(accepted=1)
    assert len(script.received) == 1
    assert outcomes(store) == [("deferred", 450), ("deferred", 450), ("accepted", 250)]


def test_one_recipient_in_trouble_holds_up_no_other(store, clock):
    owe_mails(store, saved(PLATELETS), saved(STALE, number=18))
    script = Script(rcpt={OFFICER: "450 4.2.1 greylisted"})
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(accepted=1, deferred=1)
    assert [mail.recipient for mail in script.received] == [OPERATOR]


def test_a_relay_that_is_down_ends_the_round_and_loses_nothing(store, clock):
    owe_mails(store, saved(PLATELETS), saved(PNEUMONIA, number=18), saved(LIVER, number=19))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert post(store, taken.getsockname()[1]) == PostResult(deferred=1)
    assert sorted(attempts for _, attempts, _ in waiting(store)) == [0, 0, 1]
    clock.tick(30)
    script = Script()
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(accepted=3)


def test_once_the_relay_is_back_what_is_immediate_goes_next_and_waits_for_no_back_off(store, clock):
    owe_mails(store, saved(PNEUMONIA, number=18))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for _ in range(5):
            clock.tick(900)
            assert post(store, taken.getsockname()[1]) == PostResult(deferred=1)
    owe_mails(store, saved(LIVER, number=19))
    owe_mails(store, saved(LIVER, number=20))
    clock.tick(1)
    script = Script()
    with smtp_server(script) as port:
        clock.tick(1)
        assert post(store, port) == PostResult(accepted=3)
    sent = [message_from_bytes(mail.mime, policy=policy.default)["Subject"] for mail in script.received]
    assert ["immediate" in subject for subject in sent] == [False, True, False]


def test_another_mails_success_hurries_no_mail_that_its_own_server_put_off(store, clock):
    owe_mails(store, saved(PLATELETS))
    script = Script(rcpt={OFFICER: "450 4.2.1 greylisted"})
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(deferred=1)
        clock.tick(1)
        owe_mails(store, saved(STALE, number=18))
        assert post(store, port) == PostResult(accepted=1)
        clock.tick(1)
        assert post(store, port) == PostResult()


def test_a_mail_without_a_reply_goes_out_again_byte_for_byte(store, clock):
    (mail,) = owe_mails(store, saved(PLATELETS))
    script = Script(drop_after_dot=True)
    with smtp_server(script) as port:
        assert post(store, port) == PostResult(unknown=1)
        script.drop_after_dot = False
        clock.tick(30)
        assert post(store, port) == PostResult(accepted=1)
    assert [received.mime for received in script.received] == [mail.mime, mail.mime]
    assert outcomes(store) == [("unknown", None), ("accepted", 250)]


def test_a_stop_is_honoured_between_mails(store, clock):
    owe_mails(store, saved(PLATELETS), saved(PNEUMONIA, number=18))
    script = Script()

    async def stopped() -> PostResult:
        stop = asyncio.Event()
        stop.set()
        return await post_what_is_owed(store, relay_at(port), SENDER, stop=stop)

    with smtp_server(script) as port:
        assert asyncio.run(stopped()) == PostResult()
    assert not script.received
    assert len(waiting(store)) == 2


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("refusal", ["rcpt", "data"])
def test_a_refused_mail_is_not_tried_again_and_the_operators_are_told_once(store, clock, refusal):
    owe_mails(store, saved(PLATELETS))
    script = Script(rcpt={OFFICER: "550 5.1.1 no such user"}) if refusal == "rcpt" else Script(data="554 5.6.0 refused")
    with smtp_server(script) as port:
        assert post(store, port, audiences={STUDY: AUDIENCE}) == PostResult(refused=1)
        script.data = ""
        clock.tick(3600)
        assert post(store, port, audiences={STUDY: AUDIENCE}) == PostResult(accepted=1)
        clock.tick(3600)
        assert post(store, port, audiences={STUDY: AUDIENCE}) == PostResult()
    (told,) = script.received
    assert told.recipient == OPERATOR
    said = message_from_bytes(told.mime, policy=policy.default).get_body(("plain",)).get_content()
    assert f"{OFFICER} has NOT been told" in said
    assert "immediate: 1 alert, no. 17 - act now" in said
    assert "SLE-017" not in said


def test_operators_who_are_refused_do_not_tell_each_other_for_ever(store, clock):
    owe_mails(store, saved(PLATELETS))
    script = Script(rcpt={OFFICER: "550 no", OPERATOR: "550 no"})
    with smtp_server(script) as port:
        for _ in range(4):
            post(store, port, audiences={STUDY: AUDIENCE})
            clock.tick(3600)
    assert outcomes(store) == [("refused", 550), ("refused", 550)]
    assert waiting(store) == []


# ------------------------------------------------------------------------------------------------ a crash

CRASHING = """
import asyncio, sys
sys.path[:0] = {path!r}
from alerts.mailer import Relay
from alerts.store import Store
from monitor.post import post_what_is_owed
relay = Relay(host="127.0.0.1", port={port}, tls="none", timeout=60)
asyncio.run(post_what_is_owed(Store({url!r}), relay, {sender!r}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_while_the_server_is_taking_it_a_mail_goes_out_again_with_the_same_bytes(store, database_url):
    (mail,) = owe_mails(store, saved(PLATELETS))
    script = Script(silent_after_dot=True)
    with smtp_server(script) as port:
        code = CRASHING.format(path=[str(Path(__file__).parents[1])], port=port, url=database_url, sender=SENDER)
        process = subprocess.Popen([sys.executable, "-c", code])
        deadline = time.monotonic() + 30
        while not script.received and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert len(script.received) == 1
        assert outcomes(store) == []
        script.silent_after_dot = False
        with store.read() as session:
            started = session.exec(select(DeliveryAttempt)).one().started_at
        with freeze_time(started + timedelta(seconds=30), real_asyncio=True):
            assert post(store, port) == PostResult(accepted=1)
    assert [received.mime for received in script.received] == [mail.mime, mail.mime]
    assert outcomes(store) == [("accepted", 250)]
    with store.read() as session:
        assert [row.number for row in session.exec(select(DeliveryAttempt).order_by(col(DeliveryAttempt.id)))] == [1, 2]
