"""Telemetry records made of log records."""

from __future__ import annotations

import logging
from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry import trace

from ext_opentelemetry.records import Record
from ext_telemetry.logs import fields
from ext_telemetry.logs.flood import Site
from ext_telemetry.logs.scope import NONE

if TYPE_CHECKING:
    from ext_telemetry.logs.scope import Scope

FLOOD = "{count} records of {path}:{line} were left out: this line logs more than flood_burst and flood_rate allow."
LEFT_OUT = "flood.left_out"


def record_of(record: logging.LogRecord, where: Scope | None) -> Record:
    """Return what is exported of a log record, with the operation that it belongs to."""
    span = trace.get_current_span().get_span_context()
    trace_id, span_id = span.trace_id, span.span_id
    flags: int = span.trace_flags
    if where is not None and not span.is_valid:
        trace_id, span_id, flags = where.ids
    nanoseconds = int(record.created * 1e9)
    return Record(
        timestamp=nanoseconds,
        observed_timestamp=nanoseconds,
        trace_id=trace_id,
        span_id=span_id,
        trace_flags=flags,
        severity_number=fields.severity_number(record.levelno),
        severity_text=record.levelname,
        body=fields.body_of(record),
        attributes=fields.attributes_of(record),
        exception=fields.exception_of(record) if record.exc_info else None,
        scope_name=record.name,
        operation_name="" if where is None else where.name,
    )


def notice(site: Site, left_out: int, where: Scope | None) -> Record:
    """Return the record that tells how many others were left out."""
    ids = NONE if where is None else where.ids
    now = time_ns()
    return Record(
        timestamp=now,
        observed_timestamp=now,
        trace_id=ids.trace_id,
        span_id=ids.span_id,
        trace_flags=ids.flags,
        severity_number=fields.severity_number(logging.WARNING),
        severity_text="WARNING",
        body=FLOOD.format(count=left_out, path=site.path, line=site.line),
        attributes={"code.file.path": site.path, "code.line.number": site.line, LEFT_OUT: left_out},
        scope_name=site.name,
        operation_name="" if where is None else where.name,
    )


def site_of(record: logging.LogRecord) -> Site:
    """Return the line of code that logged."""
    return Site(record.name, record.pathname, record.lineno, record.levelno)
