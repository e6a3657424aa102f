"""How old what a source brings is: its last news, and the database behind its files.

It knows what the ledger remembers of a source, and the limit that a rulebook sets. It must not know other troubles.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rules.hit import Answer, Evidence
from rules.kinds.feed_said import Said
from rules.records import Feed
from rules.silence import MOST_GAPS, Habit, Silence, habit_of

if TYPE_CHECKING:
    from rules.context import Context

SLACK = timedelta(days=1)
"""How far clocks and zones may put a true time ahead."""


def say(stale: Silence, feed: Feed, context: "Context") -> Iterator[Said]:
    """Judge the age of the content and, where the files tell it, of the database behind them when it last came.

    A file that comes anew, or is touched, with what it held before is no news. Rows that come anew out of a database
    that nobody has touched are none either, whatever they say: a concern of its own, so that an old database that is
    known hides no silence. How old a database may be is asked at the last news, so that a transfer which takes days is
    not called late between two of them.
    """
    yield from _times_not_used(feed, context)
    newest = feed.newest_data_at
    if newest is None:
        yield Said(Answer.NOT_EVALUABLE, "age", frozenset({"age"}), "Age of the data unknown", "no data has come yet")
        return
    habit = _habit(feed, context)
    limit, days = stale.limit(habit), f"{stale.limit_days(habit):g}"
    if context.now - newest > limit:
        yield Said(
            Answer.HIT,
            "age",
            frozenset({newest.isoformat()}),
            f"No new data for more than {days} days",
            f"nothing new, changed or withdrawn since {_say(newest)}{_of_files(feed, newest)}; {stale.explain(habit)}",
            (_evidence(newest, None, habit, days, newest + limit),),
        )
    usable = {
        domain: [t for t in times if t - context.now <= SLACK] for domain, times in sorted(feed.databases.items())
    }
    old = {domain: min(times) for domain, times in usable.items() if times and newest - min(times) > limit}
    if old:
        oldest = min(old.values())
        named = ", ".join(domain for domain, database in old.items() if database == oldest)
        others = ", ".join(domain for domain, database in old.items() if database != oldest)
        reason = (
            f"what came at {_say(newest)} is of a database last modified {_say(oldest)}, as the files of {named} say"
        )
        yield Said(
            Answer.HIT,
            "age of the database",
            frozenset(old),
            f"Of a database older than {days} days: {', '.join(old)}",
            "; ".join((reason, *((f"too old as well: {others}",) if others else ()), stale.explain(habit))),
            (_evidence(newest, oldest, habit, days, oldest + limit),),
            each_anchor_is_news=True,
        )


def _evidence(newest: datetime, database: datetime | None, habit: Habit, limit: str, over: datetime) -> Evidence:
    values = {
        "newsdtc": _iso(newest),
        **({"databasedtc": _iso(database)} if database else {}),
        "gaps": " ".join(map(str, habit.gaps)),
        "habit": str(habit.days),
        "limit": limit,
        "overdtc": _iso(over),
    }
    key = "age of the database" if database else "age"
    return Evidence(domain="FEED", key=key, version=0, values=tuple(values.items()))


def _times_not_used(feed: Feed, context: "Context") -> Iterator[Said]:
    """Tell of times in the files that say nothing of their age: one that cannot be read, one that is still to come."""
    not_used = "the file was read, and its age is judged without that time"
    for file in feed.stamp_faults:
        scope, summary = f"time in {file.name}", f"A time in {file.name} ({file.domain}) cannot be read"
        yield Said(Answer.HIT, scope, frozenset({file.reason}), summary, f"{file.reason}: {not_used}")
    latest = {domain: max(times) for domain, times in sorted(feed.databases.items())}
    ahead = {domain: time for domain, time in latest.items() if time - context.now > SLACK}
    if ahead:
        summary = "The database's time lies in the future"
        said = f"the files of {', '.join(ahead)} say that their database was last modified {_say(max(ahead.values()))}"
        yield Said(
            Answer.HIT,
            "time of the database",
            frozenset({"time of the database"}),
            summary,
            f"{said}: {not_used}",
        )


def _of_files(feed: Feed, newest: datetime) -> str:
    """Say what the files themselves do during a silence: has the transfer stopped, or does it bring the same again?"""
    written = feed.written_at
    if written is None:
        return ""
    if written > newest:
        return f", though a file was written {_say(written)}: it holds what was there before"
    return f", and no file was written after {_say(written)}"


def _say(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def too_old_at(stale: Silence, feed: Feed, context: "Context") -> datetime | None:
    """Return when a silence that goes on will be too long (UTC); None where it is so already, or nothing ever came."""
    if feed.newest_data_at is None:
        return None
    over = feed.newest_data_at + stale.limit(_habit(feed, context))
    return over if over >= context.now else None


def describe(stale: Silence) -> str:
    """Say in words how long is too long."""
    if stale.least_days == stale.most_days:
        return f"for more than {stale.least_days:g} days"
    return (
        f"for more than {stale.factor:g} times as long as is usual, at least {stale.least_days:g} and at most"
        f" {stale.most_days:g} days. Usual is the longest of the last {MOST_GAPS} gaps between days on which anything"
        " came, the very longest left out"
    )


def _habit(feed: Feed, context: "Context") -> Habit:
    return habit_of(context.local(moment).date() for moment in feed.news_at)
