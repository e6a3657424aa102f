"""Killed without warning while data keep arriving: no alert is lost, nothing is decided twice, every mail arrives.

What is killed is a real process that sweeps and posts, over a real database, to a real SMTP server. And without any
killing: an export that is looked at between each two of its files.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email import message_from_bytes
from itertools import permutations
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import text
from sqlmodel import col, select

from alerts.decide import Action
from alerts.ledger import verify_chain
from alerts.ledger.mails import owed
from alerts.mailer import Relay
from alerts.store import Store
from alerts.tables import Alert, Decision, DeliveryAttempt, DeliveryOutcome, Notification, NotificationDecision, Sweep
from monitor import clock
from monitor.daily import owe_daily
from monitor.post import post_what_is_owed
from monitor.sweep import run_sweep
from rules.hit import WHOLE_STUDY, Urgency
from tests.smtp_server import Script, smtp_server
from tests.trial import Trial, at

RANDOM_KILLS = 10
POINTS = ("RCPT", "DATA", "250") * 2
"""Named points, as the relay sees them: the attempt is written, the mail is handed over, the mail is taken."""

DAYS = 2 * (RANDOM_KILLS + len(POINTS)) + 2
START = date(2014, 3, 3)


def write_day(trial: Trial, number: int) -> None:
    """Let one more day of data arrive."""
    enter_day(trial, number)
    trial.export()


def enter_day(trial: Trial, number: int) -> None:
    """Enter a new participant with an event, and blood counts of the newest four."""
    today = (START + timedelta(days=number)).isoformat()
    who = f"SYN-{number:03}"
    trial.add("dm", USUBJID=who, RFSTDTC=START.isoformat())
    serious = "Y" if number % 2 else "N"
    trial.add("ae", USUBJID=who, AESPID="E1", AETERM="Pneumonia", AESER=serious, AESHOSP="Y", AESTDTC=today)
    for other in range(max(0, number - 3), number + 1):
        result = str(240 - 55 * (number - other))
        units = {"LBORRESU": "10^9/L", "LBORNRLO": "125", "LBORNRHI": "350"}
        usubjid = f"SYN-{other:03}"
        day = START - timedelta(days=7) if other == number else START + timedelta(days=number)
        trial.add("lb", USUBJID=usubjid, LBTESTCD="PLAT", LBORRES=result, LBDTC=day.isoformat(), **units)


def concerns(trial: Trial) -> list[tuple[object, ...]]:
    """Every alert about a participant, as a reader would compare it."""
    return sorted((a.rule_id, a.usubjid, a.scope, a.anchors, a.grade or 0, a.standing) for a in trial.alerts())


@dataclass
class Killing(Script):
    """A relay that kills whoever mails to it at one point of the conversation."""

    point: str = ""
    victim: int = 0

    def strike(self, point: str) -> None:
        if self.point == point and self.victim:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = 0

    async def handle_RCPT(self, *conversation):
        self.strike("RCPT")
        return await super().handle_RCPT(*conversation)

    async def handle_DATA(self, *conversation):
        reply = await super().handle_DATA(*conversation)
        self.strike("DATA")
        if self.point == "250":  # the reply leaves first
            asyncio.get_running_loop().call_later(0.0005, self.strike, "250")
        return reply


@contextmanager
def nursery(url: str, folder: Path, port: int) -> Iterator[subprocess.Popen]:
    """Give a process that raises victims."""
    command = [sys.executable, "-m", "tests.nursery", url, str(folder), str(port)]
    with (folder.parent / "nursery.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


def born(process: subprocess.Popen) -> int:
    process.stdin.write(b"\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def wait_until_gone(number: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)
    raise AssertionError(f"process {number} lives on")


def kill_at_random(trial: Trial, process: subprocess.Popen, days: Iterator[int], moment: float) -> None:
    """Kill after so many seconds, in the midst of which more data arrive."""
    victim = born(process)
    time.sleep(moment / 2)
    write_day(trial, next(days))
    time.sleep(moment / 2)
    os.kill(victim, signal.SIGKILL)
    wait_until_gone(victim)


def kill_at_point(process: subprocess.Popen, relay: Killing, point: str) -> None:
    """Let the relay kill at a named point of the next mail."""
    relay.point = point
    victim = relay.victim = born(process)
    try:
        wait_until_gone(victim)
    except AssertionError:
        os.kill(victim, signal.SIGKILL)
        raise
    relay.point = ""


def drain(trial: Trial, port: int) -> None:
    """Sweep once more and post, an hour of waits at a time, until nothing is owed; then tell the day."""
    relay = Relay(host="127.0.0.1", port=port, tls="none")
    assert trial.sweep(clock.now()).status == "done"
    assert owe_daily(trial.store, trial.study, clock.now().replace(hour=12))
    for hours in range(1, 4):
        with freeze_time(clock.now() + timedelta(hours=hours), real_asyncio=True):
            asyncio.run(post_what_is_owed(trial.store, relay, trial.study.audience.sender))
    with trial.store.read() as session:
        assert owed(session, clock.now()) == []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """The alerts of the same days, swept every few days, with nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = Store(f"sqlite:///{folder / 'vigil.db'}")
    store.upgrade()
    trial = Trial(folder / "incoming", store)
    for number in range(DAYS):
        write_day(trial, number)
        if number % 6 == 5 or number == DAYS - 1:
            assert trial.sweep(clock.now()).status == "done"
    store.close()
    return concerns(trial)


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_decided_twice(store, database_url, tmp_path, undisturbed):
    chance = random.Random(20140303)
    trial = Trial(tmp_path / "incoming", store)
    days = iter(range(DAYS))
    relay = Killing()
    fates = [*(["random"] * RANDOM_KILLS), *POINTS]
    chance.shuffle(fates)
    with smtp_server(relay) as port:
        with nursery(database_url, trial.folder, port) as process:
            for fate in fates:
                write_day(trial, next(days))
                if fate == "random":
                    kill_at_random(trial, process, days, chance.uniform(0.02, 0.9))
                else:
                    kill_at_point(process, relay, fate)
        for number in days:
            write_day(trial, number)
        drain(trial, port)
    figures = reckon(trial, relay, undisturbed)
    said = ", ".join(f"{number} {what}" for what, number in figures.items())
    print(f"\n{database_url.partition(':')[0]}: {len(fates)} kills; {said}")  # noqa: T201 the proof is in the figures
    assert concerns(trial) == undisturbed
    assert {name: figures[name] for name in MUST_BE_NONE} == dict.fromkeys(MUST_BE_NONE, 0)
    assert figures["extra mails"] <= len(fates)
    assert figures["attempts cut off"] >= len(POINTS) // 2, "the kills at RCPT and DATA cut attempts off"


MUST_BE_NONE = (
    "alerts lost", "alerts too many", "decisions twice", "told decisions in no mail", "mails without a decision",
    "mails not accepted", "mails of other bytes", "failed sweeps", "chain faults", "database faults",
)  # fmt: skip


def decided_again(decisions):
    """Count decisions that only repeat the one before them about the same concern.

    One that was taken back in between is no repetition: labs that arrive before their DM row leave it open who was
    dosed, and days later the same words may be true of the same participant for another reason.
    """
    last = {}
    again = 0
    for d in decisions:
        place, said = (d.alert_id, d.rule_id, d.usubjid, d.scope), (d.action, d.reason, d.anchors)
        again += last.get(place) == said
        last[place] = said
    return again


def reckon(trial: Trial, relay: Killing, undisturbed: list[tuple[object, ...]]) -> dict[str, int]:
    """Count what the kills left behind."""
    with trial.store.read() as session:
        decisions = session.exec(select(Decision).order_by(col(Decision.id))).all()
        mails = session.exec(select(Notification)).all()
        links = session.exec(select(NotificationDecision)).all()
        accepted = Counter(
            session.exec(select(DeliveryOutcome.notification_id).where(DeliveryOutcome.outcome == "accepted"))
        )
        ended = set(session.exec(select(DeliveryOutcome.attempt_id)))
        attempts = session.exec(select(DeliveryAttempt.id)).all()
        failed = session.exec(select(Sweep.id).where(Sweep.status == "failed")).all()
        faults = verify_chain(session, trial.study.id)
        database = trial.store.faults()
        if session.get_bind().dialect.name == "sqlite":
            database += [line for line in session.execute(text("PRAGMA integrity_check")).scalars() if line != "ok"]
        alerts = session.exec(select(Alert.id).order_by(col(Alert.id))).all()
    found = Counter(concerns(trial))
    told = {link.decision_id for link in links}
    copies = Counter(message_from_bytes(one.mime)["Message-ID"] for one in relay.received)
    sent = {(message_from_bytes(one.mime)["Message-ID"], one.recipient, one.mime) for one in relay.received}
    return {
        "alerts": len(alerts),
        "alerts lost": (Counter(undisturbed) - found).total(),
        "alerts too many": (found - Counter(undisturbed)).total(),
        "decisions": len(decisions),
        "decisions twice": decided_again(decisions),
        "told decisions in no mail": sum(d.told and d.id not in told for d in decisions),
        "mails": len(mails),
        "mails without a decision": len({link.decision_id for link in links} - {d.id for d in decisions}),
        "mails not accepted": sum(accepted[mail.id] != 1 for mail in mails),
        "mails of other bytes": len(sent ^ {(mail.message_id, mail.recipient, mail.mime) for mail in mails}),
        "extra mails": copies.total() - len(copies),
        "attempts cut off": len(set(attempts) - ended),
        "failed sweeps": len(failed),
        "chain faults": len(faults),
        "database faults": len(database),
    }


# ------------------------------------------------------------------------------------------------ looked at midway

EXPORTS = 5


def look(trial: Trial, now: datetime) -> None:
    assert run_sweep(trial.store, trial.study, now).status == "done"


def told_and_taken_back(trial: Trial, looks: int) -> dict[int, set[str]]:
    """Whose told decisions were undone before the same export was complete, by export: rule or, of all, its scope."""
    told, found = set(), {}
    for decision in trial.decisions():
        export = (decision.sweep_id - 1) // looks
        place = (export, decision.rule_id, decision.usubjid, decision.scope)
        if decision.action in (Action.RESOLVE, Action.RETRACT):
            if place in told:
                found.setdefault(export, set()).add(decision.scope if not decision.usubjid else decision.rule_id)
        elif decision.told:
            told.add(place)
    return found


def urgent_mails(trial: Trial) -> int:
    """Count the immediate mails but for those of SAE-03, whose hours count from the very look that read an event."""
    clocks = (
        select(NotificationDecision.notification_id)
        .join(Decision, Decision.id == NotificationDecision.decision_id)
        .where(Decision.rule_id == "SAE-03")
    )
    urgent = select(Notification.id).where(Notification.urgency == Urgency.IMMEDIATE, Notification.id.not_in(clocks))
    with trial.store.read() as session:
        return len(session.exec(urgent).all())


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[object, ...]], int]:
    """The alerts and the number of immediate mails where every export is looked at when it is complete."""
    trial = new_trial(tmp_path_factory.mktemp("whole"))
    for number in range(EXPORTS):
        write_day(trial, number)
        look(trial, at("2014-03-03", 12) + timedelta(days=number))
    trial.store.close()
    return concerns(trial), urgent_mails(trial)


def new_trial(folder: Path) -> Trial:
    store = Store(f"sqlite:///{folder / 'vigil.db'}")
    store.upgrade()
    return Trial(folder / "incoming", store)


@pytest.mark.parametrize("order", [*permutations(("dm", "ae", "lb"))], ids="-".join)
def test_an_export_looked_at_between_its_files_ends_as_one_that_came_in_one_go(order, tmp_path, in_one_go):
    trial = new_trial(tmp_path)
    for number in range(EXPORTS):
        enter_day(trial, number)
        for minutes, domain in enumerate(order):
            trial.export({domain: trial.rows[domain]})
            look(trial, at("2014-03-03", 12) + timedelta(days=number, minutes=minutes))
    assert (concerns(trial), urgent_mails(trial)) == in_one_go
    assert decided_again(trial.decisions()) == 0
    undone = told_and_taken_back(trial, len(order))
    assert set(undone) == {0}, "only of the first export, and of nobody: a domain that had never come yet"
    assert all(scope == WHOLE_STUDY or scope.startswith(("rule ", "rules ")) for scope in undone[0])
    trial.store.close()
