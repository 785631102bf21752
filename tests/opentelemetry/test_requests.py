"""What the `requests` library sends is traced, apart from telemetry itself, and costs nothing before it is used."""

from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from opentelemetry.util.http import parse_excluded_urls

from ext_opentelemetry import instrument
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.ingestion import HANG, Answer, IngestionServer
from tests.support.lifecycle import TRACEPARENT, invoke

TRIGGER = Trigger("timer", "timerTrigger", {})


@pytest.fixture
def web():
    """A web server that keeps the headers it got."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.seen = seen
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        running.url = f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()


def test_a_call_is_a_dependency_of_its_invocation(fresh, server, web):
    """With the trace handed on to whom it calls."""
    fresh.configure(connection_string=server.connection_string)
    invoke(lambda context: requests.get(f"{web.url}/stock?x=1", timeout=20) and None, name="Job", trigger=TRIGGER)
    assert flush(20.0)

    dependency, request = (item["data"]["baseData"] for item in server.items)
    assert dependency["name"] == "GET /stock"
    assert (dependency["type"], dependency["resultCode"], dependency["success"]) == ("HTTP", "200", True)
    assert dependency["target"] == web.url.removeprefix("http://")
    assert server.items[0]["tags"]["ai.operation.parentId"] == request["id"]
    traceparent = {key.lower(): value for key, value in web.seen[0].items()}["traceparent"]
    assert traceparent == f"00-{TRACEPARENT[3:35]}-{dependency['id']}-01"


def test_calls_to_an_ingestion_endpoint_are_never_traced(fresh, server, web):
    """Neither to ours, nor to the one of another client in the app."""
    fresh.configure(connection_string=server.connection_string)

    def main(context):
        requests.get(server.url, timeout=20)
        requests.post(f"{web.url}/v2.1/track", timeout=20)
        requests.post(f"{web.url}/v2/track", timeout=20)

    invoke(main, name="Job", trigger=TRIGGER)
    assert flush(20.0)

    items = [item for request in server.requests if request.body for item in request.items]
    assert [item["data"]["baseData"]["name"] for item in items] == ["Job"]


def test_a_service_beside_the_ingestion_endpoint_is_traced():
    """Its address can begin with the endpoint's: only the whole host and port count."""
    excluded = parse_excluded_urls(instrument.excluded_urls("requests", ("http://localhost",)))

    assert excluded.url_disabled("http://localhost/v2.1/track")
    assert excluded.url_disabled("http://localhost")
    assert not excluded.url_disabled("http://localhost:8080/stock")
    assert not excluded.url_disabled("http://localhost.example/stock")


def test_the_apps_own_exclusions_stay(monkeypatch: pytest.MonkeyPatch):
    """Ours are added to them."""
    monkeypatch.setenv("OTEL_PYTHON_REQUESTS_EXCLUDED_URLS", "health,ready")

    ours = r"http://a\.b(?=[/?#]|$),http://c(?=[/?#]|$),/v2(\.1)?/track$"
    assert instrument.excluded_urls("requests", ("http://a.b", "http://c")) == f"health,ready,{ours}"
    monkeypatch.delenv("OTEL_PYTHON_REQUESTS_EXCLUDED_URLS")
    assert instrument.excluded_urls("requests", ()) == r"/v2(\.1)?/track$"


def test_it_can_be_switched_off(fresh, server, web):
    """Also after it was on."""
    for instrumented, names in [(("requests",), {"GET /", "Job"}), ((), {"Job"})]:
        server.requests.clear()
        fresh.configure(connection_string=server.connection_string, instrument=instrumented)
        invoke(lambda context: requests.get(web.url, timeout=20) and None, name="Job", trigger=TRIGGER)
        assert flush(20.0)
        assert {item["data"]["baseData"]["name"] for item in server.items} == names


def test_a_missing_instrumentation_is_told_with_the_command(fresh, monkeypatch, caplog):
    """One line, once."""
    caplog.set_level(logging.INFO, logger="ext_opentelemetry")
    find = importlib.util.find_spec
    monkeypatch.setattr(instrument, "find_spec", lambda name: None if "instrumentation" in name else find(name))
    for name in [name for name in sys.modules if name.startswith("opentelemetry.instrumentation.requests")]:
        monkeypatch.delitem(sys.modules, name)
    fresh.configure(exporter="none")
    for _ in range(3):
        invoke(lambda: None, name="Job", trigger=TRIGGER)

    assert [r.getMessage() for r in caplog.records] == [
        "Calls of the requests library are not traced: its instrumentation is not installed. "
        "To have it: pip install 'azfunc-ext-opentelemetry[requests]'"
    ]


SCRIPT = """
import json, sys
from ext_opentelemetry import OpenTelemetryExtension
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke
OpenTelemetryExtension.configure(connection_string=sys.argv[1])
loaded = lambda: [n for n in ("requests", "opentelemetry.instrumentation.requests", "urllib3") if n in sys.modules]
trigger = Trigger("timer", "timerTrigger", {})
before = loaded()
invoke(lambda: None, name="First", trigger=trigger)
idle = loaded()
def main():
    import requests
    from requests import get
    get(sys.argv[2], timeout=20)
invoke(main, name="Second", trigger=trigger)
print(json.dumps([before, [n for n in idle if n != "urllib3"], loaded()]))
"""


def test_nothing_is_imported_before_the_app_imports_requests(server, web, tmp_path):
    """And then its very first call is traced."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, server.connection_string, web.url],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    before, idle, after = json.loads(done.stdout)
    assert (before, idle) == ([], [])
    assert set(after) == {"requests", "opentelemetry.instrumentation.requests", "urllib3"}
    assert "GET /" in {item["data"]["baseData"]["name"] for item in server.wait_for_items(3)}


@pytest.mark.parametrize(
    "default",
    [HANG, Answer(delay=3.0), Answer(200, body=b"<html>"), Answer(500), Answer(raw=b"junk")],
    ids=["hangs", "slow", "rubbish", "failing", "no http"],
)
def test_a_bad_service_does_not_slow_the_function(fresh, default: Answer):
    """Two hundred invocations do not wait for a service of which each request would take seconds, and are all served."""
    with IngestionServer(default=default) as bad:
        fresh.configure(connection_string=bad.connection_string)

        def serve() -> None:
            assert invoke(lambda: "fine", name="Job", trigger=TRIGGER) == "fine"

        serve()
        threading.Thread(target=flush, args=(1.0,), daemon=True).start()
        bad.wait_for_requests(1)
        done = threading.Event()

        def many() -> None:
            for _ in range(200):
                serve()
            done.set()

        threading.Thread(target=many, daemon=True).start()
        assert done.wait(10.0)
        assert len(bad.requests) < 20
