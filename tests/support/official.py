"""Cases of spans, what azure-monitor-opentelemetry-exporter makes of them, and rules about how ours differ from that."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from azure.monitor.opentelemetry.exporter.export.trace import _exporter as official

REQUESTS = (SpanKind.SERVER, SpanKind.CONSUMER)
TRACE = 0x0AF7651916CD43DD8448EB211C80319C
Attributes = dict[str, Any]
Items = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A span as it was generated."""

    name: str = "work"
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Attributes = field(default_factory=dict)
    parent: bool = True
    links: tuple[Attributes, ...] = ()
    events: tuple[tuple[str, Attributes], ...] = ()
    status: StatusCode = StatusCode.UNSET
    start: int | None = 1_767_323_045_678_901_234
    end: int | None = 1_767_323_045_778_901_234
    resource: Attributes = field(default_factory=lambda: {"service.name": "shop", "service.instance.id": "one"})
    scope: str | None = "test"

    @property
    def http(self) -> str:
        return str(self.attributes.get("http.request.method") or self.attributes.get("http.method") or "")

    def span(self) -> ReadableSpan:
        """Return it as the SDK hands it to exporters."""
        return ReadableSpan(
            self.name,
            SpanContext(TRACE, 0x00F067AA0BA902B7, is_remote=False, trace_flags=TraceFlags(1)),
            SpanContext(TRACE, 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(1)) if self.parent else None,
            Resource(self.resource),
            _bounded(self.attributes),
            [Event(name, _bounded(attributes), (self.start or 0) + 5_000) for name, attributes in self.events],
            [
                Link(SpanContext(number + 1, number + 1, is_remote=True), _bounded(attributes))
                for number, attributes in enumerate(self.links)
            ],
            self.kind,
            status=Status(self.status),
            start_time=self.start,
            end_time=self.end,
            instrumentation_scope=None if self.scope is None else InstrumentationScope(self.scope),
        )


def _bounded(attributes: Attributes) -> BoundedAttributes:
    return BoundedAttributes(attributes=attributes, immutable=True)


def theirs(case: Case) -> Items:
    """Return what Microsoft's exporter makes of a case, as it goes over the wire."""
    span = case.span()
    made = [official._convert_span_to_envelope(span), *official._convert_span_events_to_envelopes(span)]
    return [
        comparable({**item.as_dict(), "tags": {getattr(k, "value", k): v for k, v in item.tags.items()}})
        for item in made
    ]


def comparable(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without what is not there: empty texts, what their Python classes have for themselves."""
    data = {
        key: value
        for key, value in item["data"]["baseData"].items()
        if value not in (None, "", {}, []) and key != "kind"
    }
    return {
        "name": item["name"],
        "type": item["data"]["baseType"],
        "time": datetime.fromisoformat(item["time"].replace("Z", "+00:00")),
        "sampleRate": item.get("sampleRate") or 100.0,
        "tags": {key: value for key, value in item["tags"].items() if value not in (None, "")},
        "properties": dict(data.pop("properties", {})),
        "measurements": {key: float(value) for key, value in data.pop("measurements", {}).items()},
        "data": data,
    }


@dataclass(frozen=True)
class Rule:
    """One difference. `see` gives the case that their exporter is shown, `fix` changes its items in place."""

    name: str
    reason: str
    see: Callable[[Case], Case] | None = None
    fix: Callable[[Case, Items], None] | None = None


RULES: list[Rule] = []


def sees(reason: str, *, of_events: bool = False):
    """Make a rule of a function that changes the attributes of a case, and those of its events."""

    def made(change: Callable[[Case, Attributes], None]):
        def see(case: Case) -> Case:
            attributes = dict(case.attributes)
            change(case, attributes)
            events = tuple((name, dict(of_event)) for name, of_event in case.events)
            if of_events:
                for _, of_event in events:
                    change(case, of_event)
            return replace(case, attributes=attributes, events=events)

        RULES.append(Rule(change.__name__, reason, see=see))
        return change

    return made


def fixes(reason: str):
    """Make a rule of a function that changes items."""

    def made(change: Callable[[Case, Items], None]):
        RULES.append(Rule(change.__name__, reason, fix=change))
        return change

    return made


def expected(case: Case, rules: list[Rule]) -> tuple[Items, set[str]]:
    """Return what ours must be, and the names of the rules that made a difference."""
    hit, shown = set(), case
    for rule in rules:
        if rule.see is not None:
            before, shown = shown, rule.see(shown)
            if shown != before or repr(shown.attributes) != repr(before.attributes):
                hit.add(rule.name)
    items = theirs(shown)
    for key in ("az.namespace", "gen_ai.system"):  # fields and dimensions at once; as such they may be empty
        if case.attributes.get(key) == "":
            items[0]["properties"][key] = ""
    for rule in rules:
        if rule.fix is not None:
            before = repr(items)
            rule.fix(shown, items)
            if repr(items) != before:
                hit.add(rule.name)
    return items, hit
