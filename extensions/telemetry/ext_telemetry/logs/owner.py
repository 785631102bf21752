"""Who stores the records of the root logger: docs/explanation/who-stores-logs.md has the table."""

from __future__ import annotations

import logging
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_opentelemetry import keepers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_telemetry.settings import Settings

UNKNOWN = (
    "Log records are left to the Functions host, because the handler with which this worker forwards them is not known "
    'and each of them would be stored twice. logs="export" exports them all the same, logs="off" ends this line.'
)


class Way(Enum):
    """What becomes of a record."""

    OFF = "off"
    """It is left alone."""
    EXPORT = "export"
    """It is exported, and stays with everybody else."""
    TAKE_OVER = "take over"
    """It is exported, and kept from the worker's handler, which would have the host store it as well."""


class Plan(NamedTuple):
    """What is decided until another pipeline, or another setting, is in force."""

    way: Way
    beside: keepers.Place | None = None
    """Where records go; a handler of OpenTelemetry's that hands them to the same place has them in our place."""
    why: str = ""
    """What has to be said about it."""
    is_early: bool = False
    """Where records go is not known yet: they wait, and so does the question who else has stored them."""


OFF = Plan(Way.OFF)


def plan(settings: Settings, root: logging.Logger, *, early: bool) -> Plan:
    """Decide; `early` is before the first invocation, when nobody knows yet: the host drops what is logged then."""
    found = keepers.current()
    if settings.logs == "off" or (found is None and not early):
        return OFF
    if found is None:
        return Plan(Way.EXPORT, is_early=True)
    if found.ours is None:
        return OFF
    return Plan(Way.EXPORT) if settings.logs == "export" else _auto(found, found.ours, root)


def _auto(found: keepers.Keepers, ours: keepers.Place, root: logging.Logger) -> Plan:
    if not found.host_stores:
        return Plan(Way.EXPORT, ours)
    if forwarders(root) or any(map(_is_forwarder, logging.Handler.__subclasses__())):
        return Plan(Way.TAKE_OVER, ours)  # where the worker's class is known and not in place, the app took it away
    return Plan(Way.OFF, why=UNKNOWN)


def forwarders(root: logging.Logger) -> list[logging.Handler]:
    """Return the handlers with which the worker forwards records to the host.

    Both workers have one, of a class of the same name, beside the dispatcher that it hands records to.
    """
    return [handler for handler in root.handlers if _is_forwarder(type(handler))]


def _is_forwarder(kind: type[logging.Handler]) -> bool:
    if kind.__name__ != "AsyncLoggingHandler":
        return False
    module: Any = sys.modules.get(kind.__module__)
    return callable(getattr(getattr(module, "Dispatcher", None), "on_logging", None))


def system_test(handler: logging.Handler) -> Callable[[str], bool] | None:
    """Return what tells the loggers of the worker itself, whose records never reach the customer; None if unknown."""
    found = getattr(sys.modules.get(type(handler).__module__), "is_system_log_category", None)
    return found if callable(found) else None


class Beside:
    """Tells of loggers whether OpenTelemetry's own handler is on them, or above, and has their records stored."""

    def __init__(self) -> None:
        self._known: dict[logging.Handler, bool] = {}
        self._place: keepers.Place | None = None

    def turn_to(self, place: keepers.Place | None) -> None:
        """Note where our records go from now on."""
        self._place = place
        self._known = {}

    def stores(self, record: logging.LogRecord) -> bool:
        """Whether such a handler takes the record, and sends it where we would."""
        place = self._place
        if place is None:
            return False
        found = takers(record)
        return bool(found) and any(self._same(handler, place) for handler in found)

    def _same(self, handler: logging.Handler, place: keepers.Place) -> bool:
        known = self._known.get(handler)
        if known is None:
            known = self._known[handler] = keepers.goes_the_same_way(handler, place)
        return known


def are_beside(handlers: list[logging.Handler], ours: keepers.Place) -> bool:
    """Whether one of these sends what it takes where we would."""
    return any(keepers.goes_the_same_way(handler, ours) for handler in handlers)


def takers(record: logging.LogRecord) -> list[logging.Handler]:
    """Return the handlers of OpenTelemetry's that take a record."""
    found = []
    logger: Any = _logger(record.name)
    while logger is not None:
        for handler in logger.handlers:
            kind = type(handler)
            is_theirs = kind.__name__ == "LoggingHandler" and kind.__module__.startswith("opentelemetry.")
            if is_theirs and record.levelno >= handler.level:
                found.append(handler)
        logger = logger.parent if logger.propagate else None
    return found


def _logger(name: str) -> logging.Logger:
    root = logging.root
    found = root if name == root.name else root.manager.loggerDict.get(name)
    while not isinstance(found, logging.Logger):  # a logger without a parent of its own, or one made by hand
        name = name.rpartition(".")[0]
        found = root.manager.loggerDict.get(name) if name else root
    return found
