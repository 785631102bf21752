"""Log lines of an invocation, and the items that an ingestion endpoint gets of them."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest

from ext_opentelemetry import OpenTelemetryExtension
from ext_telemetry import TelemetryExtension, logs
from tests.support.ingestion import KEY, IngestionServer
from tests.support.lifecycle import invoke, invoke_async

OTHER = "InstrumentationKey=99999999-2222-3333-4444-555555555555;IngestionEndpoint=http://127.0.0.1:9/"
SAME = f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:9/"
HOST = {"WEBSITE_INSTANCE_ID": "one"}
REPORTS = {**HOST, "APPLICATIONINSIGHTS_CONNECTION_STRING": SAME}


class Lines:
    """Runs work as an invocation, and says what arrived."""

    def __init__(self, server: IngestionServer) -> None:
        self.server = server

    def configure(self, **settings) -> None:
        TelemetryExtension.configure(**settings)

    def run(self, work, **facts):
        """Run `work()` in an invocation."""
        _leave_pytest_out()
        return invoke(lambda context: work(), **facts)

    async def run_async(self, work, **facts):
        """Await `work()` in an invocation."""

        async def function(context):
            return await work()

        return await invoke_async(function, **facts)

    def items(self, kind="MessageData"):
        """Return the items of a type that arrived."""
        assert OpenTelemetryExtension.shutdown(20.0)
        return [one for one in self.server.items if one["data"]["baseType"] == kind]

    def texts(self):
        return [one["data"]["baseData"]["message"] for one in self.items()]


def _leave_pytest_out() -> None:
    """Take its handlers off: they format each line, and fail with those that cannot be."""
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not type(one).__module__.startswith("_pytest")]


@pytest.fixture
def lines(fresh, monkeypatch):
    """The logs as in a new process, exported to a server."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    monkeypatch.setattr(logs, "_decided", (None, None, None))
    monkeypatch.setattr(logs, "_said", set())
    root.setLevel(logging.INFO)
    with IngestionServer() as server:
        OpenTelemetryExtension.configure(connection_string=server.connection_string, journal=False)
        made = Lines(server)
        made.configure()
        yield made
        made.configure(logs="off")
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def set_up(monkeypatch, lines, fresh):
    """Set the environment and the settings of the logs; the app's own connection string is in the code."""

    def of(variables=(), **settings):
        for name, value in dict(variables).items():
            monkeypatch.setenv(name, value)
        fresh.configure(connection_string=lines.server.connection_string, journal=False)
        lines.configure(**settings)

    return of


@pytest.fixture
def worker_handler(monkeypatch):
    """A handler on the root logger that forwards to the host, in a module shaped like the workers' dispatchers."""
    module = ModuleType("some_worker.dispatcher")

    class AsyncLoggingHandler(logging.Handler):
        def __init__(self):
            super().__init__()
            self.forwarded = []

        def emit(self, record):
            self.forwarded.append(record.getMessage())

    class Dispatcher:
        def on_logging(self, record, text):
            pass

    AsyncLoggingHandler.__module__ = module.__name__
    module.Dispatcher = Dispatcher
    module.is_system_log_category = lambda name: name.startswith("some_worker")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    handler = AsyncLoggingHandler()
    root = logging.getLogger()
    root.handlers.insert(0, handler)
    yield handler
    root.removeHandler(handler)
