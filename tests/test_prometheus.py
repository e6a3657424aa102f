"""The real parts together on loopback: the daemon, a mail server and Prometheus, from a serious event to its end."""

import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from pathlib import Path

from tests.prometheus_server import free_port, program, prometheus, wait_for
from tests.running import export, running, write_settings
from tests.smtp_server import Received, Script, smtp_server

RULES = Path(__file__).resolve().parents[1] / "deploy" / "prometheus" / "vigil.rules.yml"
OPEN = 'vigil_alerts_open{study="SYN", rule="SAE-01", urgency="immediate", state="open"}'


def hurried(rules: str) -> str:
    """The shipped rules, but patient for no minute and an hour being one second: else this test would take an hour."""
    text, changed = re.subn(r"> 3600$", "> 1", rules, flags=re.MULTILINE)
    assert changed == 1
    return re.sub(r"for: \w+$", "for: 0s", text, flags=re.MULTILINE)


def alerts_to_acknowledge(received: Iterable[Received]) -> list[str]:
    """Return the alerts that the officer's immediate mails ask to acknowledge, by number."""
    mails = [message_from_bytes(mail.mime, policy=policy.default) for mail in received]
    urgent = [mail for mail in mails if mail["To"] == "officer@example.org" and "immediate" in mail["Subject"]]
    texts = [part.get_content() for mail in urgent if (part := mail.get_body(("plain",)))]
    return [number for text in texts for number in re.findall(r"vigil alerts ack (\d+)", text)]


def test_a_serious_event_reaches_prometheus_and_its_rule_until_somebody_acknowledges_it(tmp_path: Path) -> None:
    program("prometheus", "prometheus")
    script, port = Script(), free_port()
    with smtp_server(script) as mail_port:
        settings = write_settings(tmp_path, mail_port=mail_port, web_port=port)
        with (
            running(settings) as daemon,
            prometheus(tmp_path / "prometheus", target=f"127.0.0.1:{port}", rules=hurried(RULES.read_text())) as watch,
        ):
            wait_for(lambda: watch.value('vigil_sweeps_total{status="done"}'), "a first sweep")
            assert watch.value(OPEN) == 0
            assert watch.firing("VigilImmediateAlertUnacknowledged") == []

            export(tmp_path, serious=True)
            wait_for(lambda: watch.value(OPEN) == 1, "the gauge of open alerts to rise")
            (fired,) = wait_for(lambda: watch.firing("VigilImmediateAlertUnacknowledged"), "the rule to fire")
            assert fired["labels"]["study"] == "SYN"
            wait_for(lambda: watch.value("sum(vigil_mails_owed)") == 0, "every mail to be taken")

            # The event is two concerns, serious and a serious infection: the officer does as the mails say.
            numbers = alerts_to_acknowledge(script.received)
            assert len(numbers) == 2
            for number in numbers:
                daemon.command("alerts", "ack", number, "--by", "officer")
            wait_for(lambda: watch.value(OPEN) == 0, "the gauge to fall")
            wait_for(lambda: not watch.firing("VigilImmediateAlertUnacknowledged"), "the rule to rest")
            assert watch.value(OPEN.replace('"open"', '"acknowledged"')) == 1

            assert watch.firing("VigilDown") == []
            assert daemon.end() == 0
            wait_for(lambda: watch.firing("VigilDown"), "Prometheus to miss the daemon")
