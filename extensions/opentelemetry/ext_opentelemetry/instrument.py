"""Tracing of what the `requests` library sends, by OpenTelemetry's own instrumentation, once the app imports it."""

from __future__ import annotations

import logging
import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_log = logging.getLogger("ext_opentelemetry")

_INGESTION = r"/v2(\.1)?/track$"
"""What any Application Insights client of the app posts to: traced, it would be telemetry about telemetry."""

_END_OF_HOST = r"(?=[/?#]|$)"
"""So that http://localhost is not http://localhost:8080 too."""

_VARIABLES = ("OTEL_PYTHON_REQUESTS_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")

_active = False


def instrument_requests(endpoint: str | None) -> None:
    """Trace calls of `requests` from now on, or from its import on; never those to the ingestion endpoint.

    Nothing is imported before the app itself imports `requests`.
    """
    global _active
    if _active or not _is_there("requests"):
        return
    if not _is_there("opentelemetry.instrumentation.requests"):
        _log.info(
            "Calls of the requests library are not traced: its instrumentation is not installed. "
            "To have it: pip install 'azfunc-ext-opentelemetry[requests]'"
        )
        return
    _active = True
    after_import("requests", lambda: _apply(endpoint) if _active else None)


def uninstrument_requests() -> None:
    """Undo `instrument_requests`."""
    global _active
    if _active and "opentelemetry.instrumentation.requests" in sys.modules:
        from opentelemetry.instrumentation.requests import RequestsInstrumentor

        RequestsInstrumentor().uninstrument()
    _active = False


def excluded_urls(endpoint: str | None) -> str:
    """Return the comma-separated patterns of URLs that are not traced: the app's own, and the ingestion's."""
    own = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "")
    return ",".join(filter(None, [own, re.escape(endpoint) + _END_OF_HOST if endpoint else "", _INGESTION]))


def _apply(endpoint: str | None) -> None:
    try:
        from opentelemetry.instrumentation.requests import RequestsInstrumentor

        instrumentor = RequestsInstrumentor()
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(excluded_urls=excluded_urls(endpoint))
    except Exception as error:
        _log.warning("Calls of the requests library are not traced: %s: %s", type(error).__name__, error)


def _is_there(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def after_import(name: str, action: Callable[[], Any]) -> None:
    """Run `action` once the module `name` has been imported: now, if it has."""
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _Watch(name, action))


class _Watch(MetaPathFinder):
    """Finds nothing by itself: it lets the others find one module, and acts when that has been executed."""

    def __init__(self, name: str, action: Callable[[], Any]) -> None:
        self._name = name
        self._action = action

    def find_spec(self, fullname: str, *_path_and_target: object) -> ModuleSpec | None:
        if fullname != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        loader: Any = spec.loader if spec is not None else None
        if loader is None or not hasattr(loader, "exec_module"):
            return spec
        execute = loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            del loader.exec_module
            self._action()

        loader.exec_module = execute_and_act
        return spec
