"""What the person at the terminal sees: one line per event, with its time, and the user's own log records."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ext_devkit.host.importing import is_code_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

logger = logging.getLogger("ext_devkit.host")
"""The host's own events. They are not the app's, so they stay away from the root logger, from which apps export."""
logger.propagate = False
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())

_OWN_FOLDER = str(Path(__file__).parent)


class LineHandler(logging.StreamHandler):  # type: ignore[type-arg] # not at run time on Python 3.10
    """Writes records to a stream, and keeps silent about a reader who has gone."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Stop writing to a standard output that nobody reads; report everything else as usual."""
        if isinstance(sys.exc_info()[1], BrokenPipeError) and self.stream is sys.stdout:
            _discard_output()
        else:
            super().handleError(record)


class LineFormatter(logging.Formatter):
    """`[2026-01-31T12:00:00.000Z] message`, with level and logger for records that are not the host's."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        """Return the record's time in UTC, to the millisecond, as `func start` writes it."""
        moment = datetime.fromtimestamp(record.created, tz=timezone.utc)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line without the exception, which the base class adds."""
        hosts = record.name == logger.name and record.levelno == logging.INFO
        origin = "" if hosts else f"{record.levelname} {'' if record.name == logger.name else record.name + ': '}"
        return f"[{self.formatTime(record)}] {origin}{record.message}"


@contextmanager
def console(stream: TextIO | None) -> Iterator[None]:
    """Show the host's and the app's log records on a stream; None shows nothing."""
    if stream is None:
        yield
        return
    handler = LineHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    level = root.level
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.propagate, propagated = False, uvicorn.propagate
    places = (root, logger, uvicorn)
    for place in places:
        place.addHandler(handler)
    root.setLevel(logging.DEBUG if os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1" else logging.INFO)
    try:
        yield
    finally:
        root.setLevel(level)
        uvicorn.propagate = propagated
        for place in places:
            place.removeHandler(handler)


def users_traceback(error: BaseException, app: Path) -> str:
    """Return the whole traceback of a function's exception, with its causes, from the first frame of the app on."""
    trace = _from_app(error.__traceback__, app) or _from_others(error.__traceback__)
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _from_app(trace: TracebackType | None, app: Path) -> TracebackType | None:
    while trace is not None and not is_code_of(app, Path(trace.tb_frame.f_code.co_filename)):
        trace = trace.tb_next
    return trace


def _from_others(trace: TracebackType | None) -> TracebackType | None:
    """Skip the host's frames, if the app's code was not reached."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        trace = trace.tb_next
    return trace


def say(line: str = "") -> None:
    """Write a line of the start screen to standard output at once."""
    if sys.stdout is not None:  # it is None when the process was started with it closed
        try:
            sys.stdout.write(line + "\n")
        except BrokenPipeError:
            _discard_output()
    flush_output()


def flush_output() -> None:
    """Show what was printed; that nobody reads it, as after `| head`, must not fail a request."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()


def _discard_output() -> None:
    """Lead standard output nowhere from now on (Python's documentation of SIGPIPE), what is in its buffer included."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
