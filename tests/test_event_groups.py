"""Groups of events: what belongs, what only sounds alike, and what cannot be known."""

import csv
from collections import Counter

import pytest

from rules.event_groups import recognise_group, vocabulary
from rules.infection import recognise
from rules.records import AdverseEvent
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from rules.terms import Role, find

BOOK = load_rulebook("low_dose_il2_sle").text
KNOWN = sorted(vocabulary().groups())


def groups(text: str) -> set[str]:
    return {found.entry.group for found in find(vocabulary(), text) if not found.denied}


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Anaphylactoid reaction", "anaphylaxis"),
        ("urticarial rash", "urticaria"),
        ("Quincke's oedema", "angioedema"),
        ("毛细血管渗漏", "capillary-leak"),
        ("Oedema peripheral", "oedema"),
        ("双下肢水肿", "oedema"),
        ("Supraventricular tachycardia", "arrhythmia"),
        ("NSTEMI", "cardiac-ischaemia"),
        ("Deep vein thromboses", "thrombosis"),
        ("Epileptic fit", "seizure"),
        ("Paranoid ideas", "psychosis"),
        ("Disorientation", "confusion"),
        ("Suicide attempt", "suicidality"),
        ("恶性肿瘤", "neoplasm"),
        ("Pregnant", "pregnancy"),
        ("Overdose, accidental", "overdose"),
        ("Autoimmune haemolytic anaemia", "haemolysis"),
        ("Thrombotic microangiopathy", "haemolysis"),
    ],
)
def test_a_term_belongs_to_one_group(text, group):
    assert groups(text) == {group}


@pytest.mark.parametrize(
    "text",
    [
        "Beta-haemolytic streptococcus",
        "溶血性链球菌感染",
        "Haemolysed sample",
        "Tumour necrosis factor increased",
        "主动脉瘤",
        "避孕失败",
        "Pregnancy test negative",
        "No seizures",
        "Stroke volume decreased",
        "Manicure injury",
        "Preeclampsia ruled out",
        "",
    ],
)
def test_what_sounds_alike_belongs_to_none(text):
    assert not groups(text)


def test_the_vocabulary_is_sound():
    entries = vocabulary().entries
    assert all(entry.words and entry.source for entry in entries)
    assert all(entry.group for entry in entries if entry.role is Role.TERM)
    repeated = [key for key, n in Counter((entry.words, entry.role) for entry in entries).items() if n > 1]
    assert not repeated
    assert len(vocabulary().groups()) == 18


def test_every_term_is_found_as_its_own_group():
    terms = [entry for entry in vocabulary().entries if entry.role is Role.TERM]
    lost = [entry.term for entry in terms if entry.group not in groups(entry.term.replace("*", "x"))]
    assert lost == []


def test_no_word_of_another_meaning_is_hidden_by_a_pattern():
    others = [entry for entry in vocabulary().entries if entry.role is Role.OTHER]
    assert [entry.term for entry in others if groups(entry.term.replace("*", "x"))] == []


def test_a_rulebooks_own_terms_count_beside_the_groups():
    rows = [AdverseEvent(aeterm="Vogt-Koyanagi disease, left eye")]
    assert recognise_group(rows, ("urticaria",)).belongs is None
    match = recognise_group(rows, ("urticaria",), terms=("Vogt Koyanagi disease",))
    assert (match.belongs, match.groups) == (True, frozenset())
    assert "this rule" in match.why


def test_a_class_counts_only_where_it_is_asked_for():
    rows = [AdverseEvent(aeterm="Lump", aedecod="LUMP", aesoc="Neoplasms benign and malignant")]
    assert recognise_group(rows, ("urticaria",)).belongs is False
    assert recognise_group(rows, (), socs=("Neoplasms",)).belongs is True


@pytest.mark.parametrize(
    "text",
    [
        "UNCODED", "UNCODABLE", "Coding pending", "Pending coding", "TBC", "Query", "No code", "Not codable",
        "Unclassifiable", "待编码", "无法编码", "其他", "Other", "10012345", "1.0", "-",
    ],
)  # fmt: skip
def test_a_word_for_not_coded_codes_nothing(text):
    row = AdverseEvent(aeterm="Lump", aedecod=text, aesoc=text)
    assert recognise_group([row], ("urticaria",)).belongs is None
    assert recognise_group([row], (), socs=("Neoplasms",)).belongs is None
    assert recognise([row]).infection is None


def test_an_uncoded_row_keeps_an_event_open_and_a_matching_one_settles_it():
    coded, uncoded = AdverseEvent(aeterm="Itch", aedecod="PRURITUS"), AdverseEvent(aeterm="Itch")
    assert recognise_group([coded, uncoded], ("urticaria",)).belongs is None
    assert recognise_group([coded, uncoded, AdverseEvent(aeterm="Hives")], ("urticaria",)).belongs is True


@pytest.mark.parametrize(
    ("term", "code", "known"),
    [
        ("Pneumonia", "", True),
        ("Hives", "", True),
        ("Lungs inflamed", "PNEUMONIA", True),
        ("Pneumonia, collapse", "", False),
        ("Collapse", "", False),
        ("Oedema", "", False),
        ("No pneumonia", "", False),
    ],
)
def test_without_a_class_another_list_accounts_only_for_what_it_knows_all_of(term, code, known):
    match = recognise_group([AdverseEvent(aeterm=term, aedecod=code)], ("seizure",))
    assert (match.belongs, match.known_otherwise) == (None, known)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('groups = ["capillary-leak"]', 'groups = ["leak"]', "'leak' is unknown (known: anaphylaxis,"),
        ('groups = ["capillary-leak"]', "groups = []", "name groups, terms, socs or flags"),
        ('groups = ["capillary-leak"]', 'terms = [" - "]', "' - ' holds no word"),
        ('groups = ["capillary-leak"]', "related_only = true", "name groups, terms, socs or flags"),
        ('flags = ["AESOD"]', 'flags = ["AESER"]', "flags"),
    ],
)
def test_what_looks_for_nothing_is_refused(old, new, says):
    assert BOOK.count(old) == 1
    with pytest.raises(RulebookError) as refused:
        parse_rulebook(BOOK.replace(old, new), "x")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("coded", [True, False])
def test_cdisc_pilot_rows_by_group_with_and_without_codes(data, coded):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = [AdverseEvent(aeterm=r["AETERM"], aedecod=r["AEDECOD"] if coded else "") for r in csv.DictReader(file)]
    found = {group: sum(recognise_group([row], (group,)).belongs is True for row in rows) for group in KNOWN}
    assert {group: count for group, count in found.items() if count} == {
        "arrhythmia": 33,
        "cardiac-ischaemia": 22,
        "confusion": 9,
        "hypersensitivity": 2,
        "minor-arrhythmia": 40,
        "neoplasm": 4,
        "oedema": 11,
        "psychosis": 4,
        "seizure": 2,
        "suicidality": 1,
        "thrombosis": 4,
        "urticaria": 5,
    }


def test_cdisc_pilot_neoplasms_are_those_of_the_class(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = [(r["AESOC"], AdverseEvent(aeterm=r["AETERM"])) for r in csv.DictReader(file)]
    by_class = [row for soc, row in rows if soc.startswith("NEOPLASMS")]
    assert [row for _, row in rows if recognise_group([row], ("neoplasm",)).belongs] == by_class
