"""Tracing of what libraries do, by OpenTelemetry's own instrumentations, each once the app imports its library."""

from __future__ import annotations

import logging
import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics

from ext_opentelemetry.imports import after_import
from ext_opentelemetry.providers import LazyMeterProvider

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

_log = logging.getLogger("ext_opentelemetry")

_INGESTION = r"/v2(\.1)?/track$"
"""What any Application Insights client of the app posts to: traced, it would be telemetry about telemetry."""

_END_OF_HOST = r"(?=[/?#]|$)"
"""So that http://localhost is not http://localhost:8080 too."""

_LIBRARIES = {
    "aiohttp_client": "aiohttp",
    "aiohttp_server": "aiohttp",
    "boto3sqs": "boto3",
    "kafka_python": "kafka",
    "mysql": "mysql.connector",
    "mysqlclient": "MySQLdb",
    "openai_v2": "openai",
    "tortoiseorm": "tortoise",
    "urllib": "urllib.request",
    **{
        name: name
        for name in (
            "aiokafka", "aiopg", "asyncpg", "botocore", "cassandra", "celery", "confluent_kafka", "elasticsearch",
            "grpc", "httpx", "jinja2", "pika", "psycopg", "psycopg2", "pymemcache", "pymongo", "pymssql", "pymysql",
            "redis", "requests", "sqlalchemy", "sqlite3", "urllib3",
        )
    },
}  # fmt: skip
"""Name of an instrumentation -> the module whose import it waits for. Of names that are not here, the name itself."""

_EXTRAS = {"requests"}
"""Instrumentations that an extra of this distribution brings."""

_wanted: dict[str, tuple[str, ...]] = {}
"""Module name of each instrumentation that is to be in force, and the endpoints whose calls it leaves out."""

_applied: dict[str, tuple[Any, tuple[str, ...]]] = {}
"""The instrumentors that we have applied, and with which endpoints."""

_watched: set[str] = set()
_told: set[str] = set()


def apply(names: Iterable[str], endpoints: tuple[str, ...]) -> None:
    """Have these instrumentations in force, and no others of those that were put in force here before.

    Nothing is imported before the app itself imports a library. Calls to the `endpoints` are never traced.
    """
    wanted = {name.replace("-", "_").lower(): endpoints for name in names}
    for name, (_, before) in tuple(_applied.items()):
        if wanted.get(name) != before:
            _undo(name)
    _wanted.clear()
    _wanted.update({name: endpoints for name in wanted if _is_usable(name)})
    for name in tuple(_wanted):
        library = _LIBRARIES.get(name, name)
        if library in sys.modules or not _is_there(library):
            _put_in_force(name)
        elif name not in _watched:
            _watched.add(name)
            after_import(library, lambda name=name: _put_in_force(name))  # type: ignore[misc]


def _is_usable(name: str) -> bool:
    """Whether an instrumentation is installed; where one is missing that could be of use, that is said once."""
    if name in _LIBRARIES and not _is_there(_LIBRARIES[name]):
        return False
    if _is_there(f"opentelemetry.instrumentation.{name}"):
        return True
    if name not in _told:
        _told.add(name)
        if name in _LIBRARIES:
            _log.info(
                "Calls of the %s library are not traced: its instrumentation is not installed. To have it: %s",
                name, _command(name),
            )  # fmt: skip
        else:
            _log.warning("Setting 'instrument' has %r, but no such instrumentation is installed.%s", name, _near(name))
    return False


def _command(name: str) -> str:
    dashed = name.replace("_", "-")
    what = f"'azfunc-ext-opentelemetry[{name}]'" if name in _EXTRAS else f"opentelemetry-instrumentation-{dashed}"
    return f"pip install {what}"


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, _LIBRARIES, 3)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else f" To have it: {_command(name)}"


def _put_in_force(name: str) -> None:
    if name not in _wanted or name in _applied:
        return
    endpoints = _wanted[name]
    try:
        module = import_module(f"opentelemetry.instrumentation.{name}")
        instrumentor = _instrumentor(module)
        if not instrumentor.is_instrumented_by_opentelemetry:  # else somebody else did, and undoes it
            _instrument(module, instrumentor, excluded_urls(name, endpoints))
            _applied[name] = (instrumentor, endpoints)
    except Exception as error:
        _log.warning("Calls of the %s library are not traced: %s: %s", name, type(error).__name__, error)


def _instrumentor(module: ModuleType) -> Any:
    """Return an instance of the instrumentor that a module defines; of several the one with the plainest name.

    That is the one for httpx, not httpx2, and for clients of gRPC, not servers.
    """
    base = import_module("opentelemetry.instrumentation.instrumentor").BaseInstrumentor
    found = [
        one
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, base) and one is not base and not name.startswith("_")
    ]
    if not found:
        raise LookupError(f"{module.__name__} has no instrumentor")
    return min(found, key=lambda one: (len(one.__name__), one.__name__))()


def _instrument(module: ModuleType, instrumentor: Any, excluded: str) -> None:
    """Instrument, with URLs to leave out: some take these as an argument, all others ask for the app settings."""
    options: dict[str, Any] = {}
    if isinstance(metrics.get_meter_provider(), LazyMeterProvider):
        # Nobody asked for metrics of each call: they would be items of their own, and a thread for them.
        options["meter_provider"] = metrics.NoOpMeterProvider()
    own = getattr(module, "get_excluded_urls", None)
    if own is None:
        instrumentor.instrument(**options)
        return
    parsed = import_module("opentelemetry.util.http").parse_excluded_urls(excluded)
    module.get_excluded_urls = lambda _name: parsed  # type: ignore[attr-defined]
    try:
        instrumentor.instrument(excluded_urls=excluded, **options)
    finally:
        module.get_excluded_urls = own  # type: ignore[attr-defined]


def _undo(name: str) -> None:
    instrumentor, _ = _applied.pop(name)
    try:
        instrumentor.uninstrument()
    except Exception as error:
        _log.warning("Calls of the %s library are still traced: %s: %s", name, type(error).__name__, error)


def excluded_urls(name: str, endpoints: Iterable[str]) -> str:
    """Return the comma-separated patterns of URLs that are not traced: the app's own, and telemetry's."""
    variables = (f"OTEL_PYTHON_{name.upper()}_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")
    own = next((os.environ[variable] for variable in variables if os.environ.get(variable)), "")
    ours = [re.escape(endpoint).replace(",", r"\x2c") + _END_OF_HOST for endpoint in endpoints]
    return ",".join(filter(None, [own, *ours, _INGESTION]))


def _is_there(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False
