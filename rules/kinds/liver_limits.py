"""When liver values are a concern together: the limits of kind `liver_injury`, and which samples meet them in time.

It knows samples of ALT, AST, bilirubin and alkaline phosphatase. It must not know what is told of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.graded import GradedFinding
from rules.hit import Urgency
from rules.kinds.amounts import Number
from rules.kinds.comparison import passes, why_not_compared
from rules.kinds.lab_samples import baseline_of, sample_words

TRANSAMINASES = ("ALT", "AST")
BILIRUBIN = "BILI"
ALP = "ALP"
TESTS = (*TRANSAMINASES, BILIRUBIN, ALP)


class When(BaseModel):
    """The multiples of ULN, and the days within which they count together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transaminase_uln: Number  # ALT or AST: so many times ULN
    transaminase_or_equal: bool = True  # exactly that multiple is enough
    times_high_baseline: Number | None = (
        None  # where the baseline of ALT or AST was above ULN: so many times it as well
    )
    bilirubin_uln: Number  # more than so many times ULN
    days: Annotated[int, Field(ge=0)]  # between the two at most, in either order
    alp_uln: Number  # from so many times ULN on the pattern is cholestatic
    alp_days: Annotated[int, Field(ge=0)]  # between ALT or AST and the alkaline phosphatase that names the pattern
    alp_decides: bool = True  # else alkaline phosphatase is told, and the name stays
    temple: Literal["tell", "write"] = "write"  # ALT or AST alone, bilirubin measured and not above
    temple_urgency: Urgency = Urgency.SAME_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class LiverSample:
    """One sample with whether it meets its own limit: None where that is not certain, and why."""

    lab: GradedFinding
    meets: bool | None
    why: str = ""
    as_before: bool = False  # above the multiple of ULN, as the baseline was, and not risen enough from it

    @property
    def key(self) -> str:
        """The record key."""
        return self.lab.record.key


Pair = tuple[LiverSample, LiverSample]
"""ALT or AST, and bilirubin."""


def of_tests(labs: Iterable[GradedFinding], *tests: str) -> list[GradedFinding]:
    """Return the samples of some tests that have any result at all."""
    return [lab for lab in labs if lab.test in tests and lab.fault is not Ungraded.NO_RESULT]


def judge_transaminases(when: When, labs: Sequence[GradedFinding]) -> list[LiverSample]:
    """Compare every sample of ALT and AST, those of the time before the first dose too."""
    return [_transaminase(when, lab, labs) for lab in of_tests(labs, *TRANSAMINASES)]


def judge_bilirubin(when: When, labs: Sequence[GradedFinding]) -> list[LiverSample]:
    """Compare every sample of bilirubin."""
    return [_sample(lab, passes(lab, when.bilirubin_uln, lab.uln)) for lab in of_tests(labs, BILIRUBIN)]


def pairs(when: When, transaminases: Iterable[LiverSample], bilirubin: Sequence[LiverSample]) -> Iterator[Pair]:
    """Yield what meets both limits within the days, unless both samples are history."""
    for liver in transaminases:
        for bile in bilirubin:
            if liver.meets and bile.meets and not (liver.lab.predose and bile.lab.predose):
                apart = days_apart(liver.lab, bile.lab)
                if apart is not None and apart <= when.days:
                    yield liver, bile


def why_open(when: When, sample: LiverSample, others: Sequence[LiverSample], names: str) -> str:
    """Say why it cannot be told whether a sample is half of a pair; '' where the others answer that.

    An earlier result answers nothing about what came after: one of that day or of the days after is needed.
    """
    near = [other for other in others if _may_be_near(when, sample.lab, other.lab)]
    unclear = [other for other in near if other.meets is not False]  # met, but undated, else they were a pair
    answered = any(other.meets is False and _follows(other.lab, sample.lab) for other in near)
    if sample.meets is None:
        return sample.why if unclear or not answered else ""
    if unclear:
        return "; ".join(sorted({f"{names}: {other.why or Ungraded.NO_DAY}" for other in unclear}))
    return "" if answered else f"{names} not measured on that day or within {when.days} days after"


class Pattern(NamedTuple):
    """What alkaline phosphatase says beside ALT or AST."""

    cholestatic: bool
    words: str
    alp: GradedFinding | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return "Cholestatic pattern" if self.cholestatic else "Potential Hy's law"


def pattern_of(when: When, liver: GradedFinding, labs: Sequence[GradedFinding]) -> Pattern:
    """Name the pattern by alkaline phosphatase: above ULN at baseline, else the nearest that can be compared."""
    measured = of_tests(labs, ALP)
    first = next((base for alp in measured if (base := baseline_of(measured, alp)) is not None), None)
    if first is not None and passes(first, Decimal(1), first.uln):
        return Pattern(when.alp_decides, f"{in_words(first)}, above ULN already at baseline", first)
    dated = [
        (apart, alp) for alp in measured if (apart := days_apart(alp, liver)) is not None and apart <= when.alp_days
    ]
    near = [alp for _, alp in sorted(dated, key=lambda pair: (pair[0], multiple(pair[1])))]
    for alp in near:
        high = passes(alp, when.alp_uln, alp.uln, or_equal=True)
        if high is not None:
            words = f"{in_words(alp)}, {'at least' if high else 'below'} {when.alp_uln} x ULN"
            return Pattern(high and when.alp_decides, words, alp)
    if near:
        return Pattern(False, f"{in_words(near[0])}, not comparable with ULN: pattern unknown", near[0])
    return Pattern(False, f"{names_of(ALP)} unknown: not measured within {when.alp_days} days")


def days_apart(lab: GradedFinding, other: GradedFinding) -> int | None:
    """Return the fewest days that two samples can be apart, None where one has no date at all."""
    if lab.adt is None or other.adt is None:
        return None
    first, second = sorted((lab.adt, other.adt), key=lambda taken: taken.earliest)
    return max((second.earliest.date() - first.latest.date()).days, 0)


def multiple(lab: GradedFinding) -> Decimal:
    """Return a result in multiples of ULN, 0 where it has none."""
    return lab.value / lab.uln if lab.value is not None and lab.uln else Decimal(0)


def in_words(lab: GradedFinding) -> str:
    """Tell a sample with its multiple, as "ALT 130 U/L on 2014-03-21 (3.25 x ULN)"."""
    times = f" ({lab.censor}{multiple(lab):.2f} x ULN)" if lab.value is not None and lab.uln else ""
    return f"{sample_words(lab)}{times}"


def names_of(*tests: str) -> str:
    """Name some tests, as "ALT or AST"."""
    return " or ".join(lab_tests()[test].name for test in tests)


def _transaminase(when: When, lab: GradedFinding, labs: Sequence[GradedFinding]) -> LiverSample:
    """Compare with ULN, and with the baseline where that was above its ULN and the rulebook asks for it."""
    above = passes(lab, when.transaminase_uln, lab.uln, or_equal=when.transaminase_or_equal)
    own = [other for other in labs if other.test == lab.test]
    baseline = baseline_of(own, lab)
    if when.times_high_baseline is None or above is False or baseline is None or not lab.after_baseline:
        return _sample(lab, above)
    if passes(baseline, Decimal(1), baseline.uln or lab.uln) is not True:
        return _sample(lab, above)
    risen = passes(lab, when.times_high_baseline, lab.base, or_equal=True)
    if risen is False:
        return LiverSample(lab=lab, meets=False, as_before=bool(above))
    return _sample(lab, True if above and risen else None)


def _sample(lab: GradedFinding, meets: bool | None) -> LiverSample:
    """Put a sample together with why its answer is not certain."""
    if meets is not None:
        return LiverSample(lab=lab, meets=meets)
    no_range = lab.uln is None and lab.value is not None
    return LiverSample(lab=lab, meets=None, why=Ungraded.NO_RANGE if no_range else why_not_compared(lab))


def _may_be_near(when: When, lab: GradedFinding, other: GradedFinding) -> bool:
    """Whether two samples can have been taken within the days."""
    apart = days_apart(lab, other)
    return apart is None or apart <= when.days


def _follows(later: GradedFinding, lab: GradedFinding) -> bool:
    """Whether a sample is certainly of the same day as another, or of a later one."""
    return later.adt is not None and lab.adt is not None and later.adt.earliest.date() >= lab.adt.latest.date()
