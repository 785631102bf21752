"""The functions' own code, as far as it can be told for certain that it harms."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ext_devkit.doctor.checks.hooks import own_nodes
from ext_devkit.doctor.extensions import hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding
    from ext_devkit.doctor.modules import Module

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_BLOCKING = {
    "time.sleep",
    "urllib.request.urlopen",
    "os.system",
    *(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output")),
    *(f"{library}.{verb}" for library in ("requests", "httpx") for verb in _VERBS),
}
_SYSTEM = ("azure_functions_worker", "azure.functions")
"""Beginnings of loggers that the classic worker sends as its own (azure_functions_worker/logging.py)."""

_AROUND_CALLS = ("pre_invocation", "post_invocation", "around_invocation", "invocation_failed")


def check(case: Case) -> Iterator[Finding]:
    """Yield calls and names that do what their author cannot have meant."""
    for module in case.modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.AsyncFunctionDef):
                yield from _check_blocking(case, module, node, f"the async function {node.name}")
            elif _is_thread_local_storage(node) and not case.python.runs_hooks:
                reason = f"On {case.python} the worker does not read it."
                yield case.finding("thread-local-storage", module.at(node), reason)
        if case.python.runs_hooks:
            yield from _check_loggers(case, module)
    if any(isinstance(one.node, ast.AsyncFunctionDef) for one in case.functions):
        yield from _check_hooks(case)


def _is_thread_local_storage(node: ast.AST) -> bool:
    attribute = isinstance(node, ast.Attribute) and node.attr == "thread_local_storage"
    owner = getattr(node, "value", None)
    return attribute and "context" in str(getattr(owner, "id", "")).lower()


def _check_hooks(case: Case) -> Iterator[Finding]:
    """Yield blocking calls in hooks: around an async function they run on the event loop."""
    for extension in case.found.extensions.values():
        if extension.node is None or extension.module not in case.modules:
            continue
        for method in hooks(extension.node):
            if method.name.startswith(_AROUND_CALLS) and isinstance(method, ast.FunctionDef):
                where = f"{extension.name}.{method.name}, which runs on the event loop around an async function"
                yield from _check_blocking(case, extension.module, method, where)


def _check_blocking(case: Case, module: Module, function: ast.AST, where: str) -> Iterator[Finding]:
    for node in own_nodes(function):
        if isinstance(node, ast.Call) and (dotted := module.dotted(node.func)) in _BLOCKING and not _is_zero(node):
            yield case.finding("blocking-call", module.at(node), f"{dotted} in {where}.")


def _is_zero(call: ast.Call) -> bool:
    return bool(call.args) and getattr(call.args[0], "value", None) == 0


def _check_loggers(case: Case, module: Module) -> Iterator[Finding]:
    for node, dotted in module.calls():
        name = getattr(node.args[0], "value", None) if node.args else None
        systems = isinstance(name, str) and name.startswith(_SYSTEM)
        # To get one of them in order to set its level is what everyone does.
        if dotted == "logging.getLogger" and systems and _is_written_to(module, node):
            yield case.finding("system-logger", module.at(node), f"The logger is called {name!r}.")


def _is_written_to(module: Module, call: ast.Call) -> bool:
    writes = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    names = {
        target.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and node.value is call
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in writes:
            named = isinstance(node.value, ast.Name) and node.value.id in names
            if named or node.value is call:
                return True
    return False
