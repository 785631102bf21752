"""With the local Application Insights down, slow or mad, an app is served as fast as before, and it is said once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter

import pytest

from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.host import RunningHost, request, write_app
from tests.support.ingestion import HANG, KEY, Answer, IngestionServer
from tests.support.lifecycle import invoke

TIMER = Trigger("timer", "timerTrigger", {})

APP = """
import azure.functions as func
import ext_sdk
from ext_opentelemetry import OpenTelemetryExtension

OpenTelemetryExtension.configure()
app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route("work")
def work(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("inside"):
        return "done"


@app.route("deliver")
def deliver(req: func.HttpRequest) -> str:
    return str(ext_sdk.flush(0.3))
"""

KEPT = "the items are kept and sent later. Check IngestionEndpoint in the connection string, and the network."
SAID = {
    "healthy": [],
    "refused": [f"the service cannot be reached (ConnectionRefusedError: [Errno 111] Connection refused); {KEPT}"],
    "hanging": [f"the service did not answer within 10 s; {KEPT}"],
    "rubbish": [
        "what answers there is not Application Insights; the items are kept. "
        "Check IngestionEndpoint in the connection string, and proxies on the way."
    ],
}

ROUNDS = 60
BOUND = 2.0
"""Medians on a machine that does other things as well; a wait for the service would be a thousand times as long."""


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Give the address of an ingestion endpoint of each kind; nobody listens at the refused one."""
    answers = {"healthy": Answer(), "hanging": HANG, "rubbish": Answer(200, body=b"<html>Please log in</html>")}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(IngestionServer(default=answer)) for name, answer in answers.items()}
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        ports = {name: server.port for name, server in servers.items()} | {"refused": bound.getsockname()[1]}
        yield {name: f"127.0.0.1:{port}" for name, port in ports.items()}


def seconds(host: RunningHost) -> float:
    """Return how long a request takes, on a connection of its own: what a kept one adds is not of the app's making."""
    started = perf_counter()
    assert request(f"{host.url}/api/work").body == b"done"
    return perf_counter() - started


def test_a_bad_service_does_not_slow_the_app_and_is_said_once(tmp_path):
    """Beside a healthy one in the same run, turn by turn; on the console of `azfunc-ext run`, one line that says all."""
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    with ExitStack() as stack:
        addresses = stack.enter_context(services())
        hosts = {
            name: stack.enter_context(
                RunningHost(app, APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={KEY};IngestionEndpoint=http://{at}/")
            )
            for name, at in addresses.items()
        }  # fmt: skip
        for host in hosts.values():
            seconds(host)
        delivered = {name: request(f"{host.url}/api/deliver").body for name, host in hosts.items()}
        turns = [{name: seconds(host) for name, host in hosts.items()} for _ in range(ROUNDS)]
        for name, lines in SAID.items():
            if lines:
                hosts[name].wait_for("Telemetry to")
        for host in hosts.values():
            assert request(f"{host.url}/api/work").body == b"done"
            assert host.stop() == 0
        printed = {name: [*host.lines, *host.rest()] for name, host in hosts.items()}

    assert delivered == {"healthy": b"True", "refused": b"False", "hanging": b"False", "rubbish": b"False"}
    usual = median(turn["healthy"] for turn in turns)
    ratios = {name: median(turn[name] for turn in turns) / usual for name in SAID}
    assert max(ratios.values()) < BOUND, ratios
    for name, lines in SAID.items():
        found = [
            line.partition("] ")[2]
            for line in printed[name]
            if "ext_appinsights" in line or "ext_opentelemetry" in line
        ]
        assert found == [f"WARNING ext_appinsights: Telemetry to {addresses[name]}: {line}" for line in lines]


@pytest.mark.parametrize("hosted", [True, False], ids=["under a host", "elsewhere"])
def test_trouble_is_said_where_it_is_shown(fresh, monkeypatch, caplog, hosted: bool):
    """Once: a host shows only lines of invocations, so there the next one says it; elsewhere it is said at once."""
    if hosted:
        monkeypatch.setenv("FUNCTIONS_CORETOOLS_ENVIRONMENT", "true")
    said = lambda: [r.threadName for r in caplog.records if r.name == "ext_appinsights"]  # noqa: E731
    fresh.configure(connection_string="InstrumentationKey=k;IngestionEndpoint=http://127.0.0.1:1")
    invoke(lambda: None, name="Job", trigger=TIMER)
    assert not flush(0.5)
    assert said() == ([] if hosted else ["ext_appinsights"])

    for _ in range(3):
        invoke(lambda: None, name="Job", trigger=TIMER)
    assert said() == (["MainThread"] if hosted else ["ext_appinsights"])
