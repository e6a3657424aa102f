"""How the log looks: JSON or console on standard error, UTC, one line for what happened.

Nothing about a participant may reach it. Whoever logs names studies, rules and counts; and of an exception only its
class and the lines of code it passed are written, because its message may quote a row. The message is in the ledger.
Faults of the machine and of the database's connection are the exception: what they say is shown.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

QUIET = ("apscheduler", "uvicorn", "alembic", "asyncio", "aiosmtplib", "mail.log")
"""Libraries that are heard from warnings on only."""


def set_up_logs(form: Literal["json", "console"], level: str) -> None:
    """Send this program's log and that of its libraries to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_faults,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _tell_faults(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Replace exceptions, caught or told in words, by class and code lines: no messages and no local values."""
    if isinstance(entry.get("error"), str):
        entry["error"] = entry["error"].partition(":")[0]
    given = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["error"] = " < ".join(_name(link) for link in _links(error))
        entry["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
    return entry


def _links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what caused it, the last raised first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _name(error: BaseException) -> str:
    """Name an exception's class; add its message only where that speaks of the machine and not of a row."""
    name = type(error).__name__
    if isinstance(error, OSError):
        return f"{name}: {error}"
    if name == "OperationalError":  # of SQLAlchemy or of its driver: the server or the disk speaks
        return f"{name}: {getattr(error, 'orig', error)}"
    return name
