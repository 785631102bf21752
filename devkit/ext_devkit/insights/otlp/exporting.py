"""What the OTLP paths do with a body: read it, map it as our exporter would, store it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.ingest.rejection import BAD_REQUEST, UNAVAILABLE, RejectedError
from ext_devkit.insights.ingest.track import keep
from ext_devkit.insights.otlp.batch import Batch
from ext_devkit.insights.otlp.mapping import mappers
from ext_devkit.insights.otlp.origin import Origins
from ext_devkit.insights.otlp.points import check_finite, collected, points_of
from ext_devkit.insights.otlp.reading import read_json, read_protobuf
from ext_devkit.insights.otlp.signals import signals
from ext_devkit.insights.otlp.totals import series_of
from ext_devkit.insights.otlp.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.insights.ingest.receiving import Intake, Spoil
    from ext_devkit.insights.otlp.reading import Sent
    from ext_devkit.insights.otlp.totals import Totals


class Outcome(NamedTuple):
    """How many items are refused, of how many, and why the first one is."""

    rejected: int
    received: int
    reason: str


def export(
    body: bytes | bytearray, signal: str, *, as_json: bool, intake: Intake, spoil: Spoil | None = None
) -> Outcome:
    """Store what a request brings; return when it is committed. Raises RejectedError if it cannot be read or stored."""
    kind = signals()[signal]
    sent = (read_json if as_json else read_protobuf)(body, kind)
    batch = Batch(strict=intake.strict, spoil=spoil)
    if signal == "metrics":
        with intake.totals as totals:
            _metrics(sent, batch, totals)
            _store(batch, intake)
            totals.keep()
    else:
        (_spans if signal == "traces" else _logs)(sent, batch)
        _store(batch, intake)
    return Outcome(batch.rejected, batch.received, batch.reason)


def _store(batch: Batch, intake: Intake) -> None:
    if batch.rows and (reason := keep(batch.rows, intake.store)) is not None:
        raise RejectedError(reason, UNAVAILABLE)


def _spans(sent: Iterator[Sent], batch: Batch) -> None:
    from ext_devkit.insights.otlp.spans import span_of

    mapping = mappers()
    values = Values()
    origins = Origins(values)
    spans: list[tuple[Any, str]] = []
    for one in sent:
        origin = origins.of(one.resource)
        try:
            spans.append((span_of(one, origin, values), origin.sdk_version))
        except RejectedError as error:
            if error.status != BAD_REQUEST:
                raise
            batch.refuse(error)
    operations = mapping.operations_within([span for span, _ in spans])
    for (span, version), operation in zip(spans, operations, strict=True):
        batch.add(mapping.spans.lines(span, operation), version)


def _logs(sent: Iterator[Sent], batch: Batch) -> None:
    from ext_appinsights import lines
    from ext_devkit.insights.otlp.logs import record_of

    mapper = mappers().logs
    values = Values()
    origins = Origins(values)
    for one in sent:
        origin = origins.of(one.resource)
        envelopes = mapper.envelopes(record_of(one, origin, values))
        batch.add(map(lines.line, envelopes), origin.sdk_version)


def _metrics(sent: Iterator[Sent], batch: Batch, totals: Totals) -> None:
    from ext_appinsights import lines

    mapper = mappers().metrics
    values = Values()
    origins = Origins(values)
    for one in sent:
        origin = origins.of(one.resource)
        for point, message, is_total in points_of(one.item, values):
            try:
                check_finite(one.item.name, point)
            except RejectedError as error:
                batch.refuse(error)
                continue
            series = series_of(one.resource, one.scope, one.item, message) if is_total else b""
            start = message.start_time_unix_nano
            grown = totals.growth(series, start, point) if is_total else point
            if grown is None:
                batch.received += 1
                continue
            envelopes = mapper.envelopes(collected(one, origin, grown))
            if batch.add(map(lines.line, envelopes), origin.sdk_version) and is_total:
                totals.note(series, start, point)
