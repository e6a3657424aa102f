"""How much blood counts and chemistry swing within a person when no drug moves them.

It knows coefficients of variation and how they follow one another in time. It must not know levels, people or rules.

The figures are rounded from published biological variation and widened for active lupus, where infections, flares and
steroids add to it; a sample remembers the one before it, so that two low ones in a row are as likely as in life.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

_CALM_LUPUS: Mapping[str, float] = {
    "NEUT": 0.27, "LYM": 0.18, "EOS": 0.30, "PLAT": 0.08, "HGB": 0.03, "ALT": 0.20, "AST": 0.20, "ALP": 0.08,
    "GGT": 0.15, "BILI": 0.20, "CREAT": 0.05, "CK": 0.35, "LDH": 0.10, "ALB": 0.04, "C3": 0.08,
    "C4": 0.10, "LIPASE": 0.20, "TSH": 0.20, "PROT24H": 0.30, "UPCR": 0.30,
}  # fmt: skip
"""Within-person coefficient of variation of samples two weeks apart."""

_OTHER = 0.10
"""For a test that the table does not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """How much each test swings, and how much of one sample's swing is still there in the next."""

    name: str
    spread: Mapping[str, float] = field(hash=False)
    memory: float = 0.4

    def walk(self, seed: str) -> "Walk":
        """Return one person's own course."""
        return Walk(variability=self, seed=seed)


REALISTIC = Variability(name="realistic", spread=_CALM_LUPUS)
STEROID = Variability(name="steroid", spread={**_CALM_LUPUS, "NEUT": 0.38, "LYM": 0.30}, memory=0.5)
"""Courses of steroids raise neutrophils and lower lymphocytes, for weeks at a time."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One person's swings, sample after sample; a further test in the panel moves no other."""

    variability: Variability
    seed: str
    chances: dict[str, random.Random] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def factor(self, code: str) -> float:
        """Return by what factor the next sample lies off the person's level: log-normal, one on average."""
        memory = self.variability.memory
        new = self.chances.setdefault(code, random.Random(f"{self.seed} {code}")).gauss(0, 1)
        self.last[code] = new if code not in self.last else memory * self.last[code] + math.sqrt(1 - memory**2) * new
        sigma = math.sqrt(math.log(1 + self.variability.spread.get(code, _OTHER) ** 2))
        return math.exp(sigma * self.last[code] - sigma**2 / 2)
