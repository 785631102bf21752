"""The app's files and its Python."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from ext_devkit.host.settings import HOST_JSON, LOCAL_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding
    from ext_devkit.doctor.functions import Folder

_OLDEST, _NEWEST = (3, 10), (3, 13)


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with files as such."""
    yield from _check_files(case)
    for folder in case.folders:
        if case.model == "v1":
            yield from _check_folder(case, folder)
    if case.model == "v2" and case.folders:
        folders = ", ".join(folder.name for folder in case.folders)
        yield case.finding("both-models", case.folders[0].place, f"These folders are left out: {folders}.")
    if case.python.version < _OLDEST:
        yield case.finding("python-too-old", case.python.source, f"The app is for {case.python}.")
    elif case.python.version > _NEWEST:
        yield case.finding("python-untried", case.python.source, f"The app is for {case.python}.")


def _check_files(case: Case) -> Iterator[Finding]:
    # A newer Python may have a syntax that this one does not know.
    if case.python.version <= sys.version_info[:2]:
        for place, reason in case.sources.unreadable:
            yield case.finding("not-python", place, f"Syntax error: {reason}.")
    for file, trouble in ((LOCAL_SETTINGS, case.settings.trouble), (HOST_JSON, case.host.trouble)):
        if trouble:
            yield case.finding("not-json", file, trouble)
    if case.host.missing:
        yield case.finding("host-json-missing", HOST_JSON, "The folder has no host.json.")


def _check_folder(case: Case, folder: Folder) -> Iterator[Finding]:
    if folder.trouble:
        yield case.finding("not-json", folder.place, folder.trouble)
        return
    shown = f"{folder.name}/{folder.script.name}"
    if not folder.script.is_file():
        yield case.finding("entry-point-missing", folder.place, f"There is no file {shown}.")
        return
    module = case.sources.find(folder.module_name(case.app))
    if module is None or folder.entry_point in module.names or _may_define(module.tree, folder.entry_point):
        return
    reason = f"{shown} defines no {folder.entry_point!r} at its top level."
    yield case.finding("entry-point-missing", folder.place, reason)


def _may_define(tree: ast.Module, name: str) -> bool:
    """Say whether a module may get a name by an assignment, a star import or the like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in (name, "globals", "setattr", "exec"):
            return True
        if isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in (name, "__getattr__"):
            return True
    return False
