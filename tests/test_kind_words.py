"""The words of kinds for settings that no shipped rulebook uses, agreed word for word in `golden/kinds/words.txt`."""

from typing import Any

from rules.kinds import KINDS
from tests.agreed import GOLDEN, held_to

CELLS = "10^9/L"
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "lymphocytes by fixed cut-offs, without a hold": (
        "lab_toxicity",
        {"test": "LYM", "min_fall": {"value": 0.4, "unit": CELLS}, "new_grade": 2, "immediate_grade": 3,
         "cut_offs": {"unit": CELLS, "grade_2": 0.8, "grade_3": 0.5, "grade_4": 0.2}},
    ),
    "platelets with holds, confirmed": (
        "lab_toxicity",
        {"test": "PLAT", "min_fall_percent": 25, "confirm_samples": 2, "immediate_samples": 3,
         "hold": [{"below": {"value": 50, "unit": CELLS}, "min_fall_percent": 50},
                  {"below": {"value": 30, "unit": CELLS}}]},
    ),
    "either transaminase, confirmed": (
        "value_limit",
        {"tests": ["ALT", "AST"], "above_uln": 5, "below_lln": 0.5, "confirm_samples": 2, "either": True,
         "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 3}},
    ),
    "out of range on either side, changes, and room for recovery": (
        "value_limit",
        {"tests": ["ALB"], "above_uln": 1, "below_lln": 1, "fall": {"percent": 20, "hours": 48, "only_low": True},
         "rise": {"by": {"value": 5, "unit": "g/L"}}, "baseline_too": True, "expected_of": "M",
         "recovers_at_least": {"value": 36, "unit": "g/L"}, "recovers_at_most": {"value": 50, "unit": "g/L"}},
    ),
    "in another unit than the usual": ("value_limit", {"tests": ["HGB"], "below": {"value": 8, "unit": "g/dL"}}),
    "a change within hours alone": ("value_limit", {"tests": ["HGB"], "fall": {"percent": 20, "hours": 48}}),
    "new ones only": (
        "value_limit",
        {"tests": ["K"], "min_grade": 2, "out_of_range": True, "times_baseline": 2, "part_of_baseline": 0.5,
         "new_only": True},
    ),
    "a number or a word, and a hold": (
        "value_limit",
        {"tests": ["HCG"], "at_least": {"value": 5, "unit": "U/L"}, "hold_at_least": {"value": 25, "unit": "U/L"},
         "positive": "2+"},
    ),
    "recovery as a multiple of the baseline": (
        "value_limit", {"tests": ["CREAT"], "times_baseline": 1.5, "recovers_at_times_baseline": 1.25}
    ),
    "one that must be there, and both of two": (
        "criteria_count",
        {"within_days": 1, "all_of": [{"tests": ["HGB"], "below": {"value": 80, "unit": "g/L"}}], "at_least": 2,
         "of": [{"tests": ["LDH"], "above_uln": 1.5, "times_baseline": 2, "new_only": True},
                {"tests": ["ALT", "AST"], "above_uln": 3}]},
    ),
    "more where the baseline was high, as one of several": (
        "criteria_count",
        {"within_days": 1, "at_least": 2,
         "of": [{"tests": ["LDH"], "above_uln": 3, "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 4}},
                {"tests": ["AST"], "above_uln": 5}]},
    ),
    "some of several, an event among them": (
        "criteria_count",
        {"within_days": 2, "at_least": 2, "of_events": ["oedema", "seizure"],
         "of": [{"tests": ["SYSBP"], "below": {"value": 90, "unit": "mmHg"}}, {"tests": ["PROTU"], "positive": "1+"}]},
    ),
    "the liver, every setting other than the shipped": (
        "liver_injury",
        {"transaminase_uln": 3, "transaminase_or_equal": False, "times_high_baseline": 2, "bilirubin_uln": 2,
         "days": 30, "alp_uln": 2, "alp_days": 7, "alp_decides": False, "temple": "tell", "temple_urgency": "routine"},
    ),
    "admissions without other words": ("unmatched_admission", {"admissions": ["ward"], "slack_days": 2}),
    "planned admissions": ("unmatched_admission", {"admissions": ["ward"], "planned": ["elective"], "slack_days": 1}),
    "samples before cycles": ("expected_sample", {"tests": ["PLAT"], "before_cycles_days": 3, "entry_grace_days": 1}),
    "doses too close": ("off_plan_dose", {"min_gap_hours": 49}),
    "two doses a day": (
        "dose_excess",
        {"max_per_day": {"value": 2, "unit": "MIU"}, "max_doses_per_day": 2, "refused_from_times": 10},
    ),
    "events of several groups, every criterion": (
        "listed_event",
        {"groups": ["oedema", "seizure"], "terms": ["cat scratch"], "socs": ["Eye"], "flags": ["AESOD"],
         "review_socs": ["Ear"], "within_hours_after_dose": 36, "min_grade": 2, "related_only": True,
         "actions": ["DRUG INTERRUPTED", "DOSE REDUCED"], "not_serious": True, "treatment_emergent_only": True},
    ),
    "any event of a grade": ("listed_event", {"min_grade": 4}),
    "medications by group and by term": (
        "medication", {"groups": ["biologic"], "terms": ["aspirin", "ibuprofen"], "days_after_last_dose": 7}
    ),
    "medications by term alone": ("medication", {"terms": ["aspirin"], "days_after_last_dose": 30}),
    "infections, every criterion": (
        "infection",
        {"serious_only": False, "groups": ["sepsis", "listeria"], "not_serious": True, "min_grade": 2,
         "antimicrobial_within_days": 3},
    ),
}  # fmt: skip


def test_what_a_rulebook_may_ask_is_said_in_the_words_agreed() -> None:
    told = ((name, KINDS[kind], when) for name, (kind, when) in ASKED.items())
    said = [f"{name}\n  {kind.describe(kind.when.model_validate(when))}\n" for name, kind, when in told]
    held_to(GOLDEN / "kinds" / "words.txt", "\n".join(said))
