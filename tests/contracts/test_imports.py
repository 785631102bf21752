"""Imports point one way, and only to what a production install has."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import sys
from collections import defaultdict
from functools import cache

import pytest

from tests.contracts.repository import (
    APPINSIGHTS,
    DEVKIT,
    DISTRIBUTIONS,
    OPENCENSUS,
    OPENTELEMETRY,
    PRODUCTION,
    SDK,
    TELEMETRY,
    TIMING,
    Distribution,
    Import,
    imports,
    modules,
    report,
)

MAY_IMPORT = {
    SDK: set(),
    APPINSIGHTS: set(),
    OPENTELEMETRY: {"ext_sdk", "ext_appinsights"},
    OPENCENSUS: {
        "ext_sdk",
        "ext_appinsights",
        "ext_opentelemetry",
    },  # the last one late, and only where it is asked for
    TIMING: {"ext_sdk"},
    TELEMETRY: {"ext_sdk", "ext_opentelemetry"},
    DEVKIT: {"ext_sdk", "ext_appinsights", "ext_opentelemetry", "ext_opencensus", "ext_timing", "ext_telemetry"},
}
OURS = {distribution.package for distribution in DISTRIBUTIONS}
FOLDERS = {"extensions", "devkit", "tests", "samples", "docs"}
WORKERS = {"azure_functions_worker", "azure_functions_runtime", "azure_functions_runtime_v1", "proxy_worker"}


def all_imports(distribution: Distribution) -> list[Import]:
    return [found for module in modules(distribution) for found in imports(module, distribution.package)]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_imports_between_our_packages_point_one_way(distribution: Distribution):
    """ext_opentelemetry -> ext_appinsights; every extension -> ext_sdk; devkit -> anything; nothing -> devkit."""
    allowed = MAY_IMPORT[distribution] | {distribution.package}

    wrong = [f"{i.place} imports {i.target}" for i in all_imports(distribution) if i.root in OURS - allowed]

    assert not wrong, report(f"{distribution.package} may import of ours only {sorted(allowed)}. Move the code:", wrong)


@pytest.mark.parametrize("distribution", [OPENTELEMETRY, OPENCENSUS, TIMING, TELEMETRY], ids=str)
def test_an_extension_uses_only_the_public_names_of_the_sdk(distribution: Distribution):
    """`from ext_sdk import X` with X in `__all__` is the only form: what an extension of ours needs, others need too."""
    public = set(importlib.import_module("ext_sdk").__all__)

    wrong = [
        f"{i.place}: {i.target} {' '.join(i.names)}"
        for i in all_imports(distribution)
        if i.root == "ext_sdk" and (i.target != "ext_sdk" or not i.names or not public.issuperset(i.names))
    ]

    assert not wrong, report("Write `from ext_sdk import <public name>`, or make the name public:", wrong)


def test_the_devkit_uses_no_private_name_of_the_sdk():
    """It may use modules that are not `ext_sdk.__all__`; what begins with an underscore may change with any commit."""
    wrong = []
    for module in modules(DEVKIT):
        found = [one for one in imports(module, DEVKIT.package) if one.root == "ext_sdk"]
        names = {name for one in found for name in one.names}
        wrong += [f"{module.place} imports {name}" for name in names if name.startswith("_")]
        wrong += [
            f"{module.place}:{node.lineno} uses {node.value.id}.{node.attr}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id in names and re.match("_[^_]", node.attr)
        ]

    assert not wrong, report("Give these a public name in ext_sdk:", wrong)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_nothing_is_imported_by_its_folder(distribution: Distribution):
    """Such imports succeed in the working tree alone, and fail once the wheel is installed."""
    wrong = [f"{i.place} imports {i.target}" for i in all_imports(distribution) if i.root in FOLDERS]

    assert not wrong, report("Import the installed package (ext_...) in place of the folder:", wrong)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_what_is_imported_is_declared(distribution: Distribution):
    """Each foreign package that the code names is a dependency, or an extra, of its distribution."""
    declared = declared_dependencies(distribution)
    installed = providers()
    known = set(sys.stdlib_module_names) | WORKERS | {distribution.package}

    wrong = [
        f"{i.place} imports {i.target}"
        for i in all_imports(distribution)
        if i.runs and i.root not in known and not declared & installed[i.root]
    ]

    assert not wrong, report(f"Declare these in {distribution.folder}/pyproject.toml, or do without:", wrong)


@cache
def providers() -> defaultdict[str, set[str]]:
    """Return root package -> names of the distributions that install files into it."""
    found: defaultdict[str, set[str]] = defaultdict(set, {d.package: {d.project["name"]} for d in DISTRIBUTIONS})
    for installed in importlib.metadata.distributions():
        for file in installed.files or []:
            found[file.parts[0].removesuffix(".py")].add(normal(installed.metadata["Name"]))
    return found


def declared_dependencies(distribution: Distribution) -> set[str]:
    project = distribution.project
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    names = {normal(re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0]) for line in [*project["dependencies"], *extras]}
    # The framework is an extension of azure.functions: who has the one has the other.
    return names | {"azure-functions"} if "azfunc-ext-sdk" in names else names


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_only_the_workers_folder_knows_a_worker():
    """When a worker changes, one folder changes with it."""
    wrong = []
    for distribution in PRODUCTION:
        for module in modules(distribution):
            # The test kit simulates workers.
            if module.place.startswith(("ext_sdk/workers/", "ext_sdk/testing/simulated", "ext_sdk/testing/correlated")):
                continue
            wrong += [f"{module.place}:{line} names {name}" for line, name in worker_names(module.tree)]

    assert not wrong, report("Move what knows a worker into ext_sdk/workers/:", wrong)


def worker_names(tree: ast.Module) -> list[tuple[int, str]]:
    """Return each place that imports a worker or has its module's name as a string of its own (prose does not count)."""
    found = []
    for node in ast.walk(tree):
        named: list[str] = []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named = [node.module or ""]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = [node.value]
        found += [(node.lineno, name) for name in named if name.partition(".")[0] in WORKERS]
    return found


@pytest.mark.parametrize("name", ["lifecycle", "invocation", "settings"])
def test_the_core_does_not_look_back_at_the_workers(name: str):
    """Worker -> seam -> lifecycle -> extensions: one direction, no way back."""
    wrong = [i.place for i in all_imports(SDK) if i.module.path.stem == name and i.target.startswith("ext_sdk.workers")]

    assert not wrong, report(
        f"ext_sdk/{name}.py must not import ext_sdk.workers; pass what it needs as arguments:", wrong
    )
