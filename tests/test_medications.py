"""Groups of medications: what belongs by name, class and route, and what only sounds alike."""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.hit import Answer
from rules.medications import may_overlap, recognise_medication, vocabulary
from rules.records import DOMAINS, Feed, Medication, Participant, StudyView, Subject
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from rules.terms import Role, find, read_entries

BOOK = load_rulebook("low_dose_il2_sle").text
ANTIMICROBIAL = ("systemic-antimicrobial",)


def groups(text: str) -> set[str]:
    return {found.entry.group for found in find(vocabulary(), text)}


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Amoxicillin/clavulanate", "systemic-antimicrobial"),
        ("Ceftriaxone sodium", "systemic-antimicrobial"),
        ("左氧氟沙星片", "systemic-antimicrobial"),
        ("头孢曲松", "systemic-antimicrobial"),
        ("Azithromycin", "systemic-antimicrobial"),
        ("Valaciclovir", "systemic-antimicrobial"),
        ("伐昔洛韦", "systemic-antimicrobial"),
        ("Co-trimoxazole", "systemic-antimicrobial"),
        ("ANTIBACTERIALS FOR SYSTEMIC USE", "systemic-antimicrobial"),
        ("Yellow fever vaccine", "live-vaccine"),
        ("卡介苗", "live-vaccine"),
        ("Belimumab", "biologic"),
        ("泰它西普", "biologic"),
        ("Abatacept", "biologic"),
        ("Solu-Medrol", "pulse-steroid"),
        ("激素冲击治疗", "pulse-steroid"),
        ("碘普罗胺注射液", "iodinated-contrast"),
        ("Omnipaque 350", "iodinated-contrast"),
    ],
)
def test_a_medication_belongs_to_one_group(text, group):
    assert groups(text) == {group}


@pytest.mark.parametrize(
    "text",
    [
        "Omeprazole",
        "Hydroxychloroquine",
        "Cyclosporine",
        "环孢素",
        "Rapamycin",
        "博来霉素",
        "Prednisone",
        "Shingrix",
        "重组带状疱疹疫苗",
        "Influenza vaccine",
        "Gadolinium contrast agent",
        "钆对比剂",
        "红霉素眼膏",
        "",
    ],
)
def test_what_sounds_alike_belongs_to_none(text):
    assert not groups(text)


def test_the_vocabularies_are_sound():
    for entries in (vocabulary().entries, read_entries("routes.csv")):
        assert all(entry.words and entry.source for entry in entries)
        assert all(entry.group for entry in entries if entry.role is Role.TERM)
        assert [words for words, n in Counter(entry.words for entry in entries).items() if n > 1] == []
    lost = [e.term for e in vocabulary().entries if e.group and e.group not in groups(e.term.replace("*", "x"))]
    assert lost == []


@pytest.mark.parametrize(
    ("route", "belongs"),
    [
        ("ORAL", True),
        ("Intravenous drip", True),
        ("i.v.", True),
        ("口服", True),
        ("静脉滴注", True),
        ("TOPICAL", False),
        ("OPHTHALMIC", False),
        ("外用", False),
        ("RESPIRATORY (INHALATION)", False),
        ("", None),
        ("OTHER", None),
        ("ORAL, TOPICAL", None),
    ],
)
def test_an_antimicrobial_counts_where_its_route_is_systemic(route, belongs):
    row = Medication(cmtrt="Ciprofloxacin", cmroute=route)
    assert recognise_medication(row, ANTIMICROBIAL).belongs is belongs


def test_a_class_for_systemic_use_tells_the_route():
    row = Medication(cmtrt="Ciprofloxacin", cmclas="ANTIBACTERIALS FOR SYSTEMIC USE")
    assert recognise_medication(row, ANTIMICROBIAL).belongs is True


def test_a_class_tells_the_route_and_the_same_word_for_a_drug_does_not():
    assert recognise_medication(Medication(cmtrt="X", cmclas="INTERFERONS"), ("biologic",)).belongs is True
    assert recognise_medication(Medication(cmtrt="Interferon"), ("biologic",)).belongs is None
    assert recognise_medication(Medication(cmtrt="Interferon", cmroute="OPHTHALMIC"), ("biologic",)).belongs is False


def test_a_medication_that_is_not_coded_and_not_known_is_neither_yes_nor_no():
    assert recognise_medication(Medication(cmtrt="Zyxanol"), ANTIMICROBIAL).belongs is None
    assert recognise_medication(Medication(cmtrt="Zyxanol", cmdecod="PARACETAMOL"), ANTIMICROBIAL).belongs is False
    assert recognise_medication(Medication(cmtrt="Zyxanol", cmdecod="UNCODED"), ANTIMICROBIAL).belongs is None
    assert recognise_medication(Medication(cmtrt="Rituximab"), ANTIMICROBIAL).belongs is False


def test_a_rulebooks_own_terms_count():
    assert recognise_medication(Medication(cmtrt="Zyxanol 5 mg"), (), ("zyxanol",)).belongs is True


@pytest.mark.parametrize(
    ("start", "end", "given_once", "overlap"),
    [
        ("2026-05-04", "2026-05-04", False, (True, False)),  # the dose may have been later that day
        ("2026-05-05", "2026-05-05", False, (True, True)),
        ("2026-05-03", "2026-05-03", False, (False, False)),
        ("2026-05-03", "2026-05-06", False, (True, True)),
        ("2026-05-03", "", False, (True, False)),
        ("2026-05-03", "", True, (False, False)),
        ("2026-06-01", "", False, (True, False)),
        ("2026-06-02", "", False, (False, False)),
        ("2026-05", "2026-05", False, (True, False)),
        ("2026-05", "2026-05-20", False, (True, True)),  # begun before or after the dose, it went on after it
        ("", "2026-05-03", False, (False, False)),
        ("", "2026-05-20", False, (True, False)),
        ("", "", False, (True, False)),
    ],
)
def test_when_a_medication_was_taken(start, end, given_once, overlap):
    begin, until = Dtc.parse("2026-05-04"), Dtc.parse("2026-06-01")
    row = Medication(cmstdtc=Dtc.parse(start) if start else None, cmendtc=Dtc.parse(end) if end else None)
    assert may_overlap(row, begin, until, given_once=given_once) == overlap


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'groups = ["live-vaccine", "biologic"',
            'groups = ["vaccine", "biologic"',
            "'vaccine' is unknown (known: biologic,",
        ),
        ("days_after_last_dose = 28", "", "days_after_last_dose: is missing"),
    ],
)
def test_what_looks_for_nothing_is_refused(old, new, says):
    assert BOOK.count(old) == 1
    with pytest.raises(RulebookError) as refused:
        parse_rulebook(BOOK.replace(old, new), "x")
    assert says in str(refused.value)


def test_a_medication_that_is_coded_later_stays_the_same_concern():
    def concern(**coded):
        row = Medication(key="CM1", cmtrt="美罗华", cmroute="IVGTT", cmstdtc=Dtc.parse("2026-05-10"), **coded)
        dosed = Subject(rfxstdtc=Dtc.parse("2026-05-04"))
        view = StudyView(
            participants=(Participant(usubjid="P1", subject=dosed, medications=(row,)),),
            feed=Feed(domains=frozenset(DOMAINS)),
        )
        said = evaluate(parse_rulebook(BOOK, "x"), view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("UTC")).judgements
        return [(one.scope, one.anchors, one.answer) for one in said if one.rule_id == "CM-01"]

    assert len(concern()) == 1
    assert concern() == concern(cmdecod="RITUXIMAB")


def test_a_medication_of_the_rulebooks_own_terms_is_one_concern_whatever_its_name():
    book = parse_rulebook(
        BOOK.replace('groups = ["live-vaccine", "biologic"', 'terms = ["zyxanol"]\ngroups = ["biologic"'), "x"
    )
    rows = tuple(
        Medication(key=f"CM{n}", cmtrt=name, cmstdtc=Dtc.parse("2026-05-10"), cmendtc=Dtc.parse("2026-05-10"))
        for n, name in enumerate(("Zyxanol", "Zyxanol 5 mg"))
    )
    dosed = Subject(rfxstdtc=Dtc.parse("2026-05-04"))
    view = StudyView(
        participants=(Participant(usubjid="P1", subject=dosed, medications=rows),),
        feed=Feed(domains=frozenset(DOMAINS)),
    )
    said = evaluate(book, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("UTC")).judgements
    hits = [one for one in said if one.rule_id == "CM-01"]
    assert [(hit.scope, hit.answer) for hit in hits] == [("named by this rule", Answer.HIT)] * 2
    assert hits[0].summary == "Named by this rule: Zyxanol"


@pytest.mark.parametrize(("number", "more"), [(5, ""), (6, ", and 1 more"), (7, ", and 2 more")])
def test_of_the_medications_that_nobody_knows_five_are_named(number, more):
    rows = tuple(Medication(key=f"CM{n}", cmtrt=f"Zyxanol {n}", cmstdtc=Dtc.parse("2026-05-10")) for n in range(number))
    dosed = Subject(rfxstdtc=Dtc.parse("2026-05-04"))
    view = StudyView(
        participants=(Participant(usubjid="P1", subject=dosed, medications=rows),),
        feed=Feed(domains=frozenset(DOMAINS)),
    )
    said = evaluate(parse_rulebook(BOOK, "x"), view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("UTC")).judgements
    (unknown,) = (one for one in said if one.rule_id == "CM-01" and one.answer is Answer.NOT_EVALUABLE)
    named = ", ".join(f"Zyxanol {n}" for n in range(5))
    assert unknown.reason == f"neither coded nor known to the list: {named}{more}"
