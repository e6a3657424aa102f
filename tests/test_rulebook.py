"""Rulebooks load strictly: each fault is one sentence that names file, entry and field. Shipped ones print in words."""

import re

import pytest

from rules.kinds import FEED_TROUBLES, KINDS
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from rules.words import in_words

SHIPPED = ["low_dose_il2_sle", "cdisc_pilot", "sdtm_example"]

SOUND = """
[rulebook]
name = "test"
version = "1"
title = "A test"
ctcae = "5.0"
zero_dose = "not-given"

[dosing]
days = [1, 3]
cycle_days = 28
cycles = 3

[[rule]]
id = "SAE-01"
title = "Serious adverse event"
kind = "serious_event"
protocol_section = "9"
urgency = "immediate"
action = "Review."

[[rule]]
id = "DOS-01"
title = "Planned dose missed"
kind = "missed_dose"
protocol_section = "6"
urgency = "routine"
action = "Ask."
[rule.when]
against = "plan"
consecutive = 1

[[rule]]
id = "INF-01"
title = "Serious infection"
kind = "infection"
protocol_section = "9"
urgency = "immediate"
action = "Review."
[rule.when]
serious_only = true

[[rule]]
id = "FEED-01"
title = "Feed"
kind = "feed"
protocol_section = "-"
urgency = "same-day"
audience = "operator"
action = "Look."
[rule.when]
troubles = ["unreadable", "refused", "missing", "rejected", "shrunken", "stale", "not-evaluable", "unknown-test"]
stale = { factor = 1.5, least_days = 4, most_days = 14 }
not_evaluable_share = 0.2
"""

STALE = "stale = { factor = 1.5, least_days = 4, most_days = 14 }"
FAULTS = [
    # what is replaced, by what, and what the sentence must say after "rulebook book.toml: "
    ("[rulebook]", "[rulebook", "not TOML"),
    ("[rulebook]", "[rulebok]", "unknown entry 'rulebok'"),
    ('name = "test"\n', "", "[rulebook]: name: is missing"),
    ('title = "A test"', 'title = ""', "[rulebook]: title: must not be empty"),
    ('version = "1"', "version = 1", "[rulebook]: version: must be a valid string, not 1"),
    ('ctcae = "5.0"', "ctcae = 5.0", "[rulebook]: ctcae: must be '4.03', '5.0' or '6.0', not 5.0"),
    ('ctcae = "5.0"', 'ctcae = "4.0"', "[rulebook]: ctcae: must be '4.03', '5.0' or '6.0', not \"4.0\""),
    ('zero_dose = "not-given"\n', "", "[rulebook]: zero_dose: is missing"),
    ('zero_dose = "not-given"', 'zero_doses = "placebo"', "[rulebook]: zero_dose"),
    (
        'zero_dose = "not-given"',
        'zero_dose = "not-given"\nderive = ["EGFR"]',
        "[rulebook]: derive.0: must be 'ANC', 'CACORR' or 'CREATCLR', not \"EGFR\"",
    ),
    (
        'zero_dose = "not-given"',
        'zero_dose = "not-given"\nderive = ["ANC", "ANC"]',
        "[rulebook]: derive: each must be named once",
    ),
    (
        'zero_dose = "not-given"',
        'zero_dose = "not-given"\ntests = {LYMPHN = "LYMPHOCYTES"}',
        "[rulebook]: tests: LYMPHN = 'LYMPHOCYTES' is no known test (known: ALB,",
    ),
    ("cycles = 3", "cycles = 0", "[dosing]: cycles: must be greater than or equal to 1, not 0"),
    ("cycles = 3", 'cycles = "3"', '[dosing]: cycles: must be a valid integer, not "3"'),
    ("cycles = 3", "cycles = 3.0", "[dosing]: cycles: must be a valid integer"),
    ("cycles = 3", "cycles = true", "[dosing]: cycles: must be a valid integer, not true"),
    ("cycles = 3", "cycles = 3\nmax_cycles = 2", "[dosing]: max_cycles 2 is less than cycles 3"),
    ("days = [1, 3]", "days = []", "[dosing]: days"),
    ("days = [1, 3]", "days = [3, 1]", "[dosing]: days must rise"),
    ("days = [1, 3]", "days = [1, 1]", "[dosing]: days must rise"),
    ("days = [1, 3]", "days = [1, 29]", "[dosing]: day 29 lies beyond the cycle's 28 days"),
    ("days = [1, 3]", "days = [0, 3]", "[dosing]: days.0: must be greater than or equal to 1, not 0"),
    ("days = [1, 3]", "days = [1, 3]\nday = 5", "[dosing]: day: is unknown here"),
    ("[dosing]\ndays = [1, 3]\ncycle_days = 28\ncycles = 3\n", "", "rule DOS-01: when: needs a [dosing] plan"),
    ('id = "SAE-01"', 'id = "SAE1"', "rule SAE1: id: must match pattern"),
    ('id = "SAE-01"\n', "", "rule number 1: id: is missing"),
    ('id = "SAE-01"', 'id = "DOS-01"', "rule DOS-01: id: stands twice"),
    ('kind = "serious_event"', 'kind = "serious_events"', "rule SAE-01: kind: 'serious_events' is unknown"),
    (
        'urgency = "immediate"',
        'urgency = "urgent"',
        "rule SAE-01: urgency: must be 'immediate', 'same-day' or 'routine'",
    ),
    ('action = "Review."', 'action = " "', "rule SAE-01: action: must not be empty"),
    ('action = "Review."', 'action = "Review."\nconsequence = "halt"', "rule SAE-01: consequence: must be 'watch'"),
    (
        'action = "Review."',
        'action = "Review."\nprotocol_choice = "yes"',
        "rule SAE-01: protocol_choice: must be a valid",
    ),
    ('action = "Review."', 'action = "Review."\nseverity = 3', "rule SAE-01: severity: is unknown here"),
    (
        'action = "Review."',
        'action = "Review."\nwhen = { aescan = true }',
        "rule SAE-01: when: aescan: is unknown here",
    ),
    ("consecutive = 1", 'consecutive = "1"', 'rule DOS-01: when: consecutive: must be a valid integer, not "1"'),
    ("consecutive = 1", "consecutive = 0", "rule DOS-01: when: consecutive: must be greater than or equal to 1"),
    ("consecutive = 1", "consecutive = 1\nentry_grace_days = 2", "rule DOS-01: when: entry_grace_days belongs to"),
    ('against = "plan"', 'against = "the plan"', "rule DOS-01: when: against: must be 'plan' or 'as collected'"),
    ("serious_only = true", "", "rule INF-01: when: serious_only: is missing"),
    ("serious_only = true", "serious_only = false", "rule INF-01: when: name groups of special interest"),
    (
        "serious_only = true",
        'serious_only = true\ngroups = ["shingles"]',
        "rule INF-01: when: groups: 'shingles' is unknown",
    ),
    ('"unreadable", ', "", "no rule of kind 'feed' watches for 'unreadable'"),
    ('"unreadable"', '"unreachable"', "rule FEED-01: when: troubles.0: must be "),
    (f"{STALE}\n", "", "rule FEED-01: when: stale belongs to the trouble 'stale'"),
    ("most_days = 14", "most_days = inf", "rule FEED-01: when.stale.most_days: must be a finite number"),
    ("least_days = 4", "least_days = 0", "rule FEED-01: when: stale.least_days: must be greater than 0, not 0"),
    ("least_days = 4", "least_days = 15", "rule FEED-01: when: stale: least_days 15 is more than most_days 14"),
    ("most_days = 14", "most_days = 367", "rule FEED-01: when: stale.most_days: must be less than or equal to 366"),
    ("factor = 1.5", "factor = 0.9", "rule FEED-01: when: stale.factor: must be greater than or equal to 1, not 0.9"),
    ("factor = 1.5", "factors = 1.5", "rule FEED-01: when: stale.factor: is missing"),
    (
        "not_evaluable_share = 0.2",
        "not_evaluable_share = 20",
        "rule FEED-01: when: not_evaluable_share: must be less than 1",
    ),
    (SOUND[SOUND.index("[[rule]]") :], "[rule]\nid = 1", "has no [[rule]] entries"),
    (SOUND[SOUND.index("[[rule]]") :], "", "has no [[rule]] entries"),
    (SOUND[SOUND.index("[rulebook]") : SOUND.index("[dosing]")], "rulebook = 3\n", "[rulebook]: must be a table"),
    (SOUND[SOUND.index("[[rule]]") :], "", "has no [[rule]] entries"),
]


def test_the_sound_book_loads():
    book = parse_rulebook(SOUND, "book.toml")
    assert [rule.id for rule in book.rules] == ["SAE-01", "DOS-01", "INF-01", "FEED-01"]
    assert book.dosing is not None
    assert book.dosing.days == (1, 3)


@pytest.mark.parametrize(("sound", "broken", "sentence"), FAULTS)
def test_a_fault_is_one_sentence(sound, broken, sentence):
    assert sound in SOUND
    with pytest.raises(RulebookError) as error:
        parse_rulebook(SOUND.replace(sound, broken, 1), "book.toml")
    said = str(error.value)
    assert said.startswith(f"rulebook book.toml: {sentence}"), said
    assert "\n" not in said


def test_a_book_that_is_not_there():
    with pytest.raises(RulebookError, match=r"^rulebook nowhere\.toml: cannot be read: "):
        load_rulebook("nowhere.toml")


@pytest.mark.parametrize("trouble", FEED_TROUBLES)
def test_every_trouble_of_the_feed_must_be_watched(trouble):
    text = re.sub(f'"{trouble}",? ?', "", SOUND)
    text = text.replace(f"{STALE}\n", "") if trouble == "stale" else text
    text = text.replace("not_evaluable_share = 0.2\n", "") if trouble == "not-evaluable" else text
    with pytest.raises(RulebookError, match=f"no rule of kind 'feed' watches for '{trouble}'"):
        parse_rulebook(text, "book.toml")


def test_any_change_of_the_text_is_another_book():
    assert parse_rulebook(SOUND, "a").sha256 != parse_rulebook(SOUND + "# signed\n", "a").sha256
    assert parse_rulebook(SOUND, "a").sha256 == parse_rulebook(SOUND, "b").sha256


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_book_prints_every_rule_in_words(name):
    book = load_rulebook(name)
    words = in_words(book)
    assert book.sha256 in words
    assert f"CTCAE {book.header.ctcae}" in words
    assert "Signed by:" in words
    flat = " ".join(words.split())
    for rule in book.rules:
        assert f"{rule.id} {rule.title}" in flat
        assert " ".join(rule.action.split()) in flat
        assert " ".join(KINDS[rule.kind].describe(book.whens[rule.id]).split()) in flat
    assert flat.count("(protocol choice)") >= sum(rule.protocol_choice for rule in book.rules)
    assert max(len(line) for line in words.splitlines()) <= 120


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_book_tells_the_operator_of_the_data_and_the_officer_of_people(name):
    book = load_rulebook(name)
    for rule in book.rules:
        assert (rule.audience == "operator") is rule.id.startswith(("FEED-", "SIG-04"))


def test_the_thresholds_of_the_founding_study_are_printed():
    words = " ".join(in_words(load_rulebook("low_dose_il2_sle")).split())
    for said in (
        "days 1, 3, 5, 7, 9, 11, 13 of a cycle of 28 days",
        "3 cycles are expected",
        "at least 4 and at most 14 days",
    ):
        assert said in words
