"""What mails are made of in tests: a small rulebook, an audience, decisions; and the golden mails."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from alerts.audience import Audience
from alerts.compose import compose, compose_daily, compose_failure, compose_refused, compose_test
from alerts.daily_mail import DailyFacts, Untold
from alerts.decide import Action, Decision, SavedDecision, Sight, Standing, StandingAlert, decide
from alerts.message import Mail
from rules.hit import Answer, Consequence, Evidence, Failure, Judgement, Urgency
from rules.rulebook import Header, Rule, Rulebook

NOW = datetime(2014, 3, 12, 19, 5, tzinfo=UTC)  # 03:05 the next morning where the study is
OFFICER = "officer@hospital.example"
DEPUTY = "deputy@hospital.example"
OPERATOR = "operator@hospital.example"

AUDIENCE = Audience(
    study="IL2-SLE",
    title="Low-dose IL-2 treatment in SLE (synthetic)",
    sender="vigil@hospital.example",
    officers={Urgency.IMMEDIATE: (OFFICER,), Urgency.SAME_DAY: (OFFICER,), Urgency.ROUTINE: (DEPUTY,)},
    operators=(OPERATOR,),
    timezone="Asia/Shanghai",
)


def _rule(number: str, title: str, urgency: Urgency, action: str, **others: object) -> Rule:
    return Rule.model_validate(
        {
            "id": number,
            "title": title,
            "kind": "serious_event",
            "protocol_section": "section 8.2",
            "urgency": urgency,
            "action": action,
            **others,
        }
    )


RULEBOOK = Rulebook(
    header=Header(name="low-dose-il2-sle", version="1.0", title="Low-dose IL-2", ctcae="5.0", zero_dose="not-given"),
    dosing=None,
    rules=(
        _rule(
            "SAE-01",
            "Serious adverse event",
            Urgency.IMMEDIATE,
            "Confirm with the site now; the investigator reports to the sponsor within 24 hours.",
        ),
        _rule(
            "CYT-02",
            "Platelet fall",
            Urgency.IMMEDIATE,
            "Hold the next dose, repeat the count within 24 hours, look for bleeding.",
            protocol_choice=True,
        ),
        _rule("HEP-02", "ALT or AST rise", Urgency.SAME_DAY, "Repeat liver tests within 72 hours."),
        _rule("DOS-01", "Planned dose missed", Urgency.ROUTINE, "Ask the site why; the dose is not made up."),
        _rule("FEED-01", "Source trouble", Urgency.SAME_DAY, "Ask the data manager.", audience="operator"),
    ),
    whens={},
    text="[rulebook]\n",
)

PLATELETS = Judgement(
    rule_id="CYT-02",
    usubjid="SLE-017",
    scope="PLAT",
    anchors=frozenset({"PLAT 2014-03-12"}),
    answer=Answer.HIT,
    summary="Platelets 28 x 10^9/L, grade 3, 79 % below baseline",
    reason="grade 3 where baseline was grade 0, and a fall of 79 % from baseline 132",
    urgency=Urgency.IMMEDIATE,
    consequence=Consequence.HOLD,
    grade=3,
    ctcae="5.0",
    circumstances=("study day 10", "cycle 1, dosing phase", "1 day after the last dose"),
    evidence=(
        Evidence(
            domain="LB",
            key="SLE-017|PLAT|BLOOD|2014-02-24T08:10|BASELINE",
            version=411,
            values=(
                ("lbtestcd", "PLAT"),
                ("lborres", "132"),
                ("lborresu", "10^9/L"),
                ("lbornrlo", "125"),
                ("lbornrhi", "350"),
                ("lbdtc", "2014-02-24T08:10"),
                ("visit", "BASELINE"),
                ("atoxgrl", "0"),
            ),
        ),
        Evidence(
            domain="LB",
            key="SLE-017|PLAT|BLOOD|2014-03-12T07:55|WEEK 2",
            version=902,
            values=(
                ("lbtestcd", "PLAT"),
                ("lborres", "28"),
                ("lborresu", "10^9/L"),
                ("lbornrlo", "125"),
                ("lbornrhi", "350"),
                ("lbdtc", "2014-03-12T07:55"),
                ("visit", "WEEK 2"),
                ("base", "132"),
                ("chg", "-104"),
                ("pchg", "-79"),
                ("atoxgrl", "3"),
            ),
        ),
    ),
)

PNEUMONIA = Judgement(
    rule_id="SAE-01",
    usubjid="SLE-023",
    scope="SLE-023|E04",
    anchors=frozenset({"SLE-023|E04"}),
    answer=Answer.HIT,
    summary="Serious adverse event: 社区获得性肺炎 (community-acquired pneumonia)",
    reason="AESER = Y, AESHOSP = Y (needs or prolongs hospitalisation)",
    urgency=Urgency.IMMEDIATE,
    grade=3,
    evidence=(
        Evidence(
            domain="AE",
            key="SLE-023|E04|2014-03-12",
            version=950,
            values=(
                ("aeterm", "社区获得性肺炎"),
                ("aedecod", "Pneumonia"),
                ("aebodsys", "Infections and infestations"),
                ("aesev", "SEVERE"),
                ("aeser", "Y"),
                ("aeshosp", "Y"),
                ("aestdtc", "2014-03 (day unknown)"),
                ("aeout", "NOT RECOVERED/NOT RESOLVED"),
            ),
        ),
    ),
)

LIVER = replace(
    PLATELETS,
    rule_id="HEP-02",
    usubjid="SLE-008",
    scope="ALT",
    summary="ALT 260 U/L, more than 5 x ULN",
    reason="6.5 x ULN",
    urgency=Urgency.SAME_DAY,
    consequence=Consequence.WATCH,
    evidence=(),
)
MISSED = replace(
    LIVER,
    rule_id="DOS-01",
    usubjid="SLE-002",
    scope="2014-03-09",
    summary="The dose planned for 2014-03-09 was not given",
    reason="ECOCCUR = N",
    urgency=Urgency.ROUTINE,
    grade=None,
    evidence=(
        Evidence(
            domain="EC",
            key="SLE-002|2014-03-09",
            version=77,
            values=(("ecpresp", "Y"), ("ecoccur", "N"), ("ecstdtc", "2014-03-09")),
        ),
    ),
)
STALE = replace(
    LIVER,
    rule_id="FEED-01",
    usubjid="",
    scope="stale",
    summary="No new data for 3 days",
    reason="the source brought nothing new since 2014-03-09",
    grade=None,
)


def saved(
    judgement: Judgement,
    action: Action = Action.NOTIFY,
    *,
    number: int = 17,
    alert: StandingAlert | None = None,
    reason: str = "",
    told: bool = True,
    at_first_sight: bool = False,
) -> SavedDecision:
    """A decision as the ledger gives it back; its alert has the same number, its hash is recognisable."""
    decision = Decision(
        action=action,
        reason=reason or judgement.reason,
        judgement=judgement,
        alert=alert,
        told=told,
        at_first_sight=at_first_sight,
    )
    has_alert = action not in {Action.CANNOT_TELL, Action.HOLD_BACK}
    return SavedDecision(
        decision=decision,
        id=number + 1000,
        alert_id=number if has_alert else None,
        seq=number + 40,
        hash=sha256(b"%d" % number).hexdigest(),
    )


def standing(judgement: Judgement, number: int = 17, state: str = "open") -> StandingAlert:
    """The alert that a judgement was told as."""
    return StandingAlert(
        id=number,
        rule_id=judgement.rule_id,
        usubjid=judgement.usubjid,
        scope=judgement.scope,
        anchors=judgement.anchors,
        state=state,
        standing=True,
        summary=judgement.summary,
        grade=judgement.grade,
        urgency=judgement.urgency,
        consequence=judgement.consequence,
        evidence=judgement.evidence,
        opened_at=NOW - timedelta(days=3),
    )


def mails_of(*decisions: SavedDecision, audience: Audience = AUDIENCE, **others: object) -> tuple[Mail, ...]:
    """Compose the mails of some decisions."""
    given = {"failures": (), "open_alerts": (), "rulebook": RULEBOOK, "now": NOW, **others}
    return compose(decisions, audience=audience, **given)


def first_sweep(count: int) -> tuple[SavedDecision, ...]:
    """What a first sweep of an old study finds: hits of three rules in a third as many participants."""
    kinds = (PLATELETS, LIVER, MISSED)
    return tuple(
        saved(
            replace(kinds[number % 3], usubjid=f"SLE-{1 + number // 3:03}"),
            number=number + 1,
            reason=f"present at first sweep: {kinds[number % 3].reason}",
            at_first_sight=True,
        )
        for number in range(count)
    )


def corrected_platelets() -> tuple[Judgement, str]:
    """The platelet count after the site corrected it, and the reason of the amendment."""
    baseline, low = PLATELETS.evidence
    values = tuple(
        (name, {"lborres": "48", "chg": "-84", "pchg": "-64"}.get(name, value)) for name, value in low.values
    )
    now = replace(
        PLATELETS,
        summary="Platelets 48 x 10^9/L, grade 3, 64 % below baseline",
        evidence=(baseline, replace(low, version=1203, values=values)),
    )
    return now, f"corrected at source: LB record {low.key}: lborres 48, was 28; chg -84, was -104; pchg -64, was -79"


def retracted(now: Mapping[str, str], answer: Answer, why: str = "") -> SavedDecision:
    """What is decided when the platelet count that was told says something else now, and is no hit any more."""
    low = PLATELETS.evidence[1]
    sight = Sight(usubjids=frozenset({PLATELETS.usubjid}), rule_ids=frozenset({PLATELETS.rule_id}))
    said = [replace(PLATELETS, answer=answer, reason=why, told=False)] if why else []
    before = Standing(alerts=(standing(PLATELETS),), current={(low.domain, low.key): now})
    made = next(one for one in decide(said, before, sight) if one.action is Action.RETRACT)
    return replace(saved(PLATELETS, Action.RETRACT), decision=made)


def recovered() -> SavedDecision:
    """What is decided when a later platelet count ends the episode."""
    later = replace(PLATELETS, recovery="recovered: Platelets 141 x 10^9/L on 2014-03-20")
    return saved(later, Action.RECOVERED, number=12, alert=standing(PLATELETS, 12), reason=later.recovery)


def resolved() -> SavedDecision:
    """What is decided when an event that was told as not evaluable has been coded."""
    key = ("SAE-01", "SLE-023", "SLE-023|E04")
    before = Standing(
        answers={key: (Answer.NOT_EVALUABLE, "not coded")}, told_blind={key: "Cannot tell (Pregnancy): 急性胰腺炎"}
    )
    (made,) = decide((), before, Sight(usubjids=frozenset({key[1]}), rule_ids=frozenset({key[0]})))
    return replace(saved(made.judgement, Action.RESOLVE, number=33), decision=made, alert_id=None)


def day_facts() -> DailyFacts:
    """A day with something in everything."""
    return DailyFacts(
        since=NOW - timedelta(days=1),
        sweeps_done=95,
        sweeps_failed=1,
        last_done=NOW - timedelta(minutes=5),
        last_error="OSError: the incoming folder cannot be read\nsecond line that must not go out",
        rows={"unchanged": 120000, "new": 240, "changed": 12, "rejected": 1, "withdrawn": 2},
        actions={"notify": 3, "amend": 1, "acknowledge": 2},
        alerts={(Urgency.IMMEDIATE, "open"): 1, (Urgency.SAME_DAY, "acknowledged"): 2},
        mails_owed=2,
        oldest_owed=NOW - timedelta(hours=2),
        mails_dead=1,
        mails_dead_new=1,
        not_evaluable={"CYT-02": 4},
        failures={"HEP-02": 2},
        untold=tuple(
            Untold(saved=one, decided_at=NOW - timedelta(hours=9), rulebook_sha256=RULEBOOK.sha256)
            for one in (saved(MISSED), recovered(), resolved())
        ),
        open_alerts=(standing(PLATELETS, 12),),
        head=(4711, "ab" * 32),
    )


def golden_mails() -> dict[str, Mail]:
    """Every sort of mail, by the name of its golden files."""
    corrected, why = corrected_platelets()
    others = (standing(PLATELETS), standing(LIVER, 9), standing(replace(LIVER, usubjid="SLE-017"), 12, "acknowledged"))
    withdrawn = replace(PNEUMONIA, answer=Answer.CLEAR, reason="")
    blind = replace(
        PNEUMONIA,
        answer=Answer.NOT_EVALUABLE,
        summary="Seriousness unknown: 社区获得性肺炎",
        reason="AESER is 'YES', neither Y nor N",
    )
    uncoded = replace(
        blind, summary="Cannot tell (Pregnancy): 急性胰腺炎", reason="not coded", consequence=Consequence.STOP
    )
    healthy = DailyFacts(since=NOW - timedelta(days=1), sweeps_done=96, last_done=NOW, head=(12, "cd" * 32))
    return {
        "alert_hold": mails_of(saved(PLATELETS), open_alerts=others)[0],
        "alert_serious": mails_of(saved(PNEUMONIA, number=23))[0],
        "alert_worse": mails_of(
            saved(PLATELETS, Action.RENOTIFY, alert=standing(PLATELETS), reason="grade 3, told before as grade 2")
        )[0],
        "amendment": mails_of(saved(corrected, Action.AMEND, alert=standing(PLATELETS), reason=why))[0],
        "retraction": mails_of(
            saved(
                withdrawn,
                Action.RETRACT,
                number=23,
                alert=standing(PNEUMONIA, 23),
                reason="withdrawn at source: AE record SLE-023|E04|2014-03-12",
            )
        )[0],
        "retraction_corrected": mails_of(retracted({"lborres": "128"}, Answer.CLEAR))[0],
        "retraction_blind": mails_of(retracted({"lborresu": ""}, Answer.NOT_EVALUABLE, "no unit"))[0],
        "cannot_tell": mails_of(saved(blind, Action.CANNOT_TELL, number=23))[0],
        "cannot_tell_stop": mails_of(saved(uncoded, Action.CANNOT_TELL, number=24))[0],
        "same_day": mails_of(saved(LIVER, number=31), saved(replace(LIVER, usubjid="SLE-011"), number=32))[0],
        "first_sweep": mails_of(*first_sweep(24))[0],
        "daily": compose_daily(AUDIENCE, day_facts(), RULEBOOK, NOW)[1],
        "daily_quiet": compose_daily(AUDIENCE, healthy, RULEBOOK, NOW)[0],
        "operator_rules_failed": mails_of(
            failures=[Failure(rule_id="CYT-02", usubjid="SLE-001", error="KeyError: 'PLACEBO'")]
        )[0],
        "operator_sweep_failed": compose_failure(AUDIENCE, NOW, "OSError: the incoming folder cannot be read")[0],
        "operator_refused": compose_refused(
            AUDIENCE,
            NOW,
            recipient=OFFICER,
            subject="[vigil IL2-SLE] immediate: 1 alert",
            reply="550 5.1.1 no such user",
        )[0],
        "test": compose_test(AUDIENCE, NOW)[0],
    }
