"""Whatever can be stored can be judged: no rule of a shipped book raises, and no answer is without words or anchors."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.evaluate import evaluate
from rules.hit import Answer
from rules.reading import read_record
from rules.records import DOMAINS, PLACES, Feed, Participant, StudyView
from rules.rulebook import load_rulebook

BOOKS = [load_rulebook(name) for name in ("low_dose_il2_sle", "cdisc_pilot", "sdtm_example")]

dates = st.sampled_from(
    ["", "2026", "2026-01", "2026-01-05", "2026-01-05T09:00", "2026-02-28", "2026-03-29T02:30", "2041-01-01",
     "1850-01-01", "2199-12-31T23:59", "9999-12-31", "0001-01-01", "05JAN2026"]
)  # fmt: skip
answers = st.sampled_from(["Y", "N", "y", "", "U", "YES", "是", " Y "])
results = st.sampled_from(
    [
        "",
        "0",
        "88",
        "20",
        "49",
        "120",
        "160",
        "<10",
        ">200",
        "<=50",
        "1e69",
        "1e-75",
        "clumped",
        "1,2",
        "-5",
        "NaN",
        "３８",
    ]
)
units = st.sampled_from(["", "10^9/L", "g/L", "mmol/L", "umol/L", "mg/dL", "U/L", "mIU/L", "/uL", "g/24h", "%"])
limits = st.sampled_from(["", "0", "5", "40", "150", "x"])
tests = st.sampled_from(
    [
        "PLAT",
        "NEUT",
        "WBC",
        "LYM",
        "HGB",
        "ALT",
        "AST",
        "BILI",
        "ALP",
        "CREAT",
        "EOS",
        "CK",
        "LIPASE",
        "TSH",
        "plat ",
        "XXX",
        "",
    ]
)
terms = st.sampled_from(["Pneumonia", "带状疱疹", "", "no infection", "*", "A" * 300, "荨麻疹", "Seizure; lymphoma"])
medications = st.sampled_from(
    ["", "Rituximab", "头孢曲松", "Methylprednisolone", "MMR vaccine", "Herbal tea", "uncoded"]
)
routes = st.sampled_from(["", "ORAL", "外用", "IV", "ORAL, TOPICAL", "x"])


def rows(**columns: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.lists(st.fixed_dictionaries(columns), max_size=5)


def doses(domain: str) -> st.SearchStrategy[list[dict[str, str]]]:
    moods = st.sampled_from(["", "SCHEDULED", "planned"])
    amounts = st.sampled_from(["", "0", "1", "2", "100", "1000000", "-1", "x", "1e400"])
    multiples = st.sampled_from(["", "MIU", "万IU", "10^6 IU", "mIU", "mg"])
    told = {
        "OCCUR": answers,
        "PRESP": answers,
        "MOOD": moods,
        "DOSE": amounts,
        "DOSU": multiples,
        "STDTC": dates,
        "ENDTC": dates,
    }
    return rows(**{f"{domain}{name}": values for name, values in told.items()})


trials = st.fixed_dictionaries(
    {
        "DM": st.lists(
            st.fixed_dictionaries({"RFSTDTC": dates, "RFXSTDTC": dates, "DTHFL": answers, "DTHDTC": dates}), max_size=1
        ),
        "AE": rows(
            AETERM=terms, AESOC=st.sampled_from(["", "UNCODED", "Infections and infestations", "Cardiac disorders"]),
            AESER=answers, AESHOSP=answers, AESDTH=answers, AEOUT=st.sampled_from(["", "FATAL", "死亡", "RECOVERED"]),
            AEDECOD=st.sampled_from(["", "URTICARIA", "uncoded"]),
            AEREL=st.sampled_from(["", "NOT RELATED", "RELATED"]), AESCAN=answers, AESOD=answers,
            AEACN=st.sampled_from(["", "DRUG WITHDRAWN", "x"]),
            AETOXGR=st.sampled_from(["", "3", "5.0", "Grade 4", "x"]), AESTDTC=dates, AEDTC=dates,
            AEENDTC=dates, AESEV=st.sampled_from(["", "MILD", "severe", "中度", "x"]),
            AESPID=st.sampled_from(["", "E1", "E2"]),
        ),
        "LB": rows(
            LBTESTCD=tests, LBSPEC=st.sampled_from(["", "BLOOD", "URINE"]),
            LBORRES=results, LBORRESU=units, LBORNRLO=limits, LBORNRHI=limits, LBDTC=dates,
            LBSTRESC=results, LBSTRESU=units, LBSTAT=st.sampled_from(["", "NOT DONE"]), LBBLFL=answers,
        ),
        "EC": doses("EC"),
        "EX": doses("EX"),
        "DS": rows(DSDECOD=st.sampled_from(["", "DEATH", "COMPLETED"]), DSCAT=terms, DSSTDTC=dates),
        "VS": rows(
            VSTESTCD=st.sampled_from(["TEMP", "WEIGHT", "SYSBP", "OXYSAT"]),
            VSORRES=st.one_of(results, st.sampled_from(["38.6", "38.2", "36.6", ">38.3", "101.5"])),
            VSORRESU=st.sampled_from(["C", "F", "kg", "LB", "mmHg", "%", ""]), VSDTC=dates,
        ),
        "EG": rows(
            EGTESTCD=st.sampled_from(["QTCF", "QTCB"]), EGORRES=results,
            EGORRESU=st.sampled_from(["ms", "s", ""]), EGDTC=dates,
        ),
        "QS": rows(QSTESTCD=st.sampled_from(["SLEDAI", "SLEDAI2K"]), QSORRES=results, QSDTC=dates),
        "CM": rows(
            CMTRT=medications, CMDECOD=medications, CMCLAS=medications, CMINDC=terms, CMROUTE=routes,
            CMOCCUR=answers, CMSTDTC=dates, CMENDTC=dates,
        ),
        "MH": rows(MHTERM=terms, MHSTDTC=dates),
        "HO": rows(
            HOTERM=st.sampled_from(["", "Hospital admission", "outpatient clinic", "住院", "门诊急诊", "*", "A" * 300]),
            HODECOD=st.sampled_from(["", "HOSPITAL", "ICU", "CLINIC"]), HOOCCUR=answers, HOSTDTC=dates, HOENDTC=dates,
        ),
        "IE": rows(
            IETESTCD=st.sampled_from(["", "EXCL01", "INCL01"]), IETEST=terms, IEORRES=answers, IESTRESC=answers,
            IECAT=st.sampled_from(["", "INCLUSION", "exclusion", "x"]), IEDTC=dates,
        ),
    }
)  # fmt: skip


def participant(trial: dict[str, list[dict[str, str]]]) -> Participant:
    rooms: dict[str, object] = {}
    version = 0
    for domain, given_rows in trial.items():
        for row in given_rows:
            version += 1
            values = {"USUBJID": "P1", **row}
            event_key = f"P1|{row['AESPID']}" if row.get("AESPID") else ""
            record = read_record(domain, values, version=version, key=f"{domain}{version}", event_key=event_key)
            if domain == "DM":
                rooms["subject"] = record
            else:
                rooms[PLACES[domain]] = (*rooms.get(PLACES[domain], ()), record)
    return Participant(usubjid="P1", **rooms)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(trials, st.sampled_from(BOOKS), st.sampled_from(["Asia/Shanghai", "America/Havana", "Asia/Beirut"]))
def test_every_rule_answers_whatever_the_rows_say(trial, book, zone):
    view = StudyView(participants=(participant(trial),), feed=Feed(domains=frozenset(DOMAINS)))
    evaluation = evaluate(book, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo(zone))
    assert evaluation.failures == ()
    assert all(said.summary and said.reason and said.anchors for said in evaluation.judgements)
    serious = {j.scope for j in evaluation.judgements if j.rule_id == "SAE-01" and j.answer is Answer.HIT}
    said_y = {
        f"P1|{row['AESPID']}" if row["AESPID"] else number
        for number, row in enumerate(trial["AE"])
        if "Y" in (row["AESER"].strip().upper(), row["AESDTH"].strip().upper())
    }
    assert len(serious) >= len(said_y)  # whatever else their rows hold
