"""Delivery against a real SMTP server: what the server says becomes an outcome, and nothing raises."""

import asyncio
import socket
import ssl

import pytest
import trustme

from alerts.mailer import Outcome, Relay, reachable, send
from tests.smtp_server import Script, smtp_server

SENDER, RECIPIENT = "vigil@hospital.example", "officer@hospital.example"
MIME = b"Subject: test\r\n\r\n.a line that begins with a dot\r\n..two\r\nend\r\n"


def deliver(relay: Relay, recipient: str = RECIPIENT, mime: bytes = MIME) -> Outcome:
    return asyncio.run(send(relay, SENDER, recipient, mime))


def plain(port: int, **others: object) -> Relay:
    return Relay(host="127.0.0.1", port=port, tls="none", **others)


def test_the_frozen_bytes_arrive_unchanged():
    script = Script()
    with smtp_server(script) as port:
        outcome = deliver(plain(port))
    assert (outcome.outcome, outcome.code) == ("accepted", 250)
    assert "taken" in outcome.reply
    assert [(mail.sender, mail.recipient, mail.mime) for mail in script.received] == [(SENDER, RECIPIENT, MIME)]


@pytest.mark.parametrize(
    ("script", "outcome", "code", "relay_trouble"),
    [
        (Script(rcpt={RECIPIENT: "450 4.2.1 greylisted"}), "deferred", 450, False),
        (Script(rcpt={RECIPIENT: "499 still temporary"}), "deferred", 499, False),
        (Script(rcpt={RECIPIENT: "500 never"}), "refused", 500, False),
        (Script(rcpt={RECIPIENT: "550 5.1.1 no such user"}), "refused", 550, False),
        (Script(rcpt={RECIPIENT: "421 4.3.2 shutting down"}), "deferred", 421, True),
        (Script(rcpt={RECIPIENT: "530 5.7.0 log in first"}), "deferred", 530, True),
        (Script(data="451 4.3.0 later"), "deferred", 451, False),
        (Script(data="554 5.6.0 content refused"), "refused", 554, False),
        (Script(mail="553 5.7.1 sender not allowed"), "deferred", 553, True),
        (Script(mail="452 4.3.1 full"), "deferred", 452, True),
    ],
)
def test_a_reply_is_classified_by_its_code_and_its_stage(script, outcome, code, relay_trouble):
    with smtp_server(script) as port:
        said = deliver(plain(port))
    assert (said.outcome, said.code, said.relay_trouble) == (outcome, code, relay_trouble)
    assert said.reply.startswith(str(code))
    assert not script.received


@pytest.mark.parametrize("script", [Script(drop_after_dot=True), Script(silent_after_dot=True)])
def test_no_reply_after_the_dot_is_unknown_for_the_server_may_have_it(script):
    with smtp_server(script) as port:
        said = deliver(plain(port, timeout=0.5))
    assert (said.outcome, said.code) == ("unknown", None)
    assert len(script.received) == 1


def test_a_relay_that_is_not_there_is_the_relays_trouble():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = deliver(plain(taken.getsockname()[1]))
    assert (said.outcome, said.code, said.relay_trouble) == ("deferred", None, True)
    assert "connect" in said.reply.lower()


def test_a_relay_that_accepts_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = deliver(plain(silent.getsockname()[1], timeout=0.3))
    assert (said.outcome, said.relay_trouble) == ("deferred", True)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@x.example, b@x.example",
        "a@x.example\r\nRCPT TO:<b@x.example>",
        "A <a@x.example>",
        "名@x.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused_and_reaches_no_server(address):
    script = Script()
    with smtp_server(script) as port:
        said = deliver(plain(port), address)
    assert (said.outcome, said.code) == ("refused", None)
    assert "is not one plain mail address" in said.reply
    assert not script.received


# ------------------------------------------------------------------------------------------------ TLS and login


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def context_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_out_under_tls_with_a_certificate_that_is_trusted(authority, ca_file, tls):
    script = Script()
    with smtp_server(script, **{tls: context_for(authority, "127.0.0.1")}) as port:
        said = deliver(Relay(host="127.0.0.1", port=port, tls=tls, ca_file=ca_file))
    assert said.outcome == "accepted", said.reply
    assert len(script.received) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["unknown authority", "another host"])
def test_a_bad_certificate_is_the_relays_trouble_and_nothing_goes_out(authority, ca_file, tls, fault):
    issuer = trustme.CA() if fault == "unknown authority" else authority
    name = "127.0.0.1" if fault == "unknown authority" else "other.example"
    script = Script()
    with smtp_server(script, **{tls: context_for(issuer, name)}) as port:
        said = deliver(Relay(host="127.0.0.1", port=port, tls=tls, ca_file=ca_file))
    assert (said.outcome, said.relay_trouble) == ("deferred", True)
    assert "certificate" in said.reply.lower()
    assert not script.received


def test_a_relay_without_starttls_gets_nothing_where_tls_was_asked_for():
    script = Script()
    with smtp_server(script) as port:
        said = deliver(Relay(host="127.0.0.1", port=port, tls="starttls"))
    assert (said.outcome, said.relay_trouble) == ("deferred", True)
    assert "STARTTLS" in said.reply
    assert not script.received


@pytest.mark.parametrize(("log_in", "outcome"), [(True, "accepted"), (False, "deferred")])
def test_a_login_that_fails_is_the_relays_trouble_not_the_recipients(authority, ca_file, log_in, outcome):
    script = Script(log_in=log_in)
    with smtp_server(script, starttls=context_for(authority, "127.0.0.1"), login=True) as port:
        relay = Relay(host="127.0.0.1", port=port, ca_file=ca_file, username="vigil", password="hunter2")
        said = deliver(relay)
    assert said.outcome == outcome
    assert said.relay_trouble is not log_in
    assert log_in or said.code == 535


# ------------------------------------------------------------------------------------------------ the relay itself


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_mail_in_clear_may_stay_on_this_machine(host):
    assert Relay(host=host, port=25, tls="none").host == host


@pytest.mark.parametrize("host", ["mail.hospital.example", "10.0.0.5", "128.0.0.1", "localhost.example"])
def test_mail_in_clear_over_a_network_is_refused(host):
    with pytest.raises(ValueError, match="loopback only"):
        Relay(host=host, port=25, tls="none")


def test_a_password_is_never_shown():
    relay = Relay(host="mail.hospital.example", port=587, username="vigil", password="hunter2")
    assert "hunter2" not in f"{relay} {relay!r}"


def test_reachable_says_nothing_of_a_relay_that_is_well_and_one_sentence_of_another():
    script = Script()
    with smtp_server(script) as port:
        assert asyncio.run(reachable(plain(port))) == ""
        said = asyncio.run(reachable(Relay(host="127.0.0.1", port=port)))
    assert said.startswith(f"relay 127.0.0.1:{port}: ")
    assert "STARTTLS" in said
    assert "\n" not in said
    assert not script.received


def test_one_delivery_never_takes_longer_than_its_deadline_whatever_a_command_may_take(monkeypatch):
    monkeypatch.setattr("alerts.mailer.DEADLINE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = deliver(plain(silent.getsockname()[1], timeout=30))
    assert (said.outcome, said.reply, said.relay_trouble) == ("deferred", "no answer in time", True)
