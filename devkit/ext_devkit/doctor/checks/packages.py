"""requirements.txt against what the app imports, against itself, and against the app's Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ext_devkit.doctor.checks.app_settings import DISTRIBUTION, OPENTELEMETRY_FLAG
from ext_devkit.doctor.extensions import OPENTELEMETRY, RETIRED
from ext_devkit.doctor.requirements import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding
    from ext_devkit.doctor.modules import Imported, Module

_RETIRED = "opencensus-extension-azure-functions"
_LIBRARY = "azure-functions"

_BROUGHT_BY: dict[str, tuple[str, ...]] = {
    "ext_timing": ("azfunc-ext-timing",),
    "ext_telemetry": ("azfunc-ext-telemetry",),
    "ext_opencensus": ("azfunc-ext-opencensus",),
    "ext_opentelemetry": ("azfunc-ext-opentelemetry", "azfunc-ext-telemetry"),
    "ext_appinsights": (
        "azfunc-ext-appinsights",
        "azfunc-ext-opentelemetry",
        "azfunc-ext-telemetry",
        "azfunc-ext-opencensus",
    ),
    "ext_sdk": (
        "azfunc-ext-sdk",
        "azfunc-ext-timing",
        "azfunc-ext-telemetry",
        "azfunc-ext-opencensus",
        "azfunc-ext-opentelemetry",
    ),
    "opencensus.extension.azure": (_RETIRED,),
    "opencensus.ext.azure": ("opencensus-ext-azure", _RETIRED),
    "azure.monitor.opentelemetry": (DISTRIBUTION,),
    "azure.monitor.opentelemetry.exporter": (f"{DISTRIBUTION}-exporter", DISTRIBUTION),
}
"""Package that is imported -> distributions of which each one brings it, the best one first."""

_KNOWN_TO_BRING_NONE = re.compile(
    r"(azure|azfunc-ext|opencensus|opentelemetry)-|(requests|httpx|pandas|numpy|pydantic)$"
)

_LOSES_TRACE = {("azure-functions-runtime", "1.3.0"), ("azure-functions-runtime-v1", "1.2.0")}
_OLDEST_OF_OURS = "1.21"


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with requirements.txt."""
    yield from _check_imports(case)
    yield from _check_library(case)
    required = case.requirements
    for name, rule in (("azure-functions-worker", "worker-required"), ("azfunc-ext-devkit", "devkit-required")):
        if asked := required.get(name):
            yield case.finding(rule, asked.place, f"{FILE} asks for {name}.")
    loose = [one for one in required.packages.values() if not (one.specifier or one.exact) and one.name != _LIBRARY]
    if loose and not required.versions_elsewhere:
        names = ", ".join(one.name for one in loose)
        yield case.finding("requirements-unpinned", loose[0].place, f"Without a version: {names}.")
    yield from _check_runtime(case)


def _check_imports(case: Case) -> Iterator[Finding]:
    missing: dict[str, str] = {}
    for module in case.modules:
        for one in module.imports:
            package = max((name for name in _BROUGHT_BY if _is_of(one, name)), key=len, default="")
            if package and one.certain and not _is_own(case, package):
                brought_by = _BROUGHT_BY[package]
                lacks = case.requirements.surely_lacks(*brought_by) and not _may_come_along(case)
                if lacks or case.requirements.missing:
                    missing.setdefault(brought_by[0], f"{module.shown}:{one.line}")
    if case.requirements.missing:
        if missing:
            reason = f"The app imports what comes with {', '.join(missing)}."
            yield case.finding("requirements-missing", FILE, reason)
        return
    for name, place in missing.items():
        yield case.finding("package-not-required", place, f"{FILE} has no {name}.", f"Add {name} to {FILE}.")


def _may_come_along(case: Case) -> bool:
    """Say whether a package that is asked for may bring one of ours: somebody's extension does."""
    return any(not _KNOWN_TO_BRING_NONE.match(name) for name in case.requirements.packages)


def _is_of(one: Imported, package: str) -> bool:
    return f"{one.dotted}.".startswith(f"{package}.")


def _is_own(case: Case, package: str) -> bool:
    module: Module | None = case.sources.find(package)
    return module is not None and case.sources.is_own(module) and not module.shown.startswith((".", "/"))


def _check_library(case: Case) -> Iterator[Finding]:
    asked = case.requirements.get(_LIBRARY)
    if asked is None or not asked.specifier:
        return
    said = f"{FILE} asks for {_LIBRARY}{asked.specifier}"
    if case.python.runs_hooks and _excludes_below(asked.specifier, 2):
        yield case.finding("azure-functions-not-for-python", asked.place, f"{said}, and the app is for {case.python}.")
    elif not case.python.runs_hooks and _excludes_from(asked.specifier, 2):
        if asked.version and SpecifierSet(">=1.26").contains(asked.version):
            rule = "azure-functions-not-for-python"
        else:
            rule = "azure-functions-behind"
        yield case.finding(rule, asked.place, f"{said}, and the app is for {case.python}.")
    if _RETIRED in case.requirements and _excludes_below(asked.specifier, 2):
        place = case.requirements.packages[_RETIRED].place
        fix = "Take ext_opencensus in its place: azfunc-ext-opencensus in requirements.txt, and another import."
        yield case.finding("requirements-conflict", place, f"{_RETIRED} asks for azure-functions<2, and {said}.", fix)
    ours = [name for name in case.requirements.packages if name.startswith("azfunc-ext-")]
    if ours and asked.version and SpecifierSet(f"<{_OLDEST_OF_OURS}").contains(asked.version):
        reason = f"{ours[0]} asks for {_LIBRARY}>={_OLDEST_OF_OURS}, and {said}."
        yield case.finding("requirements-conflict", asked.place, reason)


def _excludes_below(specifier: str, major: int) -> bool:
    """Say whether a specifier allows no version below a major one, by its lower limits alone."""
    limits = re.findall(r"(?:>=|==|~=|>)\s*(\d+)", specifier)
    return any(int(limit) >= major for limit in limits)


def _excludes_from(specifier: str, major: int) -> bool:
    """Say whether a specifier allows no version of a major one or later."""
    pinned = any(int(limit) < major for limit in re.findall(r"(?:==|~=)\s*(\d+)", specifier))
    upper = re.findall(r"<(=?)\s*(\d+)((?:\.\d+)*)", specifier)
    return pinned or any(_is_below(major, equal, int(number), rest) for equal, number, rest in upper)


def _is_below(major: int, equal: str, number: int, rest: str) -> bool:
    exactly = number == major and not re.search(r"[1-9]", rest)
    return number < major or (exactly and not equal)


def _check_runtime(case: Case) -> Iterator[Finding]:
    if case.python.runs_hooks:
        return
    package = "azure-functions-runtime" if case.model == "v2" else "azure-functions-runtime-v1"
    asked = case.requirements.get(package)
    if asked is None:
        return
    settings = case.settings
    distribution = settings.is_true("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
    if (package, asked.version) == ("azure-functions-runtime", "1.2.1"):
        if settings.is_true(OPENTELEMETRY_FLAG) and not distribution:
            yield case.finding("runtime-fails", asked.place, f"{OPENTELEMETRY_FLAG} is set, and {package} is 1.2.1.")
    elif (package, asked.version) in _LOSES_TRACE:
        sync = [one.name for one in case.functions if one.node is not None and type(one.node).__name__ == "FunctionDef"]
        extended = {OPENTELEMETRY, RETIRED} & case.found.active.keys() or case.found.imports_sdk
        if sync and (distribution or settings.is_true(OPENTELEMETRY_FLAG)) and not extended:
            reason = f"{package} {asked.version} is asked for, and {', '.join(sync)} is a sync function."
            yield case.finding("runtime-loses-trace", asked.place, reason)
