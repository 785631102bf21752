"""Everything that the demo runs: a service, the local Application Insights and the function app, in one process.

One process, because then nothing can outlive it: whatever ends the demo ends all of it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ext_devkit.demo.service import GreetingService
from ext_devkit.errors import DevkitError
from ext_devkit.host.server import DEFAULT_PORT as APP_PORT
from ext_devkit.host.server import HostServer
from ext_devkit.insights.server import DEFAULT_PORT as INSIGHTS_PORT
from ext_devkit.insights.server import InsightsServer
from ext_sdk import flush

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

APP = Path(__file__).parent / "app"
NEEDED = ("azfunc-ext-opentelemetry", "azfunc-ext-timing", "opentelemetry-instrumentation-requests", "requests")
"""Distributions that the demo's app uses, which the devkit itself does without."""

FLUSH_SECONDS = 2.0

FOREIGN_SETTINGS = (
    "APPLICATIONINSIGHTS_",
    "APPINSIGHTS_",
    "OTEL_",
    "EXT_",
    "FUNCTIONS_",
    "AZUREWEBJOBS",
    "PYTHON_ENABLE_",
)
"""Variables of the user's that would send the demo's telemetry elsewhere, or switch it off."""


class Curtain(io.StringIO):
    """Where the function app's log goes: kept until `open`, which shows new lines on standard error from then on."""

    _opened = False

    def write(self, text: str) -> int:
        """Keep the text, or show it."""
        return sys.stderr.write(text) if self._opened else super().write(text)

    def open(self) -> None:
        """Show what is written from now on."""
        self._opened = True


@dataclass(frozen=True)
class Stage:
    """What runs, and what to tell the user about it."""

    insights: InsightsServer
    app_url: str
    app_port: int
    log: Curtain
    notes: list[str]


@contextmanager
def running(port: int | None, insights_port: int | None, db: Path | None) -> Iterator[Stage]:
    """Start everything; stop it in the reverse order on leaving. A port of None means the usual one, or a free one.

    Raises DevkitError if a port that was asked for is busy, or the app's packages are missing.
    """
    _check_packages()
    notes: list[str] = []
    log = Curtain()
    with ExitStack() as stack:
        service_url = stack.enter_context(GreetingService())
        insights = stack.enter_context(_insights(insights_port, db, notes))
        stack.enter_context(_environment(insights.connection_string, service_url))
        host = stack.enter_context(_host(port, insights, log, notes))
        stack.callback(flush, FLUSH_SECONDS)
        yield Stage(insights, host.url, int(host.url.rpartition(":")[2]), log, notes)


def _insights(port: int | None, db: Path | None, notes: list[str]) -> InsightsServer:
    try:
        return _at_port(port, INSIGHTS_PORT, lambda number: InsightsServer(number, db), notes)
    except DevkitError as error:
        raise DevkitError(str(error).replace("--port", "--insights-port")) from error


@contextmanager
def _host(port: int | None, insights: InsightsServer, log: Curtain, notes: list[str]) -> Iterator[HostServer]:
    def start(number: int) -> HostServer:
        return HostServer(APP, number, insights=insights.connection_string, output=log).__enter__()

    server = _at_port(port, APP_PORT, start, notes)
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


def _at_port(asked: int | None, usual: int, start: Callable[[int], T], notes: list[str]) -> T:
    """Start something at the port that was asked for, else at the usual one, else at any that is free."""
    if asked is not None:
        return start(asked)
    try:
        return start(usual)
    except DevkitError:
        started = start(0)
    notes.append(f"Port {usual} is busy, so a free one was taken.")
    return started


@contextmanager
def _environment(connection_string: str, service_url: str) -> Iterator[None]:
    """Set the app's settings; take away what would lead its telemetry, or its call of the service, off this machine."""
    before = dict(os.environ)
    for name in before:
        if name.upper().startswith(FOREIGN_SETTINGS):
            del os.environ[name]
    os.environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = connection_string
    os.environ["EXT_OPENTELEMETRY_JOURNAL"] = "false"  # the demo leaves nothing behind
    os.environ["GREETING_SERVICE"] = service_url
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _check_packages() -> None:
    missing = [name for name in NEEDED if not _installed(name)]
    if missing:
        raise DevkitError(
            f"The demo's function app needs {', '.join(missing)}. Install what it needs: "
            "pip install 'azfunc-ext-devkit[demo]'"
        )


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
