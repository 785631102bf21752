"""For each distribution the smallest app that shows it at work, and for each extra a program that needs it."""

from __future__ import annotations

from typing import Any

HEAD = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""

ALONE: dict[str, tuple[str, dict[str, Any]]] = {
    "azfunc-ext-sdk": (
        """
from ext_sdk import AppExtension

class Sees(AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        invocation.attributes["what"] = "seen"
        yield

@app.route("work")
def work(req: func.HttpRequest, context: func.Context) -> str:
    return func.HttpResponse(str(context.app_ext_attributes))
""",
        {"body": ".*seen.*"},
    ),
    "azfunc-ext-timing": (
        """
from ext_timing import TimingExtension

@app.route("work")
def work(req: func.HttpRequest) -> str:
    return func.HttpResponse("done")
""",
        {"headers": ["server-timing"]},
    ),
    "azfunc-ext-opentelemetry": (
        """
from ext_opentelemetry import OpenTelemetryExtension

OpenTelemetryExtension.configure()

@app.route("work")
def work(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("step"):
        return func.HttpResponse("done")
""",
        {"table": "dependencies", "name": "step"},
    ),
    "azfunc-ext-opencensus": (
        """
from ext_opencensus import OpenCensusExtension

OpenCensusExtension.configure()

@app.route("work")
def work(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("step"):
        return func.HttpResponse("done")
""",
        {"table": "dependencies", "name": "step"},
    ),
    "azfunc-ext-telemetry": (
        """
from ext_telemetry import TelemetryExtension, track_event

TelemetryExtension.configure()

@app.route("work")
def work(req: func.HttpRequest) -> str:
    track_event("order placed")
    return func.HttpResponse("done")
""",
        {"table": "customEvents", "name": "order placed"},
    ),
}
"""Name -> the code of an app with one function, and what shows that it works: a row, a header or the body."""


def program(code: str) -> list[str]:
    """Return the arguments of Python for a program that says so when it has come to its end."""
    return ["-c", f"{code}\nprint('done')"]


EXTRAS = {
    "azfunc-ext-appinsights[entra]": (program("from azure.identity import ManagedIdentityCredential"), "done"),
    "azfunc-ext-opencensus[logging]": (
        program("from opencensus.trace import config_integration as c; c.trace_integrations(['logging'])"), "done",
    ),
    "azfunc-ext-opencensus[opentelemetry]": (
        program("import ext_opentelemetry; from opentelemetry.shim.opencensus import install_shim"), "done",
    ),
    "azfunc-ext-opencensus[requests]": (
        program("from opencensus.trace import config_integration as c; c.trace_integrations(['requests'])"), "done",
    ),
    "azfunc-ext-opentelemetry[otlp]": (
        program("from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter"), "done",
    ),
    "azfunc-ext-opentelemetry[requests]": (
        program("import requests; from opentelemetry.instrumentation.requests import RequestsInstrumentor"), "done",
    ),
    "azfunc-ext-devkit[demo]": (["-m", "ext_devkit", "demo", "--once"], "GET /"),
    "azfunc-ext-devkit[test]": (["-m", "pytest", "--fixtures"], "function_app"),
}  # fmt: skip
"""Requirement -> the arguments of Python for what its extra promises, and a word that is then printed."""
