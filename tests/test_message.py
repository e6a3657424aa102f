"""The frozen mail: its headers, its bytes, what it may show, and what happens when a template fails."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from alerts import message
from alerts.decide import Action, Sight, Standing, decide
from alerts.fields import changes, layout, without_changes, without_hidden
from alerts.message import Mail
from rules.hit import Evidence
from tests.told import AUDIENCE, NOW, OFFICER, OPERATOR, PLATELETS, PNEUMONIA, golden_mails, mails_of, saved, standing

ALL = golden_mails()


def opened(mail: Mail) -> EmailMessage:
    """The mail as the recipient's program sees it."""
    return message_from_bytes(mail.mime, policy=policy.default)


def words(mail: Mail) -> str:
    """Everything readable in a mail: every header, the text, the HTML."""
    parsed = opened(mail)
    parts = [part.get_content() for part in parsed.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in parsed.items()), *parts])


# ------------------------------------------------------------------------------------------------ bytes and headers


@pytest.mark.parametrize("name", ALL)
def test_a_mail_is_crlf_bytes_of_seven_bits_in_short_lines(name):
    mime = ALL[name].mime
    assert mime.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mime)
    assert mime.isascii()
    assert max(len(line) for line in mime.split(b"\r\n")) <= 998


@pytest.mark.parametrize("name", ALL)
def test_a_mail_has_text_and_html_and_says_that_a_program_sent_it(name):
    parsed = opened(ALL[name])
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["X-Auto-Response-Suppress"] == "All"
    assert parsed["Date"].datetime == NOW
    assert parsed["Message-ID"] == ALL[name].message_id


def test_the_same_facts_give_the_same_bytes_and_another_recipient_another_message_id():
    one, again = mails_of(saved(PLATELETS))[0], mails_of(saved(PLATELETS))[0]
    assert one == again
    two = dict.fromkeys(AUDIENCE.officers, (OFFICER, "deputy@hospital.example"))
    first, second = mails_of(saved(PLATELETS), audience=replace(AUDIENCE, officers=two))
    assert first.message_id != second.message_id


def test_an_instant_is_the_same_in_whatever_zone_it_is_given():
    local = NOW.astimezone(ZoneInfo("Asia/Shanghai"))
    (mail,) = mails_of(saved(PLATELETS), now=local)
    assert mail.mime == mails_of(saved(PLATELETS))[0].mime
    assert "2014-03-12 19:05 UTC (2014-03-13 03:05 Asia/Shanghai)" in words(mail)


def test_every_message_id_is_its_own():
    assert len({mail.message_id for mail in ALL.values()}) == len(ALL)


def test_mails_about_one_alert_share_a_thread_and_those_about_another_do_not():
    roots = {name: opened(ALL[name])["References"] for name in ("alert_hold", "alert_worse", "amendment")}
    assert set(roots.values()) == {"<alert-IL2-SLE-17@hospital.example>"}
    assert opened(ALL["alert_serious"])["References"] == "<alert-IL2-SLE-23@hospital.example>"


def test_a_list_joins_the_threads_of_all_its_alerts():
    roots = opened(ALL["same_day"])["References"].split()
    assert roots == ["<alert-IL2-SLE-31@hospital.example>", "<alert-IL2-SLE-32@hospital.example>"]


@pytest.mark.parametrize("study", ["S" * 16, "S" * 17, "病房 1", "a\r\nBcc: x@x.example"])
@pytest.mark.parametrize("domain", ["h.example", "d" * 60 + ".example", "very.long.name.of.some.hospital.example"])
def test_thread_headers_stay_whole_however_long_the_names(study, domain):
    audience = replace(AUDIENCE, study=study, sender=f"vigil@{domain}")
    mail = mails_of(saved(PLATELETS, number=9_999_999_999), audience=audience)[0]
    head = mail.mime.split(b"\r\n\r\n")[0].decode("ascii")
    unfolded = dict(line.split(": ", 1) for line in re.sub(r"\r\n[ \t]", " ", head).split("\r\n"))
    for name in ("Message-ID", "References", "In-Reply-To"):
        assert re.fullmatch(r" ?<[A-Za-z0-9_.@-]+>", unfolded[name]), unfolded[name]
    assert "Bcc" not in unfolded


# ---------------------------------------------------------------------------------------------- what may be read where


@pytest.mark.parametrize("name", ALL)
def test_a_subject_names_no_participant_no_rule_and_no_finding(name):
    subject = opened(ALL[name])["Subject"]
    assert subject == ALL[name].subject
    assert subject.startswith("[vigil IL2-SLE] ")
    for secret in ("SLE-0", "CYT", "SAE", "HEP", "Platelet", "肺炎", "neumonia", "serious", "ALT", "dose", "grade"):
        assert secret not in subject


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("operator_")])
def test_a_mail_to_operators_carries_no_health_data_and_no_value(name):
    said = words(ALL[name])
    for secret in ("SLE-0", "PLACEBO", "Platelets", "second line"):
        assert secret not in said


def test_the_mail_says_all_that_an_officer_needs():
    said = opened(ALL["alert_hold"]).get_body(("plain",)).get_content()
    for needed in (
        "Platelets 28 x 10^9/L, grade 3, 79 % below baseline",
        "SLE-017",
        "HOLD: no further dose until a person releases the hold.",
        "Hold the next dose, repeat the count within 24 hours",
        "protocol: section 8.2; a choice of this rulebook",
        "grade 3 where baseline was grade 0",
        "28 10^9/L   125 to 350  132 (-104, -79 %)  3 low",
        "2014-03-12 07:55 WEEK 2",
        "For this participant: 1 other alert not closed.",
        "In the study: 2 other alerts not closed, 1 of them not acknowledged.",
        'vigil alerts ack 17 --by "YOUR NAME"',
        "CYT-02 Platelet fall",
        "low-dose-il2-sle 1.0, sha256 ",
        "CTCAE:    5.0",
        "2014-03-12 19:05 UTC (2014-03-13 03:05 Asia/Shanghai)",
        f"chain 57 {saved(PLATELETS).hash[:12]}",
    ):
        assert needed in said
        assert needed.split("  ")[0].split(":")[0] in words(ALL["alert_hold"])


def test_a_retraction_shows_what_the_value_is_now():
    said = words(ALL["retraction_corrected"])
    assert re.search(r"Result +128 +28", said)
    assert (
        "corrected at source: LB record SLE-017|PLAT|BLOOD|2014-03-12T07:55|WEEK 2: does not meet the criterion" in said
    )
    assert "As last told: Laboratory" in said


POISON = {
    "arm": "ACTIVE-ARM",
    "extrt": "TREATMENT-X",
    "exdose": "1000001",
    "dose": "1000002",
    "ecdose": "1000003",
    "lot": "LOT-77",
    "exlot": "LOT-78",
    "brthdtc": "1971-02-03",
    "initials": "W.X.Y.",
}


def poisoned(evidence: tuple[Evidence, ...], mark: str = "") -> tuple[Evidence, ...]:
    bad = tuple((name, value + mark) for name, value in POISON.items())
    return tuple(
        replace(record, version=record.version + len(mark), values=(*bad, *record.values)) for record in evidence
    )


@pytest.mark.parametrize("judgement", [PLATELETS, PNEUMONIA], ids=["LB", "AE"])
@pytest.mark.parametrize("domain", ["AE", "LB", "EC", "EX", "DM", "DS", "VS", "FEED", "SUPPAE"])
def test_a_field_that_is_not_on_the_list_is_in_no_mail(judgement, domain):
    moved = tuple(replace(record, domain=domain) for record in poisoned(judgement.evidence))
    mail = mails_of(saved(replace(judgement, evidence=moved)))[0]
    for secret in POISON.values():
        assert secret not in words(mail)


def test_an_amendment_does_not_say_how_a_hidden_field_changed():
    before = replace(PLATELETS, evidence=poisoned(PLATELETS.evidence))
    low = poisoned(PLATELETS.evidence, "-NEW")[1]
    shown = tuple((name, "48" if name == "lborres" else value) for name, value in low.values)
    after = replace(before, evidence=(before.evidence[0], replace(low, values=shown)))
    sight = Sight(usubjids=frozenset({"SLE-017"}), rule_ids=frozenset({"CYT-02"}))
    (decision,) = decide([after], Standing(alerts=(standing(before),)), sight)
    assert decision.action is Action.AMEND
    assert "ACTIVE-ARM" in decision.reason, "the ledger holds it, and the mail must not"
    said = words(mails_of(replace(saved(after, Action.AMEND), decision=decision))[0])
    for secret in (*POISON.values(), "-NEW"):
        assert secret not in said
    assert re.search(r"Result +48 +28", said)


@pytest.mark.parametrize("shown", [{"lborres": "128"}, {}])
@pytest.mark.parametrize("hidden", ["-NEW", ": does not meet the criterion -NEW", ": can no longer be evaluated: -NEW"])
def test_a_retraction_does_not_say_how_a_hidden_field_changed(shown, hidden):
    before = replace(PLATELETS, evidence=poisoned(PLATELETS.evidence))
    low = before.evidence[1]
    current = {(low.domain, low.key): {**{name: value + hidden for name, value in POISON.items()}, **shown}}
    sight = Sight(usubjids=frozenset({"SLE-017"}), rule_ids=frozenset({"CYT-02"}))
    (decision,) = decide([], Standing(alerts=(standing(before),), current=current), sight)
    assert decision.action is Action.RETRACT
    assert "ACTIVE-ARM" in decision.reason, "the ledger holds it, and the mail must not"
    now = replace(saved(before, Action.RETRACT), decision=decision)
    later = replace(now, decision=replace(decision, alert=None, corrected=()))  # as the daily mail reads it back
    for one in (now, later):
        said = words(mails_of(one)[0])
        for secret in (*POISON.values(), "-NEW"):
            assert secret not in said
        assert "does not meet the criterion any more" in said
    assert bool(re.search(r"Result +128 +28", words(mails_of(now)[0]))) is bool(shown)


def test_a_sentence_loses_the_clauses_about_hidden_fields_only():
    evidence = [Evidence(domain="EC", key="k", version=1, values=(("ecoccur", "N"), ("ecdose", "1")))]
    told = "corrected at source: EC record k: ecoccur N, was Y; ecdose 1, was 2; ecstdtc 2014-01-02, was 2014-01-01"
    assert without_hidden(told, evidence) == (
        "corrected at source: EC record k: ecoccur N, was Y; ecstdtc 2014-01-02, was 2014-01-01"
    )
    assert (
        without_hidden("corrected at source: EC record k: ecdose 1, was 2", evidence)
        == "corrected at source: EC record k"
    )
    assert without_hidden("no dose was given", evidence) == "no dose was given"
    assert without_changes(told) == "corrected at source: EC record k"


def test_a_participant_is_not_named_where_the_settings_say_so():
    audience = replace(AUDIENCE, show_usubjid=False)
    named = replace(PLATELETS, summary="SLE-017 bleeds", reason="SLE-017 has no platelets")
    digest = saved(named, number=5, reason="present at first sweep: SLE-017 has no platelets", at_first_sight=True)
    mails = mails_of(
        saved(named),
        saved(
            named, Action.AMEND, number=6, alert=standing(PLATELETS), reason="corrected at source: LB record SLE-017|X"
        ),
        digest,
        audience=audience,
        open_alerts=[standing(named, 9)],
    )
    assert len(mails) == 3
    for mail in mails:
        assert "SLE-017" not in words(mail)
        assert "(participant) bleeds" in words(mail)


@pytest.mark.parametrize("text", ["a\r\nBcc: evil@x.example\r\n\r\nbody", "a\nSubject: x", "nul\x00 \ud800 bell\x07"])
def test_a_term_with_lines_of_its_own_adds_no_header_and_no_line(text):
    evil = replace(PLATELETS, usubjid=text, summary=text, reason=text)
    evidence = (Evidence(domain="AE", key=text, version=1, values=(("aeterm", text),)),)
    mail = mails_of(saved(replace(evil, evidence=evidence)))[0]
    clean = opened(mails_of(saved(PLATELETS))[0])
    assert opened(mail).keys() == clean.keys()
    assert opened(mail)["Subject"] == clean["Subject"]
    assert not re.search(r"^(Bcc|Subject):", opened(mail).get_body(("plain",)).get_content(), re.MULTILINE)


@pytest.mark.parametrize(
    "recipient", ["a@x.example, b@x.example", "a@x.example\r\nBcc: b@x.example", "nobody", "名@x.example"]
)
def test_a_recipient_that_is_no_address_is_kept_for_the_ledger_and_out_of_the_header(recipient):
    officers = dict.fromkeys(AUDIENCE.officers, (recipient,))
    mail = mails_of(saved(PLATELETS), audience=replace(AUDIENCE, officers=officers))[0]
    assert mail.recipient == recipient
    assert "b@x.example" not in str(opened(mail)["To"])
    assert opened(mail)["Bcc"] is None


def test_html_shows_markup_as_text():
    mail = mails_of(saved(replace(PLATELETS, summary="<script>alert(1)</script> & <b>bold</b>")))[0]
    html = opened(mail).get_body(("html",)).get_content()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;" in html


@pytest.mark.parametrize("name", ALL)
def test_html_loads_nothing_from_anywhere(name):
    html = opened(ALL[name]).get_body(("html",)).get_content()
    assert not re.search(r"https?:|src=|url\(|<link|<img|<script|@import", html)


def test_chinese_arrives_as_written():
    assert "社区获得性肺炎" in opened(ALL["alert_serious"]).get_body(("plain",)).get_content()
    assert "社区获得性肺炎" in opened(ALL["alert_serious"]).get_body(("html",)).get_content()


# ------------------------------------------------------------------------------------------------ evidence


def test_records_that_read_alike_are_shown_once_and_counted():
    record = PNEUMONIA.evidence[0]
    (grid,) = layout([replace(record, key=str(number)) for number in range(3)])
    assert grid.caption == "Adverse event (3 records alike)"


def test_of_very_many_results_the_last_are_shown_and_the_others_counted():
    baseline = PLATELETS.evidence[0]
    (grid,) = layout([replace(baseline, key=str(number)) for number in range(15)])
    assert len(grid.rows) == 12
    assert "3 earlier in the ledger" in grid.caption


@pytest.mark.parametrize(
    ("low", "high", "said"), [("1", "2", "1 to 2"), ("1", "", "from 1"), ("", "2", "up to 2"), ("", "", None)]
)
def test_a_range_is_said_as_far_as_it_is_known(low, high, said):
    values = (("lbtestcd", "ALT"), ("lborres", "9"), ("lbornrlo", low), ("lbornrhi", high))
    (grid,) = layout([Evidence(domain="LB", key="k", version=1, values=values)])
    assert dict(zip(grid.head, grid.rows[0], strict=True)).get("Range") == said


def test_what_changed_is_nothing_where_only_hidden_fields_did():
    assert changes(poisoned(PLATELETS.evidence), poisoned(PLATELETS.evidence, "-NEW")) is None


# ------------------------------------------------------------------------------------------------ a template that fails


@pytest.mark.parametrize("broken", ["{{ page.no_such_thing }}", "{% if %}", None])
def test_a_broken_template_sends_the_same_facts_in_plain_text_and_tells_the_operators(tmp_path, monkeypatch, broken):
    if broken is not None:
        (tmp_path / "mail.txt.j2").write_text("fine", encoding="utf-8")
        (tmp_path / "mail.html.j2").write_text(broken, encoding="utf-8")
    monkeypatch.setattr(message, "TEMPLATES", tmp_path)
    alert, told = mails_of(saved(PLATELETS), open_alerts=[standing(PLATELETS, 12)])
    parsed = opened(alert)
    assert parsed.get_content_type() == "text/plain"
    said = parsed.get_content()
    for needed in (
        "a mail template failed",
        "Platelets 28 x 10^9/L",
        "SLE-017",
        "HOLD: no further dose",
        "Hold the next dose",
        "28 10^9/L",
        "1 other alert not closed",
        "vigil alerts ack 17",
        "CYT-02",
        saved(PLATELETS).hash[:12],
    ):
        assert needed in said
    assert (told.purpose, told.recipient) == ("operator", OPERATOR)
    assert "a mail template failed" in opened(told).get_content()
    assert alert.decision_ids == (1017,)
