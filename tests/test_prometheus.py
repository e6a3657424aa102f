"""The real parts together on loopback: the daemon, a mail server and Prometheus, from a serious event to its end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.prometheus_server import free_port, program, prometheus, wait_for
from tests.trial import STUDYID, write_csv

RULES = Path(__file__).resolve().parents[1] / "deploy" / "prometheus" / "vigil.rules.yml"


class Mailbox:
    """Keeps what the mail server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        return "250 taken"

    def alerts_to_acknowledge(self) -> list[str]:
        """Return the alerts that the officer's immediate mails ask to acknowledge, by number."""
        urgent = [mail for mail in self.mails if mail["To"] == "officer@example.org" and "immediate" in mail["Subject"]]
        texts = [part.get_content() for mail in urgent if (part := mail.get_body(("plain",)))]
        return [number for text in texts for number in re.findall(r"vigil alerts ack (\d+)", text)]


@dataclass(frozen=True)
class Vigil:
    """A running daemon and the files it lives on."""

    process: subprocess.Popen[bytes]
    address: str
    settings: Path
    incoming: Path

    def command(self, *arguments: str) -> str:
        """Return what a command of the same settings prints."""
        command = [sys.executable, "-m", "monitor", *arguments, "--settings", str(self.settings)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def end(self) -> int:
        """Ask it to leave, as systemd does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


@contextmanager
def vigil(folder: Path, mail_port: int) -> Iterator[Vigil]:
    """Run the daemon on settings that `vigil init` wrote, and wait for its word to systemd that it is ready."""
    incoming, settings, port = folder / "incoming", folder / "vigil.toml", free_port()
    incoming.mkdir()
    export(incoming, serious=False)
    flags = {
        "study": "syn", "title": "Synthetic study", "studyid": STUDYID, "rulebook": "low_dose_il2_sle",
        "source": str(incoming), "officer": "officer@example.org", "operator": "operator@example.org",
        "sender": "vigil@example.org", "smtp-host": "127.0.0.1", "smtp-port": str(mail_port), "tls": "none",
    }  # fmt: skip
    init = [sys.executable, "-m", "monitor", "init", "--settings", settings]
    subprocess.run(init + [f"--{name}={value}" for name, value in flags.items()], check=True, capture_output=True)
    text = settings.read_text().replace('sweep_every = "15m"', 'sweep_every = "1s"')
    settings.write_text(f"{text}\n[web]\nport = {port}\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, (folder / "log").open("wb") as log:
        supervisor.bind(str(folder / "notify"))
        supervisor.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "run", "--settings", settings],
            env=os.environ | {"NOTIFY_SOCKET": str(folder / "notify")},
            stdout=log,
            stderr=log,
        )
        try:
            assert supervisor.recv(64) == b"READY=1", (folder / "log").read_text()
            yield Vigil(process, f"127.0.0.1:{port}", settings, incoming)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def export(incoming: Path, *, serious: bool) -> None:
    """Write the study's files: one participant with a headache, and pneumonia where asked for."""
    who = {"STUDYID": STUDYID, "USUBJID": "SYN-001"}
    write_csv(incoming / "dm.csv", [who | {"DOMAIN": "DM", "RFSTDTC": "2014-03-03"}])
    event = who | {"DOMAIN": "AE", "AESPID": "E1", "AETERM": "Headache", "AESER": "N", "AESTDTC": "2014-03-04"}
    events = [event]
    if serious:
        events.append(event | {"AESPID": "E2", "AETERM": "Pneumonia", "AESER": "Y", "AESHOSP": "Y"})
    write_csv(incoming / "ae.csv", events)


def hurried(rules: str) -> str:
    """The shipped rules, but patient for no minute and an hour being one second: else this test would take an hour."""
    text, changed = re.subn(r"> 3600$", "> 1", rules, flags=re.MULTILINE)
    assert changed == 2
    return re.sub(r"for: \w+$", "for: 0s", text, flags=re.MULTILINE)


OPEN = 'vigil_alerts_open{study="syn", rule="SAE-01", urgency="immediate", state="open"}'


def test_a_serious_event_reaches_prometheus_and_its_rule_until_somebody_acknowledges_it(tmp_path: Path) -> None:
    program("prometheus", "prometheus")
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        with (
            vigil(tmp_path, server.port) as daemon,
            prometheus(tmp_path / "prometheus", target=daemon.address, rules=hurried(RULES.read_text())) as watch,
        ):
            wait_for(lambda: watch.value('vigil_sweeps_total{status="done"}'), "a first sweep")
            assert watch.value(OPEN) == 0
            assert watch.firing("VigilImmediateAlertUnacknowledged") == []

            export(daemon.incoming, serious=True)
            wait_for(lambda: watch.value(OPEN) == 1, "the gauge of open alerts to rise")
            (fired,) = wait_for(lambda: watch.firing("VigilImmediateAlertUnacknowledged"), "the rule to fire")
            assert fired["labels"]["study"] == "syn"
            wait_for(lambda: watch.value("sum(vigil_mails_owed)") == 0, "every mail to be taken")

            # The event is two concerns, serious and a serious infection: the officer does as the mails say.
            numbers = mailbox.alerts_to_acknowledge()
            assert len(numbers) == 2
            for number in numbers:
                daemon.command("alerts", "ack", number, "--by", "officer")
            wait_for(lambda: watch.value(OPEN) == 0, "the gauge to fall")
            wait_for(lambda: not watch.firing("VigilImmediateAlertUnacknowledged"), "the rule to rest")
            assert watch.value(OPEN.replace('"open"', '"acknowledged"')) == 1

            assert watch.firing("VigilDown") == []
            assert daemon.end() == 0
            wait_for(lambda: watch.firing("VigilDown"), "Prometheus to miss the daemon")
    finally:
        server.stop()
