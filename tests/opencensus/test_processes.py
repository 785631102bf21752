"""What changes a process for good, each in one of its own: integrations, OpenTelemetry underneath, wrong app settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.support.lifecycle import TRACEPARENT

ROOT = Path(__file__).resolve().parents[2]
TRACE, CALLER = TRACEPARENT.split("-")[1:3]

pytestmark = pytest.mark.timeout(120)


def run(source, **settings):
    """Run a program; return what it printed last, and what it logged."""
    first = (
        "import asyncio, json, logging, os, sys\n"
        "logging.basicConfig(format='%(levelname)s %(message)s')\n"
        "from tests.support.lifecycle import Context, invoke\n"
        "from ext_sdk import flush\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", first + textwrap.dedent(source)],
        cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None, done.stderr


@pytest.fixture
def insights():
    with InsightsServer() as server:
        yield server


CALLS = """
import requests
from opencensus.trace import config_integration
from ext_opencensus import OpenCensusExtension
config_integration.trace_integrations(["requests", "logging"])
OpenCensusExtension.configure({options})
records = []
class Keep(logging.Handler):
    def emit(self, record):
        records.append([record.traceId, record.spanId, record.traceSampled])
logger = logging.getLogger("mine")
logger.addHandler(Keep())

def main(req, context):
    with context.tracer.span("parent") as span:
        logger.warning("inside")
        requests.get(os.environ["BACKEND"] + "/items?code=very-secret", timeout=10)
        return span.span_id

own = invoke(main, req=1)
assert flush(20.0)
print(json.dumps([own, records]))
"""


def test_requests_and_logging_are_integrated_and_our_own_delivery_is_not_traced(insights):
    with backend() as service:
        (own, records), _ = run(
            CALLS.format(options=""),
            APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, BACKEND=service.url,
        )  # fmt: skip

    call, parent = sorted(insights.store.rows("dependencies"), key=lambda row: row["name"])
    assert (call["name"], call["type"], call["operation_ParentId"]) == ("GET /items", "HTTP", parent["id"])
    assert call["data"] == f"{service.url}/items?code=REDACTED"
    assert call["target"] == service.url.removeprefix("http://")
    assert parent["id"] == own
    assert service.requests[0]["traceparent"] == f"00-{TRACE}-{call['id']}-01"
    assert records == [[TRACE, own, True]]


def test_with_opentelemetry_underneath_the_same_code_makes_its_spans(insights):
    """One for the call, by OpenTelemetry's own instrumentation; logs have the ids of the trace."""
    with backend() as service:
        (_, records), logged = run(
            CALLS.format(options="underneath='opentelemetry'"),
            APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, BACKEND=service.url,
        )  # fmt: skip

    (request,) = insights.store.rows("requests")
    call, parent = sorted(insights.store.rows("dependencies"), key=lambda row: row["name"])
    assert (request["operation_Id"], request["operation_ParentId"]) == (TRACE, CALLER)
    assert (call["name"], call["operation_ParentId"]) == ("GET /items", parent["id"])
    assert (parent["name"], parent["operation_ParentId"]) == ("parent", request["id"])
    assert service.requests[0]["traceparent"] == f"00-{TRACE}-{call['id']}-01"
    assert records == [[TRACE, parent["id"], True]]
    assert "ERROR" not in logged


def test_the_app_setting_alone_puts_opentelemetry_underneath(insights):
    """Nothing calls `configure`: the class itself brings OpenTelemetryExtension in when it is defined."""
    _, logged = run(
        """
        from ext_opencensus import OpenCensusExtension
        def main(req, context):
            with context.tracer.span("work") as span:
                return type(span).__name__
        found = invoke(main, req=1)
        assert flush(20.0)
        assert found == "ShimSpan", found
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, EXT_OPENCENSUS_UNDERNEATH="opentelemetry",
    )  # fmt: skip

    (request,) = insights.store.rows("requests")
    (span,) = insights.store.rows("dependencies")
    assert (span["name"], span["operation_ParentId"]) == ("work", request["id"])
    assert "ERROR" not in logged


def test_with_opentelemetry_underneath_options_are_passed_on_and_failures_recorded(insights):
    found, logged = run(
        """
        from opencensus.trace import execution_context
        from opencensus.trace.samplers import ProbabilitySampler
        from ext_opencensus import OpenCensusExtension
        OpenCensusExtension.configure(
            underneath="opentelemetry", connection_string=os.environ["TARGET"], enable_local_storage=False, timeout=3,
            sampler=ProbabilitySampler(1.0), flush="background",
        )
        from ext_opentelemetry import OpenTelemetryExtension
        async def main(req, context):
            with context.tracer.span("work") as span:
                span.add_attribute("rows", 7)
                span.add_annotation("half way", done=3)
                await asyncio.sleep(0)
                raise LookupError("no such item")
        before = execution_context.get_opencensus_full_context()
        try:
            invoke(main, req=1)
        except LookupError:
            pass
        assert execution_context.get_opencensus_full_context() == before
        assert flush(20.0)
        settings = OpenTelemetryExtension.settings()
        print(json.dumps([settings.journal, settings.sampling_ratio, settings.flush]))
        """,
        TARGET=insights.connection_string,
    )

    assert found == [False, 1.0, "background"]
    (request,) = insights.store.rows("requests")
    (span,) = insights.store.rows("dependencies")
    assert (span["name"], span["success"], span["customDimensions"]["rows"]) == ("work", False, "7")
    assert span["operation_ParentId"] == request["id"]
    assert {row["type"] for row in insights.store.rows("exceptions")} == {"LookupError"}
    assert [row["message"] for row in insights.store.rows("traces")] == ["half way"]
    assert [line for line in logged.splitlines() if line.startswith("WARNING")] == [
        "WARNING OpenCensusExtension: the option 'timeout' has no effect: with underneath='opentelemetry' it is "
        "OpenTelemetryExtension that exports."
    ]


def test_with_opentelemetry_underneath_ids_are_those_of_its_spans_also_without_a_caller(insights):
    found, _ = run(
        """
        from types import SimpleNamespace
        from ext_opencensus import OpenCensusExtension
        OpenCensusExtension.configure(underneath="opentelemetry")
        def main(req, context):
            with context.tracer.span("work"):
                given = context.tracer.span_context
                return context.tracer.propagator.to_headers(given)["traceparent"].split("-")[1:]
        found = invoke(main, req=1, context=Context(trace_context=SimpleNamespace(trace_parent="", trace_state="")))
        assert flush(20.0)
        print(json.dumps(found))
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string,
    )

    (request,) = insights.store.rows("requests")
    (span,) = insights.store.rows("dependencies")
    assert span["operation_ParentId"] == request["id"]
    assert found == [span["operation_Id"], span["id"], "01"]


def test_what_makes_spans_can_be_changed_and_changed_back(insights):
    found, _ = run(
        """
        from ext_opencensus import OpenCensusExtension
        def main(req, context):
            with context.tracer.span("work") as span:
                return type(span).__name__
        kinds = []
        for underneath in ("opencensus", "opentelemetry", "opencensus"):
            OpenCensusExtension.configure(underneath=underneath)
            kinds.append(invoke(main, req=1))
        assert flush(20.0)
        print(json.dumps(kinds))
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string,
    )

    assert found == ["InvocationSpan", "ShimSpan", "InvocationSpan"]


def test_an_app_setting_alone_has_opentelemetry_underneath(insights):
    """It counts as soon as the extension is imported, which is while its class is made."""
    found, logged = run(
        """
        from ext_opencensus import OpenCensusExtension
        from ext_sdk import extensions
        def main(req, context):
            with context.tracer.span("work") as span:
                return type(span).__name__
        kind = invoke(main, req=1)
        assert flush(20.0)
        print(json.dumps([kind, sorted(one.name for one in extensions())]))
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, EXT_OPENCENSUS_UNDERNEATH="opentelemetry",
    )  # fmt: skip

    assert logged == ""
    assert found == ["ShimSpan", ["OpenCensusExtension", "OpenTelemetryExtension"]]
    (request,), (span,) = insights.store.rows("requests"), insights.store.rows("dependencies")
    assert (span["name"], span["operation_ParentId"]) == ("work", request["id"])


def test_what_makes_spans_can_be_changed_before_the_first_invocation(insights):
    """As where code says otherwise than the app setting, which counts from the import on."""
    found, _ = run(
        """
        from ext_opencensus import OpenCensusExtension
        OpenCensusExtension.configure(underneath="opencensus")
        def main(req, context):
            with context.tracer.span("work") as span:
                return type(span).__name__
        print(json.dumps(invoke(main, req=1)))
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, EXT_OPENCENSUS_UNDERNEATH="opentelemetry",
    )  # fmt: skip

    assert found == "InvocationSpan"


def test_what_an_exporter_sends_by_requests_is_no_span():
    """It would be exported in turn, and so on."""
    with backend() as service:
        found, _ = run(
            """
            import requests
            from opencensus.trace import config_integration, execution_context
            from ext_opencensus import OpenCensusExtension
            config_integration.trace_integrations(["requests"])
            names = []
            class Poster:
                def export(self, spans):
                    names.extend(span.name for span in spans)
                    requests.get(os.environ["BACKEND"] + "/spans", timeout=10)
            OpenCensusExtension.configure(exporter=Poster())
            def main(req, context):
                with context.tracer.span("work"):
                    pass
                requests.get(os.environ["BACKEND"] + "/items", timeout=10)
                return execution_context.is_exporter()
            print(json.dumps([invoke(main, req=1), names]))
            """,
            BACKEND=service.url,
        )

    assert found == [False, ["work", "/items"]]
    assert len(service.requests) == 3


def test_an_app_setting_that_is_wrong_is_said_once_and_stops_nothing():
    found, logged = run(
        """
        from ext_opencensus import OpenCensusExtension
        def main(req, context):
            with context.tracer.span("work"):
                return "ok"
        print(json.dumps([invoke(main, req=1), invoke(main, req=1)]))
        """,
        EXT_OPENCENSUS_TIMEOUT="soon",
    )

    assert found == ["ok", "ok"]
    assert logged.splitlines() == [
        "ERROR Spans are not exported: OpenCensusExtension: app setting EXT_OPENCENSUS_TIMEOUT is 'soon'. "
        "Allowed: a number."
    ]


def test_neither_opencensus_nor_opentelemetry_is_imported_before_it_is_needed():
    """Importing and configuring is what a cold start pays."""
    found, _ = run(
        """
        from ext_opencensus import OpenCensusExtension
        OpenCensusExtension.configure()
        early = sorted({name.partition(".")[0] for name in sys.modules} & {"opencensus", "google", "urllib3"})
        invoke(lambda req, context: context.tracer.span("x").__exit__(None, None, None), req=1)
        late = sorted(name for name in sys.modules if name.startswith(("opentelemetry", "ext_opentelemetry")))
        print(json.dumps([early, late]))
        """,
        APPLICATIONINSIGHTS_CONNECTION_STRING="InstrumentationKey=1;IngestionEndpoint=http://127.0.0.1:1",
    )

    assert found == [[], []]


def test_it_does_nothing_where_extensions_are_switched_off():
    found, _ = run(
        """
        from opencensus.trace.tracer import Tracer
        from ext_opencensus import OpenCensusExtension
        OpenCensusExtension.configure(underneath="opentelemetry")
        print(json.dumps([isinstance(vars(Tracer).get("tracer"), property), "ext_opentelemetry" in sys.modules]))
        """,
        PYTHON_ENABLE_WORKER_EXTENSIONS="0",
    )

    assert found == [False, False]
