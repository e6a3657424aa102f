"""The rulebook: TOML that a safety officer reads and signs, loaded strictly, hashed, and printed in words.

Thresholds live there and nowhere else. What does not load is refused in one sentence that names file, entry and field.
"""

import hashlib
import json
import math
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from rules.ctcae.identity import lab_tests
from rules.derived import Derivable
from rules.dosing_plan import DosingPlan
from rules.hit import Consequence, Urgency
from rules.kinds import FEED_TROUBLES, KINDS, Kind
from rules.kinds.about_doses import faults_of_doses

_ENTRIES = ("rulebook", "dosing", "rule")

Model = TypeVar("Model", bound=BaseModel)


_SHIPPED = resources.files("rules.rulebooks")


class RulebookError(Exception):
    """A rulebook that cannot be used; the message is one sentence that names file, entry and field."""


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""Words that must be there."""


class Strict(BaseModel):
    """Refuses unknown keys; types are not coerced, because every entry is validated strictly."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(Strict):
    """What holds for every rule of the book."""

    name: Text
    version: Text
    title: Text
    ctcae: Literal["4.03", "5.0", "6.0"]
    baseline: Literal["last-predose", "flag"] = "last-predose"
    zero_dose: Literal["placebo", "not-given"]
    tests: dict[str, str] = Field(default_factory=dict)  # the study's own --TESTCD and the known test that it means
    emergence: Literal["conservative", "strict"] = "conservative"
    derive: tuple[Derivable, ...] = ()  # findings that are computed where they are not measured
    signed_by: str = ""
    signed_on: str = ""
    notes: tuple[str, ...] = ()

    @field_validator("tests")
    @classmethod
    def _are_known(cls, tests: dict[str, str]) -> dict[str, str]:
        for code, test in tests.items():
            if test not in lab_tests():
                raise ValueError(f"{code} = '{test}' is no known test (known: {', '.join(sorted(lab_tests()))})")
        return {code.strip().upper(): test for code, test in tests.items()}

    @field_validator("derive")
    @classmethod
    def _names_each_once(cls, derive: tuple[Derivable, ...]) -> tuple[Derivable, ...]:
        if len(set(derive)) < len(derive):
            raise ValueError("each must be named once")
        return derive


class Rule(Strict):
    """One entry of the rulebook."""

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-\d{2}[a-z]?$")]
    title: Text
    kind: Text
    protocol_section: Text
    urgency: Urgency
    action: Text
    consequence: Consequence = Consequence.WATCH
    audience: Literal["officer", "operator"] = "officer"
    protocol_choice: bool = False
    when: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Rulebook:
    """A loaded rulebook; `text` is exactly what was signed and hashed."""

    header: Header
    dosing: DosingPlan | None
    rules: tuple[Rule, ...]
    whens: dict[str, BaseModel]  # rule id -> its kind's own model
    text: str

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the text, in hex: what a decision names."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def asked_by(self) -> dict[str, tuple[str, ...]]:
        """Return for each test the rules that judge its results."""
        found: dict[str, tuple[str, ...]] = {}
        for rule in self.rules:
            for test in self.kind_of(rule).tests(self.whens[rule.id]):
                found[test] = (*found.get(test, ()), rule.id)
        return found

    def rule(self, rule_id: str) -> Rule:
        """Return the rule of that id; raise KeyError if there is none."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    def kind_of(self, rule: Rule) -> Kind:
        """Return the kind that judges a rule."""
        return KINDS[rule.kind]


def load_rulebook(name: str | Path) -> Rulebook:
    """Load a rulebook by path, or by the bare name of a shipped one; raise RulebookError."""
    path = Path(name)
    try:
        if path.suffix == ".toml":
            return parse_rulebook(path.read_text(encoding="utf-8"), str(name))
        return parse_rulebook(_SHIPPED.joinpath(f"{name}.toml").read_text(encoding="utf-8"), str(name))
    except UnicodeDecodeError:
        raise RulebookError(f"rulebook {name}: is not UTF-8 text") from None
    except OSError as error:
        shipped = ", ".join(
            sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir() if ".toml" in file.name)
        )
        known = "" if path.suffix == ".toml" else f" (shipped: {shipped}; any other is named by its .toml file)"
        raise RulebookError(f"rulebook {name}: cannot be read: {error.strerror}{known}") from None


def parse_rulebook(text: str, name: str) -> Rulebook:
    """Read a rulebook's text; raise RulebookError naming `name`, the entry and the field."""
    book = f"rulebook {name}"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulebookError(f"{book}: not TOML: {error}") from None
    for entry in document:
        if entry not in _ENTRIES:
            raise RulebookError(f"{book}: unknown entry '{entry}' (known: {', '.join(_ENTRIES)})")
    header = _read(Header, document.get("rulebook"), f"{book}: [rulebook]")
    dosing = _read(DosingPlan, document["dosing"], f"{book}: [dosing]") if "dosing" in document else None
    entries = document.get("rule")
    if not isinstance(entries, list):
        raise RulebookError(f"{book}: has no [[rule]] entries")
    rules: list[Rule] = []
    whens: dict[str, BaseModel] = {}
    for number, entry in enumerate(entries, start=1):
        place = f"{book}: rule {entry['id'] if isinstance(entry, dict) and 'id' in entry else f'number {number}'}"
        rule = _read(Rule, entry, place)
        if rule.id in whens:
            raise RulebookError(f"{place}: id: stands twice")
        if rule.kind not in KINDS:
            raise RulebookError(f"{place}: kind: '{rule.kind}' is unknown (known: {', '.join(sorted(KINDS))})")
        whens[rule.id] = _read(KINDS[rule.kind].when, rule.when, f"{place}: when", ctcae=header.ctcae)
        if fault := _lacks_plan(KINDS[rule.kind].schedules(whens[rule.id]), dosing):
            raise RulebookError(f"{place}: when: needs a [dosing] plan {fault}")
        rules.append(rule)
    _insist_on_feed_rules(whens, book)
    _insist_on_results({rule.id: KINDS[rule.kind] for rule in rules}, whens, book)
    for rule_id, field, fault in faults_of_doses(whens, header.zero_dose, dosing):
        raise RulebookError(f"{book}: rule {rule_id}: when: {field}: {fault}")
    return Rulebook(header, dosing, tuple(rules), whens, text)


def _lacks_plan(schedules: frozenset[str], dosing: DosingPlan | None) -> str:
    """Say why the plan of a book is not one that a rule needs; '' where it is, or where the rule needs none."""
    if not schedules or (dosing is not None and dosing.schedule in schedules):
        return ""
    if dosing is None:
        return "and the rulebook has none"
    return f"with schedule = {' or '.join(map(repr, sorted(schedules)))}, not {dosing.schedule!r}"


def _insist_on_feed_rules(whens: dict[str, BaseModel], book: str) -> None:
    """Refuse a book that would let a source fail in silence."""
    watched = {trouble for when in whens.values() for trouble in getattr(when, "troubles", ())}
    for trouble in FEED_TROUBLES:
        if trouble not in watched:
            raise RulebookError(f"{book}: no rule of kind 'feed' watches for '{trouble}', and every book must")


def _insist_on_results(kinds: dict[str, Kind], whens: dict[str, BaseModel], book: str) -> None:
    """Refuse a rule that follows one which is not there, or whose hits name no results."""
    for rule_id, when in whens.items():
        for name in kinds[rule_id].follows(when):
            place = f"{book}: rule {rule_id}: when: after"
            if name not in kinds:
                raise RulebookError(f"{place}: there is no rule '{name}'")
            if not kinds[name].names_results:
                raise RulebookError(f"{place}: '{name}' is no rule about results of tests")


def _read(model: type[Model], entry: object, place: str, **context: str) -> Model:
    """Validate one entry strictly; raise RulebookError with the first fault in one sentence.

    `context` is what the entry must make sense in: the header's CTCAE version.
    """
    if not isinstance(entry, dict):
        raise RulebookError(f"{place}: {'is missing' if entry is None else 'must be a table of fields'}")
    if field := _not_finite(entry):
        raise RulebookError(f"{place}: {field}: must be a finite number")
    try:
        # As JSON a list may become a tuple and a word an enumeration, while "3" never becomes a number.
        return model.model_validate_json(json.dumps(entry, default=str), strict=True, context=context)
    except ValidationError as error:
        raise RulebookError(f"{place}: {_in_words(error.errors()[0])}") from None


def _not_finite(entry: object) -> str:
    """Name the field that holds TOML's inf or nan, '' if none does."""
    if isinstance(entry, float):
        return "" if math.isfinite(entry) else "."
    pairs = entry.items() if isinstance(entry, dict) else enumerate(entry) if isinstance(entry, list) else ()
    return next((f"{key}.{below}".rstrip(".") for key, value in pairs if (below := _not_finite(value))), "")


def _in_words(fault: ErrorDetails) -> str:
    """Say a fault of an entry as "field: what is wrong"."""
    where = ".".join(str(part) for part in fault["loc"])
    match fault["type"]:
        case "extra_forbidden":
            what = "is unknown here"
        case "missing":
            what = "is missing"
        case "string_too_short" | "string_pattern_mismatch" if not str(fault["input"]).strip():
            what = "must not be empty"
        case "value_error":
            what = fault["msg"].removeprefix("Value error, ")
        case _:
            must = re.sub(r"^\w+ should", "must", fault["msg"])
            what = f"{must}, not {json.dumps(fault['input'], ensure_ascii=False)}"
    return f"{where}: {what}" if where else what
