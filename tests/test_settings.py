"""The settings file: what loads and as what, and one refusal for each fault that a person can make."""

import os
import tomllib
from datetime import time, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from alerts.address import ADDRESS
from monitor.settings import Settings, SettingsError, find_settings, load_settings, parse_settings
from rules.hit import Urgency

CASES = Path(__file__).parent / "settings_cases"
GOOD = (CASES / "good.toml").read_text(encoding="utf-8")
FAULTS = tomllib.loads((CASES / "faults.toml").read_text(encoding="utf-8"))["fault"]
EXAMPLE = Path(__file__).parents[1] / "deploy" / "vigil.example.toml"


def parse(text: str, folder: Path) -> Settings:
    return parse_settings(text, folder / "vigil.toml")


def good_with(line: str, more: str) -> str:
    assert f"{line}\n" in GOOD
    return GOOD.replace(f"{line}\n", f"{line}\n{more}\n")


# ------------------------------------------------------------------------------------------------ what loads


def test_the_smallest_file_loads_with_sound_values_for_the_rest(tmp_path: Path) -> None:
    settings = parse(GOOD, tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/data/vigil.db"
    assert (settings.mail.port, settings.mail.tls, settings.mail.username) == (587, "starttls", None)
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 9464)
    assert (settings.log.format, settings.log.level) == ("json", "info")
    (study,) = settings.studies()
    assert (study.id, study.zone.key, study.sweep_every, study.daily_at) == (
        "SLE", "Asia/Shanghai", timedelta(minutes=15), time(8, 0),
    )  # fmt: skip
    assert study.rulebook.header.name == "low_dose_il2_sle"
    assert study.source.path == tmp_path / "incoming"  # type: ignore[attr-defined]
    assert study.audience.officers == dict.fromkeys(Urgency, ("officer@example.org",))
    assert study.audience.operators == ("operator@example.org",)
    assert (study.audience.sender, study.audience.show_usubjid) == ("vigil@example.org", True)


def test_everything_that_can_be_set_arrives(tmp_path: Path) -> None:
    text = good_with('timezone = "Asia/Shanghai"', 'sweep_every = "90s"\ndaily_at = "23:59"\nshow_usubjid = false')
    text = text.replace(
        'immediate = ["officer@example.org"]', 'immediate = ["a@x"]\nsame_day = ["b@x", "c@x"]\nroutine = ["d@x"]'
    )
    text += 'encoding = "gb18030"\nfiles = { AE = "adverse*.csv" }\nkeys = { AE = ["USUBJID", "AESPID"] }\n'
    text += "[study.shrink]\nshare = 0.5\nrows = 3\n"
    (study,) = parse(text, tmp_path).studies()
    assert (study.sweep_every, study.daily_at) == (timedelta(seconds=90), time(23, 59))
    assert not study.audience.show_usubjid
    assert study.audience.officers == {
        Urgency.IMMEDIATE: ("a@x",), Urgency.SAME_DAY: ("b@x", "c@x"), Urgency.ROUTINE: ("d@x",),
    }  # fmt: skip
    source = study.source
    assert source.encoding == "gb18030"  # type: ignore[attr-defined]
    assert source.files == {"AE": "adverse*.csv"}  # type: ignore[attr-defined]
    assert source.keys == {"AE": ("USUBJID", "AESPID")}  # type: ignore[attr-defined]
    assert (study.shrink.share, study.shrink.rows) == (0.5, 3)


@pytest.mark.parametrize(("text", "duration"), [("1s", 1), ("60s", 60), ("15m", 900), ("24h", 86400), ("1440m", 86400)])
def test_durations(tmp_path: Path, text: str, duration: int) -> None:
    settings = parse(good_with('id = "SLE"', f'sweep_every = "{text}"'), tmp_path)
    assert settings.study[0].sweep_every == timedelta(seconds=duration)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_mail_without_tls_may_go_to_this_machine(tmp_path: Path, host: str) -> None:
    text = GOOD.replace('host = "smtp.example.org"', f'host = "{host}"\ntls = "none"')
    assert parse(text, tmp_path).relay().tls == "none"


@pytest.mark.parametrize("host", ["localhost.example.org", "10.0.0.1", "128.0.0.1", "::2"])
def test_mail_without_tls_may_go_nowhere_else(tmp_path: Path, host: str) -> None:
    text = GOOD.replace('host = "smtp.example.org"', f'host = "{host}"\ntls = "none"')
    with pytest.raises(SettingsError, match="is for a relay on loopback"):
        parse(text, tmp_path)


def test_a_rulebook_file_and_a_database_count_from_the_settings_folder(tmp_path: Path) -> None:
    shipped = (files("rules.rulebooks") / "low_dose_il2_sle.toml").read_text(encoding="utf-8")
    (tmp_path / "ours.toml").write_text(shipped, encoding="utf-8")
    text = good_with('id = "SLE"', "").replace('"low_dose_il2_sle"', '"ours.toml"')
    text = 'database = "sqlite:///ledger.db"\n' + text
    settings = parse(text, tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/ledger.db"
    assert settings.studies()[0].rulebook.text == shipped


def test_postgresql_needs_no_path(tmp_path: Path) -> None:
    url = "postgresql://vigil@localhost/vigil?host=/run/postgresql"
    assert parse(f'database = "{url}"\n{GOOD}', tmp_path).database == url


def test_the_example_settings_load() -> None:
    settings = load_settings(EXAMPLE)
    assert [study.id for study in settings.studies()] == ["IL2-SLE"]


def test_the_example_names_every_setting() -> None:
    """Whoever reads the example has seen all that can be set."""
    text = EXAMPLE.read_text(encoding="utf-8")
    settings = load_settings(EXAMPLE)
    models = [settings, settings.mail, settings.web, settings.log, settings.study[0]]
    models += [settings.study[0].recipients, settings.study[0].source, settings.study[0].shrink]
    for model in models:
        for name in type(model).model_fields:
            assert f"{name} = " in text or f"{name}]" in text, name


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["refused"][:60])
def test_refused_in_one_sentence(tmp_path: Path, fault: dict[str, str]) -> None:
    assert GOOD.count(f"{fault['line']}\n") == 1
    text = GOOD.replace(f"{fault['line']}\n", f"{fault['becomes']}\n")
    with pytest.raises(SettingsError) as refusal:
        parse(text, tmp_path)
    assert str(refusal.value) == f"settings {tmp_path / 'vigil.toml'}: {fault['refused']}"


@pytest.mark.parametrize(
    ("line", "becomes", "said"),
    [
        ('rulebook = "low_dose_il2_sle"', 'rulebook = "no_such"', "study SLE: rulebook no_such: cannot be read"),
        ('rulebook = "low_dose_il2_sle"', 'rulebook = "no.toml"', "no.toml: cannot be read"),
        ('path = "incoming"', 'path = "incoming"\nencoding = "utf-9"', "source: encoding 'utf-9' is unknown"),
        ('path = "incoming"', 'path = "incoming"\nkeys = { AE = ["AESEQ"] }', "study SLE: source: "),
    ],
)
def test_studies_are_refused_with_their_name(tmp_path: Path, line: str, becomes: str, said: str) -> None:
    settings = parse(GOOD.replace(line, becomes), tmp_path)
    with pytest.raises(SettingsError) as refusal:
        settings.studies()
    assert str(refusal.value).startswith(f"settings {tmp_path / 'vigil.toml'}: study SLE: ")
    assert said in str(refusal.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings .*none\.toml: cannot be read: No such file or directory"):
        load_settings(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(SettingsError, match=r"settings .*latin\.toml: not UTF-8 text"):
        load_settings(tmp_path / "latin.toml")


def test_the_file_is_looked_for_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monitor.settings.PLACES", (Path("vigil.toml"), tmp_path / "etc.toml"))
    with pytest.raises(SettingsError, match="no settings file: name one with --settings or VIGIL_SETTINGS"):
        find_settings(None)
    (tmp_path / "etc.toml").write_text(GOOD)
    assert find_settings(None) == tmp_path / "etc.toml"
    (tmp_path / "vigil.toml").write_text(GOOD)
    assert find_settings(None) == Path("vigil.toml")
    assert find_settings(Path("other.toml")) == Path("other.toml")


# ------------------------------------------------------------------------------------------------ addresses, secrets


@pytest.mark.parametrize("address", ["a@b", "first.last+tag@sub.example.org", "o'brien@example.org", "a_b-c@x-y.z"])
def test_plain_addresses_are_taken_and_can_be_delivered(tmp_path: Path, address: str) -> None:
    settings = parse(GOOD.replace("officer@example.org", address), tmp_path)
    assert settings.study[0].recipients.immediate == (address,)
    assert ADDRESS.fullmatch(address)


@pytest.mark.parametrize(
    "address", ["", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b>", "a@b;c@d", "a@b\\n", "ä@b.org", "a@b.", "a@-"]
)
def test_other_addresses_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="is not one plain e-mail address"):
        parse(GOOD.replace("officer@example.org", address), tmp_path)


LOGIN = 'host = "smtp.example.org"\nusername = "vigil"\n'


def test_a_password_is_read_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3 cret \n", encoding="utf-8")
    settings = parse(GOOD.replace('host = "smtp.example.org"\n', f'{LOGIN}password_file = "secret"\n'), tmp_path)
    relay = settings.relay()
    assert (relay.username, relay.password) == ("vigil", "s3 cret ")
    assert "s3 cret" not in repr(relay) + repr(settings) + str(relay)


def test_a_password_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parse(GOOD.replace('host = "smtp.example.org"\n', f'{LOGIN}password_env = "VIGIL_TEST_PW"\n'), tmp_path)
    with pytest.raises(SettingsError, match="password_env: VIGIL_TEST_PW is empty or not set in the environment"):
        settings.relay()
    monkeypatch.setenv("VIGIL_TEST_PW", "s3cret")
    assert settings.relay().password == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file or directory"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8 text")],
)
def test_a_password_that_cannot_be_had_is_said(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    settings = parse(GOOD.replace('host = "smtp.example.org"\n', f'{LOGIN}password_file = "secret"\n'), tmp_path)
    with pytest.raises(SettingsError) as refusal:
        settings.relay()
    assert str(refusal.value).startswith(f"settings {tmp_path / 'vigil.toml'}: [mail]: password_file: ")
    assert said in str(refusal.value)


def test_without_a_login_there_is_none(tmp_path: Path) -> None:
    relay = parse(GOOD, tmp_path).relay()
    assert (relay.host, relay.port, relay.username, relay.password) == ("smtp.example.org", 587, "", "")
    assert "SMTP_PASSWORD" not in os.environ
