"""What each package promises is what its `__all__` says: all of that, and nothing else."""

from __future__ import annotations

import ast
import importlib
import types

import pytest

from tests.contracts.repository import DISTRIBUTIONS, Distribution, modules, report

PROMISED_BY_THE_SDK = {
    "AppExtension", "FuncExtension", "Invocation", "Outcome", "ExtensionError", "SettingsError",
    "current_invocation", "propagate", "flush", "extensions",
}  # fmt: skip


def test_the_sdk_has_the_promised_names_and_no_other():
    """The framework's public names are a promise to every extension's author."""
    package = importlib.import_module("ext_sdk")

    assert set(package.__all__) == PROMISED_BY_THE_SDK, "Change PROMISED_BY_THE_SDK only with a line in CHANGELOG.md."


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_every_name_in_all_exists(distribution: Distribution):
    """`from package import *` works."""
    package = importlib.import_module(distribution.package)

    missing = [name for name in package.__all__ if not hasattr(package, name)]

    assert not missing, report(f"Define these in {distribution.package}, or take them out of its __all__:", missing)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_all_names_each_thing_once(distribution: Distribution):
    """A name that stands twice in `__all__` is an editing accident."""
    names = importlib.import_module(distribution.package).__all__

    assert len(names) == len(set(names)), f"{distribution.package}.__all__ repeats a name: {sorted(names)}"


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_nothing_public_is_left_out_of_all(distribution: Distribution):
    """What a package's `__init__` defines or re-exports without an underscore is listed."""
    package = importlib.import_module(distribution.package)
    foreign = foreign_names(distribution)

    unlisted = sorted(
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and name not in package.__all__
        and name not in foreign
        and not isinstance(value, types.ModuleType)
    )

    assert not unlisted, report(f"List these in {distribution.package}.__all__, or give them an underscore:", unlisted)


def foreign_names(distribution: Distribution) -> set[str]:
    """Return what a package's `__init__` imports from elsewhere for its own use."""
    (tree,) = (module.tree for module in modules(distribution) if module.path == distribution.source / "__init__.py")
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] != distribution.package:
            names |= {alias.asname or alias.name for alias in node.names}
    return names
