"""Who drives the extensions: the seam where the worker is familiar, and what is second best where it is not."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from ext_sdk import insight, registry, switch
from ext_sdk.errors import ExtensionError
from ext_sdk.workers import app, function_app, official, own_hooks, seam

if TYPE_CHECKING:
    from types import ModuleType

    from ext_sdk.function import Function

_log = logging.getLogger("ext_sdk")

_workers = [
    "azure_functions_worker.functions",  # Python <= 3.12
    "azure_functions_runtime.functions",  # 3.13 and later, function_app.py
    "azure_functions_runtime_v1.functions",  # 3.13 and later, function.json
    "ext_devkit.host.functions",  # the local host
]
_seams: dict[str, type] = {}
_told: set[str] = set()
_lock = threading.RLock()
_second = ""
"""The second line that drives, if one does."""

_environment: dict[str, str] = {}
"""The extensions' app settings as they were when a function was last loaded."""


def driven_by() -> list[str]:
    """Return what calls the extensions' hooks; nothing outside of a worker."""
    return list(insight.drivers)


def install(*, judging: bool = True) -> None:
    """Have every worker that is loaded drive the extensions. One warning says so if none of the usual ways is there.

    As long as there is nothing to drive it is too early to judge what is there.
    """
    if not switch.enabled():
        _switched_off(telling=judging)
        return
    with _lock:
        strange = [what for name in _workers if (module := sys.modules.get(name)) and (what := _watch(name, module))]
        if judging and not _seams and not strange and app.in_worker():
            strange = ["no worker that ext_sdk knows is loaded in this process"]
        if _seams or strange or app.in_worker():
            function_app.watch(_collected)
        if strange and judging:
            _fall_back(strange[0])
        if insight.drivers and not official.driven_by_the_worker():
            official.adopt()


def _switched_off(*, telling: bool) -> None:
    """Have nothing run; but what functions find on their context is to be there."""
    if registry.stand_ins():
        with _lock:
            for name in _workers:
                module = sys.modules.get(name)
                if module is not None and name not in _seams and not seam.unfamiliar(module):
                    seam.watch(module, _loaded)
    elif telling:
        _tell_once("switch", logging.INFO, f"Extensions are switched off: {switch.NAME} is set to a false value.")


def check_critical(registration: registry.Registration) -> None:
    """Refuse a critical extension where its failure could not fail the invocation."""
    if not registration.critical:
        return
    if not switch.enabled():
        _tell_once(
            registration.name,
            logging.WARNING,
            f"{registration.name} is critical and does not run: {switch.NAME} is set to a false value.",
        )
    elif "strange" in _told and not _seams and _second != function_app.DRIVER:
        raise ExtensionError(
            f"{registration.name} is critical, and on this worker, which ext_sdk does not know, it could not stop a "
            "call. Look for a newer azfunc-ext-sdk; until then the function app does not start with it."
        )


def _watch(name: str, module: ModuleType) -> str:
    """Put the seam into a worker's module; return what is unfamiliar about it, if something is."""
    registry_type = getattr(module, "Registry", None)
    if registry_type is not None and _seams.get(name) is registry_type:
        return ""
    problem = seam.unfamiliar(module)
    if problem:
        return f"{name} {problem}"
    seam.watch(module, _loaded)
    _seams[name] = module.Registry
    _stand_down()
    _drives(f"{name}.Registry.get_function")
    return ""


def _stand_down() -> None:
    """Have the worker's own hooks drive no more; functions that the other second line has wrapped are known as such."""
    global _second
    if _second == own_hooks.DRIVER:
        own_hooks.remove()
        insight.drivers.remove(_second)
        _second = ""


def _drives(driver: str) -> None:
    if driver not in insight.drivers:
        insight.drivers.append(driver)


def _fall_back(found: str) -> None:
    global _second
    if _seams:
        return
    if app.is_v2() and app.in_worker():
        _second = function_app.DRIVER
        means = f"Extensions are driven by {function_app.DRIVER} instead. "
    elif official.driven_by_the_worker() and switch.truthy():
        _second = own_hooks.DRIVER
        own_hooks.install()
        means = (
            f"Extensions are driven by {own_hooks.DRIVER} instead: they see a failure late and without its error, and "
            "respond(), force_result() and force_exception() have no effect. "
        )
    else:
        _second = ""
        means = "Extensions do not run, the functions are served as if there were none. "
        if official.driven_by_the_worker():
            means += f"Set {switch.NAME}=1 and {own_hooks.DRIVER} drive them. "
    if _second:
        _drives(_second)
    _tell_once(
        "strange",
        logging.WARNING,
        f"This worker is not one that ext_sdk knows: {found}. {means}Look for a newer azfunc-ext-sdk.",
    )


def _collected(functions: list[Any]) -> None:
    """Take note of a v2 app's functions, and drive them if nothing else does."""
    if not insight.drivers and official.waiting():
        install()  # that there is something to drive has not shown before: these do not call us when they are defined
    try:
        described = [function_app.describe(one) for one in functions]
    except Exception:
        if _second == function_app.DRIVER:
            registry.refuse_critical("the functions of the FunctionApp could not be read")
        raise
    registry.check_functions(described)
    registry.check_unbound(refusing=True)
    if _second == function_app.DRIVER:
        for function, record in zip(functions, described, strict=True):
            function_app.drive(function, record)
            _loaded(record)
    _tell_what_is_driven()


def _loaded(_function: Function) -> None:
    """Take note that the worker has a function (again): its environment may be another one than at import."""
    global _environment
    now = {name: value for name, value in os.environ.items() if name.startswith("EXT_")}
    if now != _environment:
        _environment = now
        registry.renew()
    registry.check_unbound(refusing=False)
    _tell_what_is_driven()


def _tell_what_is_driven() -> None:
    if "found" in _told or not insight.drivers or not _log.isEnabledFor(logging.DEBUG):
        return
    found = [
        f"{one.name} ({one.level} level{f', function {one.function}' if one.function else ''}, order {one.order})"
        for one in insight.extensions()
    ]
    _tell_once(
        "found",
        logging.DEBUG,
        f"Extensions, outermost first: {', '.join(found) or 'none'}. Driven by {', '.join(insight.drivers)}.",
    )


def _tell_once(topic: str, level: int, message: str) -> None:
    if topic not in _told:
        _told.add(topic)
        _log.log(level, message)
