"""Telemetry records made of log records."""

from __future__ import annotations

import logging
from time import time_ns
from typing import TYPE_CHECKING

from ext_opentelemetry.records import Record
from ext_telemetry.logs import fields
from ext_telemetry.logs.flood import Site
from ext_telemetry.logs.scope import NONE, Ids, ids_of_span

if TYPE_CHECKING:
    from ext_telemetry.logs.scope import Scope

FLOOD = "{count} records of {path}:{line} were left out: this line logs more than flood_burst and flood_rate allow."
LEFT_OUT = "flood.left_out"


def record_of(record: logging.LogRecord, where: Scope | None) -> Record:
    """Return what is exported of a log record, with the operation that it belongs to."""
    ids = ids_of_span()
    if not ids.trace_id and where is not None:
        ids = where.ids
    made = _record(ids, record.name, record.levelno, record.levelname)
    made.timestamp = int(record.created * 1e9)
    made.body = fields.body_of(record)
    made.attributes = fields.attributes_of(record)
    made.exception = fields.exception_of(record)
    return made


def notice(site: Site, left_out: int, where: Scope | None) -> Record:
    """Return the record that tells how many others were left out."""
    made = _record(NONE if where is None else where.ids, site.name, logging.WARNING, "WARNING")
    made.body = FLOOD.format(count=left_out, path=site.path, line=site.line)
    made.attributes = {"code.file.path": site.path, "code.line.number": site.line, LEFT_OUT: left_out}
    return made


def site_of(record: logging.LogRecord) -> Site:
    """Return the line of code that logged."""
    return Site(record.name, record.pathname, record.lineno, record.levelno)


def _record(ids: Ids, logger: str, level: int, level_name: str) -> Record:
    now = time_ns()
    return Record(
        timestamp=now,
        observed_timestamp=now,
        trace_id=ids.trace_id,
        span_id=ids.span_id,
        trace_flags=ids.flags,
        severity_number=fields.severity_number(level),
        severity_text=level_name,
        scope_name=logger,
    )
