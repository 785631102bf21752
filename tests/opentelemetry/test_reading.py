"""The fields of a span are read at once, whatever kind of span it is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanContext, SpanKind

from ext_opentelemetry.lean import LeanSpans
from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operations
from ext_opentelemetry.reading import Fields, ends, ids, plain, read

PARENT = SpanContext(3, 4, is_remote=True)


class Nothing:
    """A processor that does nothing."""

    def on_start(self, span):
        pass

    def on_end(self, span):
        pass


class Renamed(ReadableSpan):
    """A span of an app's own, which tells another name than the one that it was made with."""

    @property
    def name(self):
        return f"renamed {super().name}"


def spans():
    provider = TracerProvider(shutdown_on_exit=False)
    lean = LeanSpans(provider, Nothing(), "t").start("work", PARENT, SpanKind.SERVER, {"a": 1})
    lean.end()
    recorded = provider.get_tracer("t").start_span("work", kind=SpanKind.SERVER, attributes={"a": 1})
    recorded.end()
    context = SpanContext(1, 2, is_remote=False)
    readable = ReadableSpan("work", context, PARENT, Resource({}), {"a": 1}, kind=SpanKind.SERVER)
    return [lean, recorded, recorded._readable_span(), readable, Renamed("work", context, PARENT, Resource({}))]


@pytest.mark.parametrize("span", spans(), ids=["lean", "recorded", "readable", "made by hand", "of the app"])
def test_what_is_read_is_what_the_properties_say(span):
    fields = Fields(*read(span))

    assert dict(fields.attributes or {}) == dict(span.attributes or {})
    for name in set(Fields._fields) - {"attributes"}:
        assert getattr(fields, name) == getattr(span, name), name
    assert ends(span) == (span.context, span.parent)
    assert ids(span.context) == (span.context.trace_id, span.context.span_id)


def test_a_span_that_tells_another_name_keeps_it():
    (line,) = Mapper().lines(Renamed("work", SpanContext(1, 2, is_remote=False), None, Resource({})), None)

    assert b'"name":"renamed work"' in line


@pytest.mark.parametrize("attributes", [{"a": 1}, BoundedAttributes(8, {"a": 1}), None])
def test_attributes_are_a_dict(attributes):
    assert plain(attributes) == (attributes or {})
    assert type(plain(attributes)) is dict


OTHERWISE = """
from opentelemetry.sdk import trace
from opentelemetry.trace import SpanContext, SpanKind
from opentelemetry.sdk.resources import Resource
class Other(trace.ReadableSpan):
    def __init__(self, *args, **given):
        super().__init__(*args, **given)
        self._told = self.__dict__.pop("_name")
    name = property(lambda self: self._told)
trace.ReadableSpan = Other
from ext_opentelemetry import reading
span = Other("work", SpanContext(1, 2, False), None, Resource({}))
print(reading._known, reading.Fields(*reading.read(span)).name)
"""


def test_an_sdk_with_other_fields_is_read_by_its_properties():
    ended = subprocess.run([sys.executable, "-c", OTHERWISE], check=False, capture_output=True, text=True, timeout=60)

    assert (ended.stdout, ended.stderr) == ("set() work\n", "")


def test_operations_know_spans_of_all_kinds():
    operations = Operations()
    for span in spans():
        operations.start(span)
        assert operations.of(span).name == span.name
