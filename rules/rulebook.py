"""The rulebook: TOML that a safety officer reads and signs, loaded strictly, hashed, and printed in words.

Thresholds live there and nowhere else. What does not load is refused in one sentence that names file, entry and field.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rules.hit import Consequence, Urgency
from rules.kinds import FEED_TROUBLES, KINDS, Kind


class RulebookError(Exception):
    """A rulebook that cannot be used; the message is one sentence that names file, entry and field."""


class Strict(BaseModel):
    """Refuses unknown keys and does not coerce."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DosingPlan(Strict):
    """Planned doses by day within a cycle, counted from the first dose as day 1."""

    days: tuple[Annotated[int, Field(ge=1)], ...]
    cycle_days: Annotated[int, Field(ge=1)]
    cycles: Annotated[int, Field(ge=1)]
    window_days: Annotated[int, Field(ge=0)] = 1
    entry_grace_days: Annotated[int, Field(ge=0)] = 2
    protocol_section: str = ""


class Header(Strict):
    """What holds for every rule of the book."""

    name: str
    version: str
    title: str
    ctcae: Literal["5.0", "6.0"]
    baseline: Literal["last-predose", "flag"] = "last-predose"
    zero_dose: Literal["placebo", "not-given"]
    signed_by: str = ""
    signed_on: str = ""
    notes: tuple[str, ...] = ()


class Rule(Strict):
    """One entry of the rulebook."""

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-\d{2}[a-z]?$")]
    title: str
    kind: str
    protocol_section: str
    urgency: Urgency
    action: str
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

    def rule(self, rule_id: str) -> Rule:
        """Return the rule of that id; raise KeyError if there is none."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    def kind_of(self, rule: Rule) -> Kind:
        """Return the kind that judges a rule."""
        return KINDS[rule.kind]


def load_rulebook(name: str | Path) -> Rulebook:
    """Load a rulebook by path, or by the bare name of a shipped one; raise RulebookError."""
    path = Path(name)
    shipped = resources.files("rules.rulebooks") / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8") if path.suffix == ".toml" else shipped.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulebookError(f"rulebook {name}: cannot be read: {error}") from None
    return parse_rulebook(text, str(name))


def parse_rulebook(text: str, name: str) -> Rulebook:
    """Read a rulebook's text; raise RulebookError naming `name`, the entry and the field."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulebookError(f"rulebook {name}: not TOML: {error}") from None
    unknown = set(document) - {"rulebook", "dosing", "rule"}
    if unknown:
        raise RulebookError(f"rulebook {name}: unknown entry '{sorted(unknown)[0]}'")
    header = _read(Header, document.get("rulebook", {}), f"rulebook {name}: [rulebook]")
    dosing = _read(DosingPlan, document["dosing"], f"rulebook {name}: [dosing]") if "dosing" in document else None
    rules: list[Rule] = []
    whens: dict[str, BaseModel] = {}
    for number, entry in enumerate(document.get("rule", []), start=1):
        place = f"rulebook {name}: rule {entry.get('id', f'number {number}')}"
        rule = _read(Rule, entry, place)
        if rule.id in whens:
            raise RulebookError(f"{place}: the id stands twice")
        if rule.kind not in KINDS:
            raise RulebookError(f"{place}: kind: '{rule.kind}' is unknown (known: {', '.join(sorted(KINDS))})")
        whens[rule.id] = _read(KINDS[rule.kind].when, rule.when, f"{place}: when")
        if KINDS[rule.kind].needs_dosing_plan(whens[rule.id]) and dosing is None:
            raise RulebookError(f"{place}: needs a [dosing] plan and the rulebook has none")
        rules.append(rule)
    _insist_on_feed_rules(whens, name)
    return Rulebook(header, dosing, tuple(rules), whens, text)


def _insist_on_feed_rules(whens: dict[str, BaseModel], name: str) -> None:
    """Refuse a book that would let a source fail in silence."""
    watched = {trouble for when in whens.values() for trouble in getattr(when, "troubles", ())}
    for trouble in FEED_TROUBLES:
        if trouble not in watched:
            raise RulebookError(f"rulebook {name}: no rule of kind 'feed' watches for '{trouble}', and every book must")


Model = TypeVar("Model", bound=BaseModel)


def _read(model: type[Model], entry: dict[str, Any], place: str) -> Model:
    """Validate one entry; raise RulebookError with the first fault in one sentence."""
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise RulebookError(f"{place}: {where}: {fault['msg']}") from None
