"""Lab codes that no test is known for: told once per study, a further one as news, forgotten by no partial sweep."""

from sqlmodel import select

from alerts.tables import Alert
from tests.trial import Trial, at

UNKNOWN = "FEED-05"


def trial_of_two(tmp_path, store) -> Trial:
    trial = Trial(tmp_path / "in", store)
    for who in ("SYN-001", "SYN-002"):
        trial.add("dm", USUBJID=who, RFSTDTC="2014-03-03")
        result(trial, who, "COLOR", "2014-03-03")
    return trial


def result(trial: Trial, who: str, code: str, on: str) -> dict[str, str]:
    return trial.add("lb", USUBJID=who, LBTESTCD=code, LBSPEC="URINE", LBORRES="YELLOW", LBDTC=on)


def said(trial: Trial) -> list[tuple[str, str]]:
    return [(d.action, d.reason) for d in trial.decisions() if d.rule_id == UNKNOWN]


def anchors(trial: Trial) -> list[str]:
    with trial.store.read() as session:
        return list(session.exec(select(Alert.anchors).where(Alert.rule_id == UNKNOWN)))


def test_a_code_is_told_once_and_a_further_one_is_news_of_the_same_alert(tmp_path, store):
    trial = trial_of_two(tmp_path, store)
    trial.sweep(at("2014-03-03", 2))
    assert [action for action, _ in said(trial)] == ["notify"]
    assert "COLOR in urine: 2 rows of 2 participants" in said(trial)[0][1]
    result(trial, "SYN-001", "COLOR", "2014-03-04")
    trial.sweep(at("2014-03-03", 3))
    assert len(said(trial)) == 1
    result(trial, "SYN-002", "TURBID", "2014-03-04")
    trial.sweep(at("2014-03-03", 4))  # sees one participant, and forgets nothing
    trial.sweep(at("2014-03-04", 4))  # sees everybody
    assert [action for action, _ in said(trial)] == ["notify", "notify again"]
    assert anchors(trial) == ['["COLOR in urine", "TURBID in urine"]']


def test_a_code_that_is_gone_everywhere_is_taken_back_by_the_next_full_sweep(tmp_path, store):
    trial = trial_of_two(tmp_path, store)
    trial.sweep(at("2014-03-03", 2))
    for row in trial.rows["lb"]:
        row.update(LBTESTCD="PLAT", LBSPEC="BLOOD", LBORRES="200", LBORRESU="10^9/L")
    trial.sweep(at("2014-03-03", 3))
    assert [action for action, _ in said(trial)] == ["notify"]
    trial.sweep(at("2014-03-04", 3))
    assert [action for action, _ in said(trial)] == ["notify", "retract"]
