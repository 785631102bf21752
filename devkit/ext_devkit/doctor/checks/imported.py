"""Extensions that nothing calls, that nothing imports, or that are not there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ext_devkit.doctor.extensions import OPENCENSUS, OPENTELEMETRY, RETIRED, TELEMETRY, hooks
from ext_devkit.doctor.functions import is_trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.extensions import Extension
    from ext_devkit.doctor.findings import Finding
    from ext_devkit.doctor.functions import Function
    from ext_devkit.doctor.modules import Module

_PACKAGES = {
    "azfunc-ext-timing": "ext_timing",
    "azfunc-ext-telemetry": "ext_telemetry",
    "azfunc-ext-opencensus": "ext_opencensus",
    "azfunc-ext-opentelemetry": "ext_opentelemetry",
    "opencensus-extension-azure-functions": "opencensus.extension.azure",
}
_PUT_BY = {"tracer": (OPENTELEMETRY, OPENCENSUS, RETIRED), "telemetry": (TELEMETRY,)}
_BY_NAME = {"importlib.import_module", "importlib.__import__", "pkgutil.iter_modules", "pkgutil.walk_packages"}


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with how extensions get into the app."""
    yield from _check_official(case)
    if not _imports_by_name(case):
        yield from _check_not_imported(case)
    if not _may_come_from_elsewhere(case):
        for function in case.functions:
            yield from _check_context(case, function)


def _check_official(case: Case) -> Iterator[Finding]:
    called = case.python.runs_hooks or case.found.imports_sdk
    for extension in case.official:
        place = _place(case, extension)
        if not called:
            yield case.finding("official-not-called", place, f"{extension.name} runs on no worker of {case.python}.")
        if extension.key == RETIRED:
            yield case.finding("opencensus-retired", place, f"{extension.name} is the one of 2021.")
        elif called and extension.node is not None and extension.module in case.modules:
            if case.model == "v2" and extension.level == "function":
                continue  # it does not run at all, as `instances` says
            names = {one.name.partition("_invocation")[0] for one in hooks(extension.node)}
            if {"pre", "post"} <= names:
                reason = f"What {extension.name} begins before the function is not ended when the function raises."
                yield case.finding("official-blind", extension.module.at(extension.node), reason)
    yield from _check_bases(case)


def _check_bases(case: Case) -> Iterator[Finding]:
    own = [one for one in case.official if one.level == "app" and one.node is not None and _is_own(case, one)]
    for base in own:
        below = [one for one in own if one.module and one.node and _derives(case, one, base)]
        if below and base.node and any(one.name.endswith("_app_level") for one in hooks(base.node)):
            reason = f"{base.name} is active beside {below[0].name}, which inherits its hooks."
            yield case.finding("base-class-active", _place(case, base), reason)


def _derives(case: Case, extension: Extension, base: Extension) -> bool:
    assert extension.module is not None
    assert extension.node is not None
    bases = [case.classes.of(extension.module.dotted(one)) for one in extension.node.bases]
    return base in bases


def _place(case: Case, extension: Extension) -> str:
    if extension.key in case.found.active:
        return case.found.active[extension.key]
    return next(one.place for one in case.found.made if one.extension.key == extension.key)


def _is_own(case: Case, extension: Extension) -> bool:
    return extension.module is not None and extension.module in case.modules


def _imports_by_name(case: Case) -> bool:
    """Say whether the app imports modules whose names its source does not tell."""
    for module in case.modules:
        for node, dotted in module.calls():
            if dotted in _BY_NAME or (isinstance(node.func, ast.Name) and node.func.id in ("__import__", "exec")):
                return True
    return False


def _check_not_imported(case: Case) -> Iterator[Finding]:
    for module in case.others:
        if _is_of_another_project(case, module):
            continue
        case.sources.adopt(module)
        for name, node in module.classes.items():
            extension = case.classes.of(f"{module.name}.{name}")
            if extension is not None and extension.level == "app" and not extension.abstract:
                reason = f"Nothing that the functions import leads to {module.shown}, so {name} is not active."
                yield case.finding("extension-not-imported", module.at(node), reason)
    imported = {one.dotted for module in (*case.modules, *case.others) for one in module.imports}
    brings = "azfunc-ext-telemetry" in case.requirements or any(
        "opentelemetry" in one.extras for one in case.requirements.packages.values()
    )
    for name, package in _PACKAGES.items():
        asked = case.requirements.get(name)
        used = any(f"{one}.".startswith(f"{package}.") for one in imported)
        if asked and not used and not (brings and package == "ext_opentelemetry"):
            yield case.finding("package-not-imported", asked.place, f"No file of the app imports {package}.")


def _is_of_another_project(case: Case, module: Module) -> bool:
    folders = (case.app / module.shown).parents
    inside = [folder for folder in folders if case.app in folder.parents]
    return any((folder / name).exists() for folder in inside for name in ("pyproject.toml", "setup.py", "host.json"))


def _may_come_from_elsewhere(case: Case) -> bool:
    """Say whether there may be an extension, or other code, that the checks do not know and that fills the context."""
    known = {OPENTELEMETRY, OPENCENSUS, RETIRED, TELEMETRY, "ext_timing.TimingExtension"}
    if not known.issuperset(case.found.active) or case.found.made or _imports_by_name(case):
        return True
    for module in case.modules:
        if any("ext" in one.name.lower() and case.classes.of(one.dotted) is None for one in module.imports if one.name):
            return True
        for node in ast.walk(module.tree):
            stores = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in _PUT_BY
            if stores or (isinstance(node, ast.Name) and node.id == "setattr"):
                return True
    return False


def _check_context(case: Case, function: Function) -> Iterator[Finding]:
    node = function.node
    if node is None or not all(is_trigger(one) for one in node.decorator_list):
        return
    if "context" not in [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]:
        return
    seen = set()
    for one in ast.walk(node):
        if not (isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "context"):
            continue
        if one.attr in _PUT_BY and one.attr not in seen and not set(_PUT_BY[one.attr]) & case.found.active.keys():
            seen.add(one.attr)
            names = " or ".join(key.rpartition(".")[2] for key in _PUT_BY[one.attr][:2])
            reason = f"{function.name} uses context.{one.attr}, which {names} puts there."
            yield case.finding("context-attribute-missing", function.module.at(one), reason)
