"""The RUNBOOK's SQL answers what it promises, on both databases, from a ledger that the production path has written."""

import asyncio
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from alerts.ledger.mails import LONGEST_WAIT
from alerts.mailer import Relay
from alerts.store import Store
from monitor.cli import app
from monitor.post import post_what_is_owed
from tests.smtp_server import Script, smtp_server
from tests.trial import Trial, at

RUNBOOK = (Path(__file__).resolve().parents[1] / "deploy" / "RUNBOOK.md").read_text()
QUERIES = re.findall(r"^```sql\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
QUESTIONS = dict(re.findall(r"^\*\*\d\. (.*?\?)\*\*.*?^```sql\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL))


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A mail server on loopback that takes everything."""
    with smtp_server(Script()) as port:
        yield Relay(host="127.0.0.1", port=port, tls="none")


def tell(store: Store, relay: Relay, folder: Path) -> None:
    """Write a ledger in which alert number 1 is a serious event whose mails were delivered."""
    trial = Trial(folder, store)
    trial.add("dm", USUBJID="SYN-001", RFSTDTC="2014-03-03")
    trial.add("ae", USUBJID="SYN-001", AESPID="E1", AETERM="Pneumonia", AESER="Y", AESHOSP="Y", AESTDTC="2014-03-10")
    trial.sweep(at("2014-03-11"))
    trial.sweep(at("2014-03-12"))
    asyncio.run(post_what_is_owed(store, relay, "vigil@example.org"))


def answer(store: Store, sql: str) -> list[tuple[object, ...]]:
    with store.read() as session:
        return [tuple(row) for row in session.connection().exec_driver_sql(sql)]


@pytest.mark.parametrize("sql", QUERIES)
def test_every_query_runs(store: Store, sql: str) -> None:
    answer(store, sql)


def test_an_auditor_gets_five_answers(store: Store, relay: Relay, tmp_path: Path) -> None:
    tell(store, relay, tmp_path / "incoming")
    seen, decided, why, whom, taken = (answer(store, sql) for sql in QUESTIONS.values())
    assert list(QUESTIONS) == [
        "What did we see?", "What did we decide?", "Why?", "Whom did we tell?", "Did the server take it?",
    ]  # fmt: skip
    assert any("Pneumonia" in str(row) for row in seen)
    assert decided[0][2:4] == ("vigil", "notify")
    assert all(reason for _, _, reason, *_ in why)
    assert "[rulebook]" in str(why[0][-1])
    assert {row[4] for row in whom} == {"officer@example.org"}
    assert {(row[1], row[2], row[6]) for row in taken} == {("officer@example.org", 1, "accepted")}


def test_the_backup_is_whole(sqlite_template: Path, relay: Relay, tmp_path: Path) -> None:
    """The RUNBOOK's command, with the test's folder for vigil's."""
    shutil.copy(sqlite_template, tmp_path / "vigil.db")
    live = Store(f"sqlite:///{tmp_path / 'vigil.db'}")
    tell(live, relay, tmp_path / "incoming")
    command = re.search(r"^sudo -u vigil /opt/vigil/bin/python (-c \".*?\")$", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert command
    arguments = shlex.split(command[1].replace("/var/lib/vigil", str(tmp_path)))
    subprocess.run([sys.executable, *arguments], check=True)
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    copy = Store(f"sqlite:///{tmp_path / 'backup.db'}")
    assert copy.faults() == []
    for sql in QUERIES:
        assert answer(copy, sql) == answer(live, sql)
    copy.close()
    live.close()


def test_its_sentence_about_the_order_of_owed_mails_is_true() -> None:
    assert "up to 15 minutes" in RUNBOOK
    assert timedelta(minutes=15) == LONGEST_WAIT


def test_the_link_that_it_verifies_is_the_one_of_the_mail_that_it_shows() -> None:
    shown = re.search(r"`Ledger: decision \d+, chain (\d+) ([0-9a-f]{12})`", RUNBOOK)
    assert shown
    assert f"vigil db verify --study SLE --link {shown[1]}:{shown[2]}\n" in RUNBOOK


def test_every_command_that_it_names_exists() -> None:
    """`vigil alerts ack NUMBER` in a sentence, `vigil db upgrade` in a block: each word is a command or a group."""
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"^vigil ([a-z-]+(?: [a-z-]+)?)", blocks, re.MULTILINE))
    named |= set(re.findall(r"`vigil ([a-z-]+(?: [a-z-]+)?)", RUNBOOK))
    assert {"check", "db upgrade", "db verify", "alerts ack", "alerts close"} <= named
    commands: Any = typer.main.get_command(app).commands
    for words in named:
        first, *rest = words.split()
        assert first in commands
        assert not rest or rest[0] in commands[first].commands
