"""The commands as a person types them: what they print, what they refuse, how they end."""

import os
import re
import subprocess
import sys
import tomllib
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import Result
from sqlmodel import func, select
from typer.testing import CliRunner

import rules
from alerts.store import Store
from alerts.tables import Decision, Notification, Sweep
from monitor.cli import app
from monitor.cli.exits import MEANING, Exit
from tests.running import export, write_settings
from tests.smtp_server import Script, smtp_server


@pytest.fixture(autouse=True)
def _quiet_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside the test's folder is found or written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIGIL_SETTINGS", raising=False)


def vigil(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="vigil")


def well(*arguments: object) -> str:
    """Run a command that must end well, and return what it prints."""
    result = vigil(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> tuple[int, str]:
    """Run a command that must be refused in one sentence; return its code and that sentence."""
    result = vigil(*arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.startswith("vigil: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.exit_code, result.stderr.removeprefix("vigil: ").rstrip()


def number_of(*arguments: object) -> int:
    """Run a listing and return the number that its last line counts."""
    return int(well(*arguments).splitlines()[-1].split()[0])


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """Settings of a study that has been swept once, with a pneumonia, and whose mail was taken."""
    with smtp_server(Script()) as mail_port:
        settings = write_settings(tmp_path, mail_port=mail_port)
        export(tmp_path, serious=True)
        well("sweep")
    return settings


# ------------------------------------------------------------------------------------------------ help, codes


def test_help_names_every_command_and_every_exit_code() -> None:
    said = well("--help")
    for command in ("run", "sweep", "check", "init", "send-test", "rulebook", "demo", "alerts", "db"):
        assert re.search(rf"\b{command}\b", said)
    for code, words in MEANING.items():
        assert f"{code:d}  {words}" in said
    assert set(MEANING) == set(Exit)
    assert well("--version").startswith("vigil ")


def test_a_wrong_command_line_ends_with_usage() -> None:
    assert vigil("swep").exit_code == Exit.USAGE
    assert vigil("alerts", "show", "one").exit_code == Exit.USAGE


def test_commands_load_what_they_need_and_not_more(swept: Path) -> None:
    """A listing of alerts must not take the seconds and the memory of what reads and grades."""
    heavy = [
        "polars",
        "pyarrow",
        "scipy",
        "pyreadstat",
        "apscheduler",
        "uvicorn",
        "starlette",
        "monitor.sources.sdtm_folder",
    ]
    look = f"import sys, atexit; atexit.register(lambda: print([m for m in {heavy} if m in sys.modules]))"
    for arguments in (["alerts", "list"], ["alerts", "show", "1"], ["--version"]):
        code = f"{look}; sys.argv = {['vigil', *arguments]}; from monitor.cli import main; main()"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert said.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments", [["run"], ["sweep"], ["check"], ["send-test"], ["db", "status"], ["alerts", "list"]]
)
def test_settings_are_asked_for_in_one_sentence(arguments: list[str]) -> None:
    code, said = refused(*arguments)
    assert (code, said[:16]) == (Exit.SETTINGS, "no settings file")
    assert refused(*arguments, "--settings", "none.toml") == (
        Exit.SETTINGS, "settings none.toml: cannot be read: No such file or directory",
    )  # fmt: skip


def test_settings_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_SETTINGS", str(tmp_path / "elsewhere.toml"))
    assert "elsewhere.toml: cannot be read" in refused("alerts", "list")[1]


# ------------------------------------------------------------------------------------------------ init

FLAGS = {
    "study": "SLE-1", "title": 'A "quoted" title', "studyid": "SYN-01", "rulebook": "low_dose_il2_sle",
    "timezone": "Asia/Shanghai", "source": "incoming", "officer": "o@example.org", "operator": "p@example.org",
    "sender": "v@example.org", "smtp-host": "smtp.example.org", "smtp-port": "465", "tls": "tls",
}  # fmt: skip


def init(**changes: str | None) -> list[str]:
    flags = FLAGS | {name.replace("_", "-"): value for name, value in changes.items()}
    return ["init", *(f"--{name}={value}" for name, value in flags.items() if value is not None)]


def test_init_writes_settings_that_load(tmp_path: Path) -> None:
    assert "next: vigil check" in well(*init(username="vigil", password_file="secret"))
    written = tomllib.loads((tmp_path / "vigil.toml").read_text())
    assert written["study"][0]["title"] == 'A "quoted" title'
    assert (written["mail"]["port"], written["mail"]["password_file"]) == (465, "secret")
    said = vigil("check").stdout
    assert said.startswith("ok     settings vigil.toml\nok     study SLE-1: rulebook low_dose_il2_sle")


def test_init_leaves_an_existing_file_alone(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text("precious")
    assert refused(*init()) == (Exit.USAGE, "vigil.toml exists and is left as it is")
    assert (tmp_path / "vigil.toml").read_text() == "precious"


def test_init_without_a_terminal_names_every_flag_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    assert refused(*init(officer=None, sender=None)) == (
        Exit.USAGE,
        "there is no terminal to ask at: give --officer, --sender",
    )
    code, said = refused("init")
    assert code == Exit.USAGE
    assert said.endswith("give --study, --title, --studyid, --officer, --operator, --sender")
    assert not (tmp_path / "vigil.toml").exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("study", "my study", "--study: must be letters, digits, - and _"),
        ("title", "", "--title: must not be empty"),
        ("rulebook", "no_such", "--rulebook: rulebook no_such: cannot be read: No such file or directory"),
        ("rulebook", "mine.toml", "--rulebook: rulebook mine.toml: cannot be read: No such file or directory"),
        ("timezone", "Peking", "--timezone: 'Peking' is not an IANA time zone, such as Asia/Shanghai"),
        ("officer", "o@x.org, Dr Li", "--officer: 'Dr' is not one plain e-mail address"),
        ("operator", ",", "--operator: must not be empty"),
        ("sender", "vigil", "--sender: 'vigil' is not one plain e-mail address"),
        ("smtp-port", "0", "--smtp-port: must be greater than or equal to 1"),
        ("smtp-port", "65536", "--smtp-port: must be less than or equal to 65535"),
        ("tls", "ssl", "--tls: must be 'starttls', 'tls' or 'none'"),
        ("tls", "none", "--tls: 'none' is for a relay on loopback, not for smtp.example.org"),
        ("username", "vigil", "--username, --password-file or --database: username and a password"),
    ],
)
def test_init_names_the_flag_whose_value_would_not_load(tmp_path: Path, option: str, value: str, said: str) -> None:
    (tmp_path / "incoming").mkdir()
    code, sentence = refused(*init(**{option: value}))
    assert (code, sentence[: len(said)]) == (Exit.USAGE, said)
    assert not (tmp_path / "vigil.toml").exists()


def test_init_warns_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert vigil(*init()).stderr == f"  warning: there is no folder {tmp_path}/incoming yet\n"
    (tmp_path / "vigil.toml").unlink()
    (tmp_path / "incoming").mkdir()
    assert vigil(*init()).stderr == ""


def test_init_asks_at_a_terminal(tmp_path: Path) -> None:
    """A pseudo-terminal, as a person has one; an empty answer takes the proposal, a wrong one is asked for again."""
    answers = [
        "my study", "SLE", "A study", "SYN-01", "no_such", "", "Peking", "", "", "Dr Li", "o@x.org d@x.org",
        "p@x.org", "v@x.org", "", "smtp", "70000", "", "ssl", "",
    ]  # fmt: skip
    keys = "\n".join(answers) + "\n"
    code = (
        "import os, pty, sys\n"
        "pid, terminal = pty.fork()\n"
        "if pid == 0:\n"
        "    os.execv(sys.executable, [sys.executable, '-m', 'monitor', 'init'])\n"
        f"os.write(terminal, {keys.encode()!r})\n"
        "try:\n"
        "    while os.read(terminal, 1024): pass\n"
        "except OSError: pass\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
    written = tomllib.loads((tmp_path / "vigil.toml").read_text())
    assert written["study"][0]["recipients"]["immediate"] == ["o@x.org", "d@x.org"]
    assert written["study"][0]["timezone"] == "Asia/Shanghai"
    assert (written["mail"]["host"], written["mail"]["tls"]) == ("localhost", "starttls")


# ------------------------------------------------------------------------------------------------ check


def test_check_says_of_each_thing_whether_it_holds(tmp_path: Path) -> None:
    with smtp_server(Script()) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        (tmp_path / "incoming" / "lb.csv").write_text("STUDYID,DOMAIN,USUBJID,LBTESTCD,LBDTC\n")
        result = vigil("check")
        marks = [line.split("  ")[0].strip() for line in result.stdout.splitlines()]
        assert (result.exit_code, set(marks)) == (0, {"ok"}), result.stdout
        assert f"database sqlite:///{tmp_path}/vigil.db: made at the first start\n" in result.stdout
        assert not (tmp_path / "vigil.db").exists()
    (tmp_path / "incoming" / "ae.csv").write_text("<html>not found</html>")
    (tmp_path / "incoming" / "lb.csv").write_text("")
    result = vigil("check")
    faults = [line for line in result.stdout.splitlines() if line.startswith("fault")]
    assert result.exit_code == Exit.FAULT
    source = f"fault  study SYN: source {tmp_path}/incoming: "
    assert [fault.startswith(source) for fault in faults] == [True, True, False]
    assert {fault.removeprefix(source)[:7] for fault in faults[:2]} == {"ae.csv:", "lb.csv:"}
    assert faults[2].startswith(f"fault  relay 127.0.0.1:{mail_port}: ")
    assert faults[2].count(" relay ") == 1


def test_check_goes_on_after_a_rulebook_that_does_not_load(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, mail_port=1)
    settings.write_text(settings.read_text().replace("low_dose_il2_sle", "no_such"))
    (tmp_path / "incoming" / "lb.csv").write_text("STUDYID,DOMAIN,USUBJID,LBTESTCD,LBDTC\n")
    lines = vigil("check").stdout.splitlines()
    assert [line[:5].strip() for line in lines] == ["ok", "fault", "ok", "ok", "fault"]
    assert lines[1].startswith("fault  study SYN: rulebook no_such: cannot be read")
    assert lines[2] == f"ok     study SYN: source {tmp_path}/incoming"
    (tmp_path / "incoming" / "ae.csv").write_text("<html>not found</html>")
    assert f"fault  study SYN: source {tmp_path}/incoming: ae.csv:" in vigil("check").stdout


# ------------------------------------------------------------------------------------------------ sweep


def test_a_sweep_says_what_it_found_and_why_and_posts_it(tmp_path: Path) -> None:
    script = Script()
    with smtp_server(script) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        export(tmp_path, serious=True)
        said = well("sweep")
        assert "Serious adverse event: Pneumonia" in said
        assert re.search(r"^To tell$", said, re.MULTILINE)
        assert "present at first sweep: AESER = Y" in said
        assert re.search(r"^new +3 *$", said, re.MULTILINE)
        assert re.search(r"^mails: [1-9]\d* accepted, 0 refused for good, 0 still owed$", said, re.MULTILINE)
        assert "officer@example.org" in [mail.recipient for mail in script.received]
        again = well("sweep", "--study", "SYN")
        assert "Pneumonia" not in again
        assert re.search(r"^unchanged +3 *$", again, re.MULTILINE)


def test_a_dry_look_keeps_and_mails_nothing(tmp_path: Path, swept: Path) -> None:
    before = rows_of(tmp_path)
    export(tmp_path, serious=False)  # the pneumonia is taken back: something to decide and to mail
    said = well("sweep", "--no-mail")
    assert "nothing kept" in said
    assert "retract" in said
    assert re.search(r", [1-9]\d* mails? would be owed$", said, re.MULTILINE)
    assert re.search(r"^Would be told$", said, re.MULTILINE)
    assert not re.search(r"^(To tell|Written)", said, re.MULTILINE)
    assert rows_of(tmp_path) == before


def rows_of(folder: Path) -> list[int]:
    """Count what sweeps leave behind."""
    store = Store(f"sqlite:///{folder}/vigil.db")
    with store.read() as session:
        found = [
            session.exec(select(func.count()).select_from(table)).one() for table in (Sweep, Decision, Notification)
        ]
    store.close()
    return found


def test_a_dry_look_at_a_new_study_leaves_no_file(tmp_path: Path) -> None:
    write_settings(tmp_path)
    export(tmp_path, serious=True)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert "Serious adverse event: Pneumonia" in well("sweep", "--no-mail")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_how_a_sweep_can_end_badly(tmp_path: Path) -> None:
    write_settings(tmp_path, mail_port=1)
    export(tmp_path, serious=True)
    assert refused("sweep", "--study", "XYZ") == (Exit.USAGE, "there is no study XYZ in vigil.toml")
    code, said = refused("sweep")
    assert code == Exit.MAIL
    assert re.fullmatch(
        r"NOBODY WAS TOLD: relay 127\.0\.0\.1:1: cannot connect: Connection refused; [1-9]\d* mails? stays? owed", said
    )
    code, said = refused("sweep")  # at once: no mail is due to be tried, and still nobody knows
    assert code == Exit.MAIL
    assert "NOBODY WAS TOLD" in said


def test_a_sweep_says_when_the_relay_took_some_mails_and_not_all(tmp_path: Path) -> None:
    script = Script(rcpt={"operator@example.org": "451 later"})
    with smtp_server(script) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        export(tmp_path, serious=True)
        code, said = refused("sweep")
    assert code == Exit.MAIL
    assert re.fullmatch(r"not everybody was told: relay \S+: 451 later; 1 mail stays owed", said)


def test_lines_in_a_pipe_end_with_their_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path)
    export(tmp_path, serious=True)
    for width in (1000, 90):
        monkeypatch.setattr("monitor.cli.terminal.PIPE_WIDTH", width)
        lines = well("sweep", "--no-mail").splitlines()
        assert [line for line in lines if line != line.rstrip()] == []


# ------------------------------------------------------------------------------------------------ alerts


def test_the_life_of_an_alert(swept: Path) -> None:
    listed = well("alerts", "list")
    assert re.search(
        r"^ +1 +open +immediate +- +SYN +SAE-01 +SYN-001 .*Serious adverse event: Pneumonia", listed, re.MULTILINE
    )
    total = number_of("alerts", "list")
    assert listed.rstrip().endswith(f"{total} alerts not closed")

    assert well("alerts", "ack", 1, "--by", "Dr Li", "--note", "called the site").startswith("alert 1: acknowledged")
    assert re.search(r"^ +1 +acknowledged ", well("alerts", "list"), re.MULTILINE)
    assert number_of("alerts", "list", "--state", "open") == total - 1
    assert well("alerts", "list", "--state", "acknowledged").rstrip().endswith("\n1 alert acknowledged")
    well("alerts", "note", 1, "the family was told", "--by", "Nurse Wu")
    entered = well("alerts", "submitted", 1, "--on", "2014-03-19", "--by", "Dr Li", "--text", "to the sponsor")
    assert entered.startswith("alert 1: submitted on 2014-03-19")
    well("alerts", "close", 1, "--assessment", "unrelated", "--note", "recovered", "--by", "Dr Li")

    story = well("alerts", "show", 1)
    for words in (
        "Alert 1  closed  immediate", "why: present at first sweep: AESER = Y", "rulebook ", "CTCAE 5.0",
        "evidence: AE record SYN-001/E2", "aeser Y", "told: officer@example.org, accepted", "1 attempt, <",
        "acknowledge  by Dr Li", "said: called the site", "note  by Nurse Wu", "close  by Dr Li",
        "unrelated: recovered", "submitted  by Dr Li", "submitted on 2014-03-19", "said: to the sponsor",
    ):  # fmt: skip
        assert words in story
    assert number_of("alerts", "list") == total - 1
    assert number_of("alerts", "list", "--state", "all") == total
    assert refused("alerts", "list", "--study", "OTHER") == (Exit.USAGE, "there is no study OTHER in vigil.toml")


def test_several_alerts_are_acknowledged_at_once_up_to_one_that_is_not_there(swept: Path) -> None:
    said = well("alerts", "ack", 1, 2, 1, "--by", "Dr Li", "--note", "seen")
    assert [line.split(" (")[0] for line in said.splitlines()] == [
        "alert 1: acknowledged",
        "alert 2: acknowledged",
        "the hold on SYN-001 stands until this alert is closed; a dose recorded as not given meanwhile is not missed",
    ]
    assert refused("alerts", "ack", 3, 99, "--by", "Dr Li") == (Exit.USAGE, "there is no alert 99")
    assert "acknowledge  by Dr Li" in well("alerts", "show", 3)


def test_a_note_is_given_as_text_or_as_an_option_and_once(swept: Path) -> None:
    well("alerts", "note", 1, "--note", "the family was told", "--by", "Nurse Wu")
    assert "said: the family was told" in well("alerts", "show", 1)
    both = refused("alerts", "note", 1, "one", "--note", "two", "--by", "Nurse Wu")
    assert both == (Exit.USAGE, "give the note once: as TEXT or with --note")
    assert refused("alerts", "note", 1, "--by", "Nurse Wu")[1] == "a note to alert 1 needs a text"


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("451 try later", r"^  owed: officer@example.org, deferred .*451 try later"),
        ("550 no such user", r"^  not told: officer@example.org, refused .*550 no such user"),
    ],
)
def test_a_story_says_to_whom_a_mail_is_still_owed_and_who_was_not_told(tmp_path: Path, reply: str, line: str) -> None:
    script = Script()
    with smtp_server(script) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        well("sweep")
        script.rcpt["officer@example.org"] = reply
        export(tmp_path, serious=True)
        assert vigil("sweep").exit_code == Exit.MAIL
    story = well("alerts", "show", pneumonia())
    assert re.search(line, story, re.MULTILINE)
    assert "\n  told:" not in story


def pneumonia() -> str:
    """Return the number of the pneumonia's alert."""
    found = re.search(r"^ *(\d+) .*Pneumonia", well("alerts", "list"), re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("changed", "order"),
    [
        ({}, "-"),
        ({"consequence": "hold"}, "HOLD"),
        ({"consequence": "stop"}, "STOP"),
        ({"consequence": "hold", "state": "closed"}, "-"),
    ],
)
def test_the_list_names_hold_and_stop_and_what_has_ended_an_episode(
    swept: Path, changed: dict[str, str], order: str
) -> None:
    from alerts.tables import Alert

    store = Store(f"sqlite:///{swept.parent}/vigil.db")
    with store.write() as session:
        alert = session.get_one(Alert, 1)
        for name, value in {"recovery": "out on the other side now: 9", **changed}.items():
            setattr(alert, name, value)
    store.close()
    line = next(line for line in well("alerts", "list", "--state", "all").splitlines() if re.match(" +1 ", line))
    assert re.search(rf" immediate +{order} +SYN ", line)
    assert line.endswith("; SINCE THEN out on the other side now: 9")
    assert "recovered" not in well("alerts", "show", 1)


def test_a_routine_decision_goes_with_the_daily_mail(tmp_path: Path) -> None:
    with smtp_server(Script()) as mail_port:
        settings = write_settings(tmp_path, mail_port=mail_port)
        settings.write_text(settings.read_text().replace('"low_dose_il2_sle"', '"calm.toml"'))
        shipped = (Path(rules.__file__).parent / "rulebooks" / "low_dose_il2_sle.toml").read_text()
        calm = re.sub(r'^urgency = ".*"', 'urgency = "routine"', shipped, flags=re.MULTILINE)
        (tmp_path / "calm.toml").write_text(calm)
        well("sweep")
        export(tmp_path, serious=True)
        well("sweep")
    story = well("alerts", "show", pneumonia())
    assert "\n  owed: goes with the daily mail\n" in story
    assert "told:" not in story


def test_where_the_table_is_too_wide_its_columns_stay_aligned(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.cli.terminal.PIPE_WIDTH", 90)
    lines = [line.rstrip() for line in well("alerts", "list").splitlines()]
    head, first = lines[0], lines[2]
    for name, value in (("state", "open"), ("urgency", "immediate"), ("rule", "SAE-01"), ("participant", "SYN-001")):
        assert head.index(name) == first.index(value)
    assert (lines[1].strip(), lines[3].strip()) == ("what", "Serious adverse event: Pneumonia")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "99"], "there is no alert 99"),
        (["ack", "99", "--by", "Dr Li"], "there is no alert 99"),
        (["ack", "1", "--by", "vigil"], "an act needs the name of the person who does it"),
        (["close", "1", "--assessment", " ", "--by", "Dr Li"], "alert 1 cannot be closed without an assessment"),
        (["note", "1", " ", "--by", "Dr Li"], "a note to alert 1 needs a text"),
        (["submitted", "99", "--on", "2014-03-19", "--by", "Dr Li"], "there is no alert 99"),
        (["not-owed", "99", "--why", "unrelated", "--by", "Dr Li"], "there is no alert 99"),
        (
            ["not-owed", "1", "--why", "unrelated", "--by", "Dr Li"],
            "alert 1 is of no reporting clock: what is not owed is entered at the clock's own",
        ),
        (["not-owed", "1", "--why", " ", "--by", "Dr Li"], "that no report is owed at alert 1 needs a reason"),
    ],
)
def test_acts_that_are_not_possible(swept: Path, arguments: list[str], said: str) -> None:
    assert refused("alerts", *arguments) == (Exit.USAGE, said)


def test_whoever_is_logged_in_acts_if_nobody_is_named(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "li.wei")
    well("alerts", "ack", 1)
    assert "acknowledge  by li.wei" in well("alerts", "show", 1)
    monkeypatch.setenv("LOGNAME", "vigil")
    assert refused("alerts", "ack", 1) == (Exit.USAGE, "say who does this: --by NAME")
    monkeypatch.setenv("SUDO_USER", "nurse.wu")
    well("alerts", "ack", 1)
    assert "acknowledge  by nurse.wu" in well("alerts", "show", 1)


# ------------------------------------------------------------------------------------------------ database, mail


def test_the_database_is_made_asked_about_and_refused(tmp_path: Path) -> None:
    write_settings(tmp_path)
    code, said = refused("alerts", "list")
    assert (code, "is not there yet" in said) == (Exit.DATABASE, True)
    assert "the schema is the newest" in well("db", "upgrade")
    assert "the schema is the newest" in well("db", "upgrade")
    assert "schema and guards are whole" in well("db", "status")
    store = Store(f"sqlite:///{tmp_path}/vigil.db")
    with store.write() as session:
        session.connection().exec_driver_sql("DROP TRIGGER decision_no_update")
    store.close()
    code, said = refused("db", "status")
    assert code == Exit.DATABASE
    assert "decision_no_update" in said
    (tmp_path / "vigil.db").write_text("not a database, only some text that is long enough to be looked at" * 9)
    code, said = refused("alerts", "list")
    assert (code, said) == (Exit.DATABASE, "the database cannot be used: file is not a database")


def tamper(folder: Path, table: str, statement: str) -> None:
    """Change a written row as an owner of the file could: guards dropped, and put back as they were."""
    store = Store(f"sqlite:///{folder}/vigil.db")
    with store.write() as session:
        database = session.connection()
        guards = database.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).all()
        for name, _ in guards:
            database.exec_driver_sql(f"DROP TRIGGER {name}")
        database.exec_driver_sql(statement)
        for _, guard in guards:
            database.exec_driver_sql(guard)
    store.close()


def test_a_whole_ledger_is_said_to_be_whole(swept: Path, tmp_path: Path) -> None:
    said = well("db", "verify").splitlines()
    assert [line.split(":")[0] for line in said] == ["system", "study SYN"]
    assert re.fullmatch(r"system: ok, \d+ links?", said[0])
    assert re.fullmatch(r"study SYN: ok, [1-9]\d* links?", said[1])
    assert well("db", "verify", "--study", "SYN").splitlines() == said[1:]


def test_a_changed_decision_is_found_though_the_guards_stand_again(swept: Path, tmp_path: Path) -> None:
    tamper(tmp_path, "decision", "UPDATE decision SET reason = 'nothing to see' WHERE id = 1")
    assert "schema and guards are whole" in well("db", "status")
    result = vigil("db", "verify")
    assert result.exit_code == Exit.FAULT
    assert "fault  chain of study 'SYN', link 1 (decision 1): its row is not what was written\n" in result.stdout
    assert "system: ok, " in result.stdout
    assert "study SYN: ok" not in result.stdout


def test_the_officers_mailbox_is_a_witness_of_what_was_cut_off_or_written_anew(tmp_path: Path) -> None:
    script = Script()
    with smtp_server(script) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        well("sweep")
        export(tmp_path, serious=True)
        well("sweep")
    texts = " ".join(text_of(mail.mime) for mail in script.received)
    seq, head = max((int(seq), head) for seq, head in re.findall(r"decision \d+, chain (\d+) ([0-9a-f]{12})", texts))
    verify = ("db", "verify", "--study", "SYN", "--link")
    assert well(*verify, f"{seq}:{head}").endswith(f", link {seq} as it was mailed\n")
    assert well(*verify, f"{seq}:{head.upper()}")
    result = vigil(*verify, f"{seq}:{'0' * 12}")
    assert (result.exit_code, "is not the one that was written once" in result.stdout) == (Exit.FAULT, True)
    tamper(tmp_path, "chain", f"DELETE FROM chain WHERE study = 'SYN' AND seq >= {seq}")
    result = vigil(*verify, f"{seq}:{head}")
    assert result.exit_code == Exit.FAULT
    assert f"chain of study 'SYN': ends at link {seq - 1}, and link {seq} was written once\n" in result.stdout


def text_of(mime: bytes) -> str:
    """Return a mail's plain text with its lines unfolded."""
    body = message_from_bytes(mime, policy=policy.default).get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--link", "1:aaaaaaaaaaaa"], "--link needs --study: every study has a chain of its own"),
        (["--study", "SYN", "--link", "1:aaa"], "--link: '1:aaa' is not SEQ:HASH with the hash as long as in the mail"),
        (["--study", "SYN", "--link", "1:"], "--link: '1:' is not SEQ:HASH with the hash as long as in the mail"),
        (["--study", "SYM"], "there is no study SYM in vigil.toml, nor in the ledger"),
    ],
)
def test_what_cannot_be_verified_is_refused(swept: Path, arguments: list[str], said: str) -> None:
    assert refused("db", "verify", *arguments) == (Exit.USAGE, said)


def test_a_test_mail_reaches_everybody_or_one(tmp_path: Path) -> None:
    script = Script(rcpt={"operator@example.org": "550 no such user"})
    with smtp_server(script) as mail_port:
        write_settings(tmp_path, mail_port=mail_port)
        result = vigil("send-test")
        assert result.exit_code == Exit.MAIL
        assert re.search(r"^accepted +officer@example.org", result.stdout, re.MULTILINE)
        assert re.search(r"^refused +operator@example.org +550", result.stdout, re.MULTILINE)
        assert re.search(r"^accepted +me@example.org", well("send-test", "--to", "me@example.org"), re.MULTILINE)
    assert [mail.recipient for mail in script.received] == ["officer@example.org", "me@example.org"]
    assert not (tmp_path / "vigil.db").exists()


def test_a_rulebook_is_printed_or_refused() -> None:
    assert "SAE-01" in well("rulebook", "low_dose_il2_sle")
    code, said = refused("rulebook", "no_such")
    assert (code, said.startswith("rulebook no_such: cannot be read")) == (Exit.SETTINGS, True)


def test_how_much_a_rulebook_alarms_is_counted_of_what_stands_in_the_ledger(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    code, said = refused("rulebook", "low_dose_il2_sle", "--load", "--settings", settings)
    assert (code, "is not there yet" in said) == (Exit.DATABASE, True)
    export(tmp_path, serious=True)
    vigil("sweep")  # nobody takes its mails, and they stay owed
    before = (tmp_path / "vigil.db").read_bytes()
    printed = well("rulebook", "low_dose_il2_sle", "--load", "--settings", settings)
    assert re.search(r"^SAE-01 +[1-9]", printed, re.MULTILINE)
    assert re.search(r"^immediate mails per 40 participant-months: \d+\.\d\d \([1-9]", printed, re.MULTILINE)
    assert (tmp_path / "vigil.db").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--study", "SYN"), "--study goes with --load and --settings"),
        (("--load", "--study", "SYN"), "--study goes with --load and --settings"),
    ],
)
def test_a_study_is_named_only_where_its_load_is_asked_for(arguments: tuple[str, ...], sentence: str) -> None:
    assert refused("rulebook", "low_dose_il2_sle", *arguments) == (Exit.USAGE, sentence)


def test_the_load_of_a_study_that_is_not_there_is_refused(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    code, said = refused("rulebook", "low_dose_il2_sle", "--load", "--settings", settings, "--study", "NONE")
    assert (code, said.startswith("there is no study NONE in ")) == (Exit.USAGE, True)


def test_the_plan_of_a_participant_says_where_today_is(swept: Path) -> None:
    said = well("plan", "SYN-001", "--settings", swept)
    assert "SYN-001, as the ledger has it" in said
    assert said.count("--- today ---") == 1


def test_the_plan_of_nobody_is_refused(swept: Path) -> None:
    code, said = refused("plan", "P-NONE", "--settings", swept)
    assert code == Exit.USAGE
    assert said.startswith("no record of P-NONE in ")
