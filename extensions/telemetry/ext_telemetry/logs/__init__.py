"""The app's log records as telemetry, each stored once."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from ext_opentelemetry import keepers
from ext_telemetry.logs import owner, scope
from ext_telemetry.logs.handler import KeptFilter, RecordHandler, Taker

if TYPE_CHECKING:
    from ext_sdk import Invocation, Outcome
    from ext_telemetry.settings import Settings

_log = logging.getLogger("ext_telemetry")

_taker = Taker()
_handler = RecordHandler(_taker)
_filter = KeptFilter(_handler)
_decided: tuple[object, object, object] = (None, None, None)
_said: set[str] = set()
_levels: dict[str, int] = {}
"""What host.json says, by function; asked anew whenever something else is decided."""


def install(settings: Settings) -> None:
    """Take the records of the root logger as these settings say, from now on; the last call wins."""
    _decide(settings, early=True)


def around(invocation: Invocation, settings: Settings) -> Around:
    """Have records be put down to an invocation; `end` it when the function has returned or raised."""
    _decide(settings, early=False)
    return Around(invocation, settings)


def tell() -> bool:
    """Export what is still to be said: how many records were left out. For a flush. Returns whether there was any."""
    return _taker.tell()


class Around:
    """One invocation under way."""

    __slots__ = ("_scope", "_token")

    def __init__(self, invocation: Invocation, settings: Settings) -> None:
        self._scope: scope.Scope | None = None
        self._token: Any = None
        if _taker.plan.way is not owner.Way.OFF:
            name = invocation.function_name
            self._scope = scope.Scope(name, scope.ids_carried(invocation), _level(settings, name), settings)
            scope.remember(invocation, self._scope)
            self._token = scope.current.set(self._scope)

    def end(self, outcome: Outcome | None) -> None:
        """Export the debug records of a failure, and say what was left out."""
        if self._scope is None:
            return
        _taker.end(self._scope, failed=outcome is None or has_failed(outcome))
        try:
            scope.current.reset(self._token)
        except ValueError:  # an abandoned coroutine is closed from elsewhere, where there is nothing to undo
            pass


def has_failed(outcome: Outcome) -> bool:
    """Whether an invocation failed: by an exception, or with an answer that says so."""
    if outcome.error is not None:
        return True
    status = getattr(outcome.result, "status_code", None)
    return isinstance(status, int) and status >= 500  # noqa: PLR2004


def _level(settings: Settings, function_name: str = "") -> int:
    if settings.threshold is not None:
        return settings.threshold
    known = _levels.get(function_name)
    if known is None:
        found = keepers.host_level(function_name)
        known = _levels[function_name] = logging.INFO if found is None else found
    return known


def _decide(settings: Settings, *, early: bool) -> None:
    """Decide who stores what, if something has changed that it depends on; see that the handler is in place."""
    global _decided
    found = keepers.current()
    early = early and found is None
    root = logging.root
    if _decided[0] is settings and _decided[1] is found and _decided[2] is early:
        is_placed = _handler in root.handlers
        if is_placed is (_taker.plan.way is not owner.Way.OFF):
            return
    _levels.clear()
    plan = owner.plan(settings, root, early=early)
    _place(root, plan)
    _taker.turn_to(plan, settings, _level(settings))
    _decided = (settings, found, early)
    for why in (plan.why, keepers.left_out()):
        if why and why not in _said:
            _said.add(why)
            _log.warning(why)


def _place(root: logging.Logger, plan: owner.Plan) -> None:
    """Put the handler on the root logger, once, and the filter on the worker's; or take them away."""
    for handler in list(root.handlers):
        is_former = (
            type(handler).__name__ == RecordHandler.__name__ and type(handler).__module__ == RecordHandler.__module__
        )
        if is_former and (handler is not _handler or plan.way is owner.Way.OFF):
            root.removeHandler(handler)
    for handler in owner.forwarders(root):
        _taker.is_system = owner.system_test(handler)
        for one in [one for one in handler.filters if type(one).__name__ == KeptFilter.__name__]:
            if one is not _filter or plan.way is not owner.Way.TAKE_OVER:  # else records under way would pass meanwhile
                handler.removeFilter(one)
        if plan.way is owner.Way.TAKE_OVER:
            handler.addFilter(_filter)
    if plan.way is not owner.Way.OFF and _handler not in root.handlers:
        root.addHandler(_handler)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_taker.after_fork)
