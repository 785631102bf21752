"""Hooks that never run, or fail at each call: what ext_sdk refuses at the import, and what nobody says of others."""

from __future__ import annotations

import ast
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from ext_devkit.doctor.extensions import hooks
from ext_sdk import signatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.extensions import Extension
    from ext_devkit.doctor.findings import Finding

_NEW = {"around_invocation", "shutdown", "facts", "invocation_failed", "invocation_failed_app_level"}
"""Hooks that azure-functions does not have."""

_ACTS = ("around_invocation", "invocation_failed", "invocation_failed_app_level")
"""Those of them whose name cannot be a helper's by chance."""

_HARMLESS = {"classmethod", "staticmethod", "abstractmethod", "override"}


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with the hooks of the extensions that the app itself defines."""
    for extension in case.found.extensions.values():
        if extension.node is None or extension.module not in case.modules:
            continue
        for method in hooks(extension.node):
            yield from _Hook(case, extension, method).check()


class _Hook:
    """One method of an extension's class."""

    def __init__(self, case: Case, extension: Extension, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.case = case
        self.extension = extension
        self.node = node
        self.app_level = extension.level == "app"
        self.decorators = {_name(one) for one in node.decorator_list}
        own = signatures.APP if self.app_level else signatures.FUNCTION
        self.own = {name: own[name] for name in own if extension.kind == "sdk" or name not in _NEW}
        self.other = signatures.FUNCTION_ONLY if self.app_level else signatures.APP_ONLY

    def check(self) -> Iterator[Finding]:
        """Yield the one thing that is most wrong with it."""
        name = self.node.name
        if name in self.own:
            yield from self._check_hook()
        elif self.extension.kind == "official" and name in _ACTS:
            yield self._finding("hook-needs-sdk", f"no worker calls {name} of a class of the official kind")
        elif name in self.other:
            if not any(self._defines(one) for one in self.own if one not in ("init", "configure", "shutdown")):
                meant = signatures.at_level(name, self.own)
                yield self._finding("hook-wrong-level", f"at {self.extension.level} level it is called {meant}")
        elif not name.startswith("_"):
            yield from self._check_spelling()

    def _finding(self, rule: str, what: str) -> Finding:
        assert self.extension.module is not None
        reason = f"{self.extension.name}.{self.node.name}: {what}" + "." * (not what.endswith("?"))
        return self.case.finding(rule, self.extension.module.at(self.node), reason)

    def _defines(self, name: str) -> bool:
        assert self.extension.node is not None
        return any(one.name == name for one in hooks(self.extension.node))

    def _check_hook(self) -> Iterator[Finding]:
        arguments = self.own[self.node.name]
        if not self.decorators <= _HARMLESS:
            return  # what another decorator makes of it, nobody knows
        if isinstance(self.node, ast.AsyncFunctionDef) and arguments is not None:
            yield self._finding("hook-async", "it is written with async def")
            return
        bound = "classmethod" in self.decorators or not (self.app_level or "staticmethod" in self.decorators)
        if self.app_level and not self.decorators & {"classmethod", "staticmethod"}:
            first = self._parameters[:1]
            # Called on the class without one: it fits if its parameters are exactly the arguments.
            if first in (["cls"], ["self"]) or (arguments is not None and self._misfit(arguments, bound=False)):
                yield self._finding("hook-not-classmethod", "it has no @classmethod")
                return
        if arguments is None:
            return
        if misfit := self._misfit(arguments, bound=bound):
            called = f"{self.node.name}({', '.join(arguments)})"
            yield self._finding("hook-arguments", f"it is called as {called}, and {misfit}")
            return
        yield from self._check_yield()

    @property
    def _parameters(self) -> list[str]:
        return [one.arg for one in (*self.node.args.posonlyargs, *self.node.args.args)]

    def _misfit(self, arguments: tuple[str, ...], *, bound: bool) -> str:
        takes, spec = len(self._parameters), self.node.args
        given = len(arguments) + bound
        if given > takes and spec.vararg is None:
            return f"takes {takes} of {given} arguments, the {'class' if self.app_level else 'instance'} included"
        required = takes - len(spec.defaults)
        if required > given:
            return f"requires {', '.join(map(repr, self._parameters[given:required]))} as well"
        by_name = [one.arg for one, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is None]
        return f"requires {', '.join(map(repr, by_name))} by name" if by_name else ""

    def _check_yield(self) -> Iterator[Finding]:
        yields = any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in own_nodes(self.node))
        if self.node.name != "around_invocation":
            if yields:
                yield self._finding("hook-yields", "a call only makes a generator")
            return
        returns = any(isinstance(one, ast.Return) and one.value is not None for one in own_nodes(self.node))
        abstract = self.extension.abstract or "abstractmethod" in self.decorators
        if not (yields or returns or abstract):
            yield self._finding("around-without-yield", "it never yields, so it fails at each invocation")

    def _check_spelling(self) -> Iterator[Finding]:
        name = self.node.name
        for near in self.own:
            alike = SequenceMatcher(None, name, near, autojunk=False).ratio()
            if alike >= signatures.CLOSE and not self._defines(near):
                yield self._finding("hook-misspelt", f"it is no hook, did you mean {near}?")
                return


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function's own code, without those of functions inside it."""
    waiting = list(getattr(function, "body", []))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def _name(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "?")
