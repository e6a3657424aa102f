"""The words of the limits of kind `value_limit`, for whoever signs the rulebook.

It must not know results.
"""

from collections.abc import Iterator
from decimal import Decimal

from rules.ctcae.identity import lab_tests
from rules.extent import worse_by
from rules.kinds.limits import HighBaseline, When


def describe(when: When) -> str:
    """Say the criterion in words."""
    names = " or ".join(lab_tests()[test].name for test in when.tests)
    words = [f"After the first dose, {names}: {', or '.join(limit_words(when))}."]
    if when.hold_at_least is not None:
        words.append(f"From {when.hold_at_least} on: hold.")
    if when.when_baseline_above_uln is not None:
        words.append(f"Also {high_baseline_words(when.when_baseline_above_uln, when.above_uln)}.")
    if when.new_only:
        words.append(f"Where the baseline met the limit already, that is history{history_words(when)}.")
        words.append("Without a usable baseline it counts as new.")
    words.extend(recovery_words(when))
    if when.baseline_too:
        words.append("The last result before the first dose counts too.")
    if when.either:
        words.append(
            "One of these tests is enough, and together they are one concern: it ends on a day on which all of them "
            "that were measured are back."
        )
    words.extend(again_words(when))
    if when.expected_of is not None:
        words.append(f"Missed where it was never measured in a participant of sex {when.expected_of}.")
    if when.confirm_samples > 1:
        words.append(f"Told from {when.confirm_samples} such samples in a row on.")
    return " ".join(words)


def recovery_words(when: When) -> Iterator[str]:
    """Say with which result an episode ends."""
    if when.is_momentary:
        yield "An episode ends with a result that shows no such change."
        return
    yield f"An episode ends with a result that meets none of this and is back: {back_words(when)}."
    if None not in when.sides:
        yield "High and low results are different episodes."


def back_words(when: When) -> str:
    """Say how far back a result has to be, such as "at 480 ms or less, or no higher than the baseline"."""
    high = "not above its range, or no higher than the baseline; any, where neither is known"
    low = "not below its range, or no lower than the baseline; any, where no range is known"
    if when.recovers_at_times_baseline is not None:
        high = (
            f"at {when.recovers_at_times_baseline} times the baseline or less; without a baseline, not above its range"
        )
    elif when.recovers_at_times_uln is not None:
        high = (
            f"at {when.recovers_at_times_uln} times the upper limit of normal or less, or no higher than the baseline"
        )
    elif when.recovers_at_most is not None:
        high = f"at {when.recovers_at_most} or less, or no higher than the baseline"
    if when.recovers_at_least is not None:
        low = f"at {when.recovers_at_least} or more, or no lower than the baseline"
    words = [high] * (when.looks_up and when.has_number) + [low] * when.looks_down
    words += ["in words below that"] * (when.positive is not None)
    return "; ".join(words)


def high_baseline_words(high: HighBaseline, above_uln: Decimal | None) -> str:
    """Say what is enough as well where the baseline was high."""
    return (
        f"where the baseline was above the upper limit, more than {high.times_baseline} times the baseline and more "
        f"than {high.times_uln} times the upper limit; where it was itself above {above_uln} times the upper limit, "
        "only this"
    )


def again_words(when: When) -> Iterator[str]:
    """Say when an episode that was told is told again."""
    by = list(dict.fromkeys(words for test in when.tests if (words := worse_by(test, when.unit))))
    by += ["a step in words"] if by and when.positive is not None else []
    by += ["a grade"] if when.min_grade is not None else []
    worse = [f"it is worse than told by {' or '.join(by)}"] if by else []
    worse += ["another of the tests is such a result"] if when.either else []
    if worse:
        yield f"Told again where {', or where '.join(worse)}."


def history_words(when: When) -> str:
    """Say what still counts where the baseline met a limit already, as ", and only 2 times it or more counts"."""
    more = [] if when.times_baseline is None else [f"{when.times_baseline} times it or more"]
    more += [] if when.hold_at_least is None else [f"{when.hold_at_least} or more"]
    more += [] if when.part_of_baseline is None else [f"{when.part_of_baseline} times it or less where it was low"]
    more += [] if when.min_grade is None else ["a graver grade"]
    more += [] if when.positive is None else ["a further step in words"]
    return f", and only {', or '.join(more)} counts"


def limit_words(when: When) -> list[str]:
    """Say each limit in words."""
    over = "above" if when.above_uln == 1 else f"more than {when.above_uln} times"
    under = "below" if when.below_lln == 1 else f"less than {when.below_lln} times"
    # a mere "positive" is at least 1+
    word = (
        ", or positive" if when.positive in ("TRACE", "1+") else " (where only positive is said, it is not evaluable)"
    )
    said = {
        f"at least {when.at_least}": when.at_least,
        f"below {when.below}": when.below,
        f"{over} the upper limit of normal": when.above_uln,
        f"{under} the lower limit of normal": when.below_lln,
        "outside the reference range": when.out_of_range or None,
        f"CTCAE grade {when.min_grade} or worse": when.min_grade,
        f"in words {when.positive} or more{word}": when.positive,
        f"at least {when.times_baseline} times the baseline": when.times_baseline if not when.new_only else None,
        f"a rise of {when.rise}": when.rise,
        f"a fall of {when.fall}": when.fall,
    }
    return [words for words, limit in said.items() if limit is not None]
