"""The script of the demonstration: what goes wrong at the source, when and with whom, and what vigil must make of it.

Data only: `monitor.demo.stage` puts it on a cohort, `monitor.demo.verdict` holds the ledger against it.
"""

from collections.abc import Mapping

from alerts.decide import CALLING, Action
from monitor.demo.bedside import at_the_bed, encounter, failed_criterion, medication
from monitor.demo.cohort import GENERAL, INFECTIONS, adverse_event
from monitor.demo.incident import Change, Incident, Must, Never


def _event(term: str, decod: str, soc: str, onset: int, told: int, **values: str) -> dict[str, str]:
    """Return an AE row that began on one study day and was told of on another."""
    return adverse_event("S01", term, decod, soc, aestdtc=f"@{onset}", aedtc=f"@{told}", **values)


def _result(visit: str, code: str, value: str, day: int, until: int | None = None) -> Change:
    """Return another value for a result of a planned visit, shown from the day of the visit."""
    values = {"LBORRES": value, "LBSTRESC": value, "LBSTRESN": value}
    return Change(domain="LB", day=day, until=until, where={"VISIT": visit, "LBTESTCD": code}, values=values)


def _missed(dose: str, day: int, why: str) -> Change:
    """Return a planned dose that was recorded as not given."""
    values = {"ECOCCUR": "N", "ECREASOC": why, "ECDOSE": "", "ECDOSU": "", "ECROUTE": ""}
    return Change(domain="EC", day=day, where={"ECSPID": dose}, values=values)


def _row(domain: str, day: int, values: Mapping[str, str], until: int | None = None) -> Change:
    """Return a row more."""
    return Change(domain=domain, day=day, until=until, values=values)


def _measured(degrees: str, day: int, at: str) -> tuple[Change, ...]:
    """Return a temperature between visits, and what is measured with it."""
    when = {"VISIT": "UNSCHEDULED", "VSDTC": f"@{day}T{at}"}
    return tuple(_row("VS", day, values | when) for values in at_the_bed(degrees))


def _admitted(day: int, until: int | None = None) -> Change:
    """Return an admission, which goes on when it is entered."""
    return _row("HO", day, encounter("H90", "住院", hostdtc=f"@{day}"), until)


def _leukopenic(who: int) -> Incident:
    return Incident(
        title="Leukopenic at baseline",
        who=who,
        day=1,
        at_source="white cells below the range from screening on, swinging with the cycle",
        vigil="stay silent: it is history, not news",
        never=(Never(rules=("CYT-",), day=-7),),
    )


LEUKOPENIC = (6, 8, 9)

SCRIPT: tuple[Incident, ...] = (
    Incident(
        title="There before the first look",
        who=1,
        day=1,
        at_source="踝部骨折 (ankle fracture) in screening, AESER = Y, AESHOSP = Y",
        vigil="tell it in the digest of the first sweep",
        must=(Must(rule="SAE-01", day=1),),
        changes=(
            Change(
                domain="AE",
                day=-3,
                values=_event(
                    "踝部骨折", "Ankle fracture", "Injury, poisoning and procedural complications", -4, -3,
                    aesev="MODERATE", aetoxgr="2", aeser="Y", aeshosp="Y", aerel="NOT RELATED",
                ),
            ),
            _admitted(-3),
        ),
    ),
    *(_leukopenic(who) for who in LEUKOPENIC),
    Incident(
        title="Fever after an injection",
        who=2,
        day=5,
        at_source="注射后发热 (pyrexia) in the evening of a dose, gone the next day",
        vigil="stay silent: drug fever is no infection",
        never=(Never(rules=("INF-", "SAE-"), day=5),),
        changes=(
            Change(domain="AE", day=5, until=6, values=_event("注射后发热", "Pyrexia", GENERAL, 5, 5)),
            Change(
                domain="AE",
                day=6,
                values=_event("注射后发热", "Pyrexia", GENERAL, 5, 5, aeendtc="@6", aeout="RECOVERED/RESOLVED"),
            ),
            *_measured("38.8", 5, "19:30"), *_measured("36.7", 6, "07:00"),
        ),
    ),
    Incident(
        title="One missed dose",
        who=3,
        day=7,
        at_source="ECOCCUR = N on one planned day",
        vigil="tell the one missed dose, and no more than one",
        must=(Must(rule="DOS-01", day=7),),
        never=(Never(rules=("DOS-02",), day=1),),
        changes=(_missed("C1D7", 7, "未能到院 (could not come)"),),
    ),
    Incident(
        title="Herpes zoster",
        who=4,
        day=10,
        at_source="带状疱疹 (zoster), not serious, with valaciclovir",
        vigil="tell the infection of special interest, and that it is treated; no serious event",
        must=(Must(rule="INF-02", day=10), Must(rule="INF-04b", day=10)),
        never=(Never(rules=("SAE-", "INF-01"), day=1),),
        changes=(
            Change(
                domain="AE",
                day=10,
                values=_event("带状疱疹", "Herpes zoster", INFECTIONS, 9, 10, aesev="MODERATE", aetoxgr="2"),
            ),
            _row("CM", 10, medication("C90", "盐酸伐昔洛韦", "Valaciclovir", "Antivirals for systemic use", "带状疱疹",
                                      cmstdtc="@10")),
        ),
    ),
    Incident(
        title="Wrong unit",
        who=5,
        day=15,
        at_source="platelets of week 2 as 0.21 %: it is the plateletcrit; put right five days later",
        vigil="say that it cannot tell, alarm nobody, and take that back when put right",
        must=(
            Must(rule="CYT-02", day=15, actions=frozenset({Action.CANNOT_TELL}), told=False),
            Must(rule="CYT-02", day=20, actions=frozenset({Action.RESOLVE}), told=False),
        ),
        never=(Never(rules=("CYT-",), day=1),),
        changes=(
            Change(
                domain="LB",
                day=15,
                until=20,
                where={"VISIT": "WEEK 2", "LBTESTCD": "PLAT"},
                values={"LBORRES": "0.21", "LBSTRESC": "0.21", "LBSTRESN": "0.21", "LBORRESU": "%", "LBSTRESU": "%"},
            ),
        ),
    ),
    Incident(
        title="A count that falls, then recovers",
        who=10,
        day=15,
        at_source="neutrophils 0.88 in week 2, 0.46 in week 4, then 1.70 and 2.90; none is repeated within days",
        vigil=(
            "tell the fall, that it was not repeated, that it is worse, that it goes on although a person closed it; "
            "write when it is over"
        ),
        must=(
            Must(rule="CYT-01", day=15), Must(rule="CYT-01", day=29), Must(rule="CYT-03", day=15),
            Must(rule="LAB-03", day=20), Must(rule="LAB-03", day=29, actions=frozenset({Action.RECOVERED})),
            Must(rule="LAB-03", day=34),
            Must(rule="CYT-01", day=43, actions=frozenset({Action.REOPEN})),
            Must(rule="CYT-01", day=57, actions=frozenset({Action.RECOVERED}), told=False),
        ),
        never=(Never(rules=("CYT-01",), day=46, actions=CALLING | {Action.RETRACT}),),
        changes=(
            _result("WEEK 2", "NEUT", "0.88", 15), _result("WEEK 2", "WBC", "2.74", 15),
            _result("WEEK 4", "NEUT", "0.46", 29), _result("WEEK 4", "WBC", "2.33", 29),
            _result("WEEK 6", "NEUT", "1.70", 43), _result("WEEK 6", "WBC", "3.62", 43),
            _result("WEEK 8", "NEUT", "2.90", 57), _result("WEEK 8", "WBC", "4.88", 57),
        ),
    ),
    Incident(
        title="Platelets of grade 3, corrected",
        who=7,
        day=71,
        at_source="platelets 38 in week 10; four days later the entry is corrected to 238",
        vigil="tell the fall at once, then tell the correction",
        must=(Must(rule="CYT-02", day=71), Must(rule="CYT-02", day=75, actions=frozenset({Action.RETRACT}))),
        never=(Never(rules=("CYT-02",), day=76),),
        changes=(_result("WEEK 10", "PLAT", "38", 71, 75), _result("WEEK 10", "PLAT", "238", 75)),
        on_hold_until=75,
    ),
    Incident(
        title="Pneumonia with admission",
        who=11,
        day=66,
        at_source="肺炎 (pneumonia), AESER = Y, AESHOSP = Y; nobody enters that it was reported",
        vigil="tell the serious event and the serious infection at once, then that the time to report it is over",
        must=(Must(rule="SAE-01", day=66), Must(rule="INF-01", day=66), Must(rule="SAE-03", day=68)),
        unreported=True,
        changes=(
            Change(
                domain="AE",
                day=66,
                values=_event(
                    "肺炎", "Pneumonia", INFECTIONS, 65, 66, aesev="SEVERE", aetoxgr="3", aeser="Y", aeshosp="Y",
                    aeacn="DRUG INTERRUPTED",
                ),
            ),
            _admitted(66),
            _row("CM", 66, medication("C90", "头孢曲松钠", "Ceftriaxone", "Antibacterials for systemic use", "肺炎",
                                      cmroute="INTRAVENOUS", cmstdtc="@66")),
        ),
    ),
    Incident(
        title="Consecutive missed doses",
        who=12,
        day=61,
        at_source="ECOCCUR = N on three planned days in a row",
        vigil="tell each missed dose, and the row of them once",
        must=(Must(rule="DOS-01", day=61), Must(rule="DOS-01", day=63), Must(rule="DOS-02", day=63)),
        changes=(_missed("C3D5", 61, "感冒 (a cold)"), _missed("C3D7", 63, "感冒"), _missed("C3D9", 65, "感冒")),
    ),
    Incident(
        title="AESER = N, and admitted",
        who=13,
        day=98,
        at_source="狼疮加重 (lupus flare), AESER = N, AESHOSP = Y",
        vigil="tell it as serious, and that AESER disagrees",
        must=(Must(rule="SAE-01", day=98), Must(rule="SAE-02", day=98)),
        never=(Never(rules=("INF-",), day=1),),
        changes=(
            Change(
                domain="AE",
                day=98,
                values=_event(
                    "狼疮加重", "Systemic lupus erythematosus", "Musculoskeletal and connective tissue disorders",
                    96, 98, aesev="MODERATE", aetoxgr="2", aeshosp="Y",
                ),
            ),
            _admitted(98),
        ),
    ),
    Incident(
        title="An event withdrawn at source",
        who=14,
        day=85,
        at_source="syncope, AESER = Y; five days later the row is gone: entered for the wrong person",
        vigil="tell it, then tell that it was withdrawn",
        must=(Must(rule="SAE-01", day=85), Must(rule="SAE-01", day=90, actions=frozenset({Action.RETRACT}))),
        changes=(
            Change(
                domain="AE",
                day=85,
                until=90,
                values=_event("Syncope", "Syncope", "Nervous system disorders", 84, 85, aetoxgr="3", aeser="Y",
                              aeshosp="Y"),
            ),
            _admitted(85, until=90),
        ),
    ),
    Incident(
        title="Late entry for a past date",
        who=16,
        day=108,
        at_source="neutrophils 0.41 of study day 64 entered on day 108, behind normal ones",
        vigil="tell the nadir, although the last value is normal, and that it was repeated too late",
        must=(Must(rule="CYT-01", day=108), Must(rule="LAB-03", day=108)),
        changes=(
            Change(
                domain="LB",
                day=108,
                values={
                    "LBTESTCD": "NEUT", "LBTEST": "Neutrophils", "LBSPEC": "BLOOD", "LBORRES": "0.41",
                    "LBORRESU": "10^9/L", "LBORNRLO": "1.8", "LBORNRHI": "6.3", "LBSTRESC": "0.41", "LBSTRESN": "0.41",
                    "LBSTRESU": "10^9/L", "LBSTNRLO": "1.8", "LBSTNRHI": "6.3", "VISITNUM": "11.1",
                    "VISIT": "UNSCHEDULED 11.1", "LBDTC": "@64T09:20",
                },
            ),
        ),
    ),
    Incident(
        title="Treatment discontinued",
        who=18,
        day=36,
        at_source="consent withdrawn in mid-cycle (DS); no dose is entered after it",
        vigil="stay silent: no dose is expected any more",
        never=(Never(rules=("DOS-",), day=1),),
        changes=(
            Change(
                domain="DS",
                day=36,
                values={
                    "DSTERM": "撤回知情同意", "DSDECOD": "WITHDRAWAL BY SUBJECT", "DSCAT": "DISPOSITION EVENT",
                    "DSSCAT": "STUDY TREATMENT", "DSSTDTC": "@36",
                },
            ),
        ),
        stops=True,
    ),
    Incident(
        title="A cold, and feeling cold",
        who=19,
        day=12,
        at_source="上呼吸道感染 (URTI), mild; 怕冷 (feeling cold), uncoded",
        vigil="stay silent: one is not serious, the other no infection",
        never=(Never(rules=("INF-", "SAE-"), day=1),),
        changes=(
            Change(
                domain="AE",
                day=12,
                values=_event("上呼吸道感染", "Upper respiratory tract infection", INFECTIONS, 11, 12),
            ),
            Change(domain="AE", day=14, values=_event("怕冷", "", "", 14, 14) | {"AESPID": "S02"}),
        ),
    ),
    Incident(
        title="Fever in the rest phase",
        who=20,
        day=22,
        at_source="38.9 C a week after the last dose of the cycle; 36.8 C three days later",
        vigil="tell the fever that no dose explains, and routinely that it is over",
        must=(Must(rule="INF-03", day=22), Must(rule="INF-03", day=25, actions=frozenset({Action.RECOVERED}))),
        never=(Never(rules=("INF-01", "INF-02", "SAE-"), day=1),),
        changes=(*_measured("38.9", 22, "15:30"), *_measured("36.8", 25, "09:00")),
    ),
    Incident(
        title="A live vaccine",
        who=21,
        day=33,
        at_source="带状疱疹减毒活疫苗 (live zoster vaccine) between two doses",
        vigil="tell the prohibited medication; a vaccine is no infection",
        must=(Must(rule="CM-01", day=33),),
        never=(Never(rules=("INF-",), day=1),),
        changes=(
            _row("CM", 33, medication("C90", "带状疱疹减毒活疫苗", "Zoster vaccine live", "Viral vaccines", "预防接种",
                                      cmroute="SUBCUTANEOUS", cmstdtc="@33", cmendtc="@33")),
        ),
    ),
    Incident(
        title="Admitted, and no serious event",
        who=17,
        day=40,
        at_source="住院 (admission) in HO; no adverse event is entered",
        vigil="tell the admission that nothing accounts for",
        must=(Must(rule="HO-01", day=40),),
        never=(Never(rules=("SAE-",), day=1),),
        changes=(_admitted(40),),
    ),
    Incident(
        title="Dosed although excluded",
        who=22,
        day=9,
        at_source="a PPD of more than 10 mm, read in screening, is entered in IE after four doses",
        vigil="tell the criterion, and that dosing is to be held; nothing of who failed screening",
        must=(Must(rule="ELG-01", day=9),),
        never=(Never(rules=("SAE-", "INF-"), day=1),),
        changes=(_row("IE", 9, failed_criterion("EXCL05", iedtc="@-5")),),
    ),
    Incident(
        title="Liver: potential Hy's law",
        who=15,
        day=57,
        at_source=(
            "ALT 168 and bilirubin 58 in week 8, alkaline phosphatase stays normal; the next dose is given before "
            "anybody has released the hold, which is done in the evening"
        ),
        vigil=(
            "tell it at once, although ALT alone would not be told; tell that dose, and none after the release; tell "
            "that the liver tests were not repeated"
        ),
        must=(Must(rule="HEP-01", day=57), Must(rule="DOS-05", day=59), Must(rule="LAB-04", day=62)),
        never=(Never(rules=("HEP-02",), day=1), Never(rules=("DOS-05",), day=61)),
        on_hold_until=59,
        changes=(_result("WEEK 8", "ALT", "168", 57), _result("WEEK 8", "BILI", "58.0", 57)),
    ),
    Incident(
        title="A repeated export",
        who=None,
        day=12,
        at_source="the files of the export before, once more",
        vigil="decide nothing",
        never=(Never(rules=("",), day=12, until=13, actions=frozenset(Action)),),
        fault="repeated",
    ),
    Incident(
        title="A half-written file",
        who=None,
        day=18,
        at_source="lb.csv ends in the middle of a row",
        vigil="tell the operator; withdraw nothing",
        must=(Must(rule="FEED-", day=18),),
        fault="half-written",
    ),
    Incident(
        title="An older export comes back",
        who=None,
        day=26,
        at_source="the files of ten days ago, restored with their dates",
        vigil="tell the operator; withdraw nothing",
        must=(Must(rule="FEED-", day=26),),
        fault="older",
    ),
)  # fmt: skip

NORMAL = frozenset({5, 7, 10, 16})
"""The participants whose counts the script lets fall: they start with normal ones."""
