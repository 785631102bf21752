"""Function-level extensions: whether each belongs to a function that is there."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ext_devkit.doctor.extensions import hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.extensions import Call, Extension
    from ext_devkit.doctor.findings import Finding


def check(case: Case) -> Iterator[Finding]:
    """Yield the instances and classes that cannot work."""
    for extension in case.found.extensions.values():
        if extension.level == "function" and extension.node is not None and extension.module in case.modules:
            yield from _check_constructor(case, extension)
    for made in case.found.made:
        yield from _check_instance(case, made)


def _check_constructor(case: Case, extension: Extension) -> Iterator[Finding]:
    assert extension.node is not None
    assert extension.module is not None
    constructor = next((one for one in hooks(extension.node) if one.name == "__init__"), None)
    if constructor is None:
        return
    called = [one for one in ast.walk(constructor) if isinstance(one, ast.Attribute) and one.attr == "__init__"]
    if not called:
        place = extension.module.at(constructor)
        yield case.finding("constructor-without-super", place, f"{extension.name}.__init__ does not call it.")


def _check_instance(case: Case, made: Call) -> Iterator[Finding]:
    name = made.extension.name
    named = made.value("function")
    if case.model == "v2" and made.extension.kind == "official":
        reason = f"The worker asks for the functions of {name} by another name than it has."
        yield case.finding("function-level-in-v2", made.place, reason)
    elif _takes_file(made.node):
        folder = PurePosixPath(made.module.shown).parts[0]
        if folder.lower() not in _function_names(case):
            reason = f"{name}(__file__) in {made.module.shown}: {folder} is no function of the app."
            yield case.finding("file-names-no-function", made.place, reason)
    elif isinstance(named, ast.Constant) and isinstance(named.value, str):
        if not _may_have_more_functions(case) and named.value.lower() not in _function_names(case):
            known = ", ".join(sorted(one.name for one in case.functions))
            reason = f"{name}(function={named.value!r}): the functions of the app are {known}."
            yield case.finding("no-such-function", made.place, reason)
    elif made.extension.kind == "sdk" and named is None and not made.open and _is_idle(case, made):
        yield case.finding("instance-not-used", made.place, f"{name}() decorates no function.")


def _takes_file(call: ast.Call) -> bool:
    given = [*call.args[:1], *(one.value for one in call.keywords if one.arg in ("file_path", "filename"))]
    return any(isinstance(one, ast.Name) and one.id == "__file__" for one in given)


def _function_names(case: Case) -> set[str]:
    folders = [one.name for one in case.folders] if case.model == "v1" else []
    return {name.lower() for name in (*folders, *(one.name for one in case.functions))}


def _may_have_more_functions(case: Case) -> bool:
    """Say whether the app may take functions from packages, or under names that are made when it runs."""
    if case.model == "v1":
        return False
    own = {module.name for module in case.modules}
    for module in case.modules:
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("register_functions", "register_blueprint"):
                homes = [module.dotted(one).rpartition(".")[0] for one in node.args]
                if any(home and home not in own for home in homes):
                    return True
            if node.func.attr == "function_name" and not all(isinstance(one, ast.Constant) for one in node.args):
                return True
    return False


def _is_idle(case: Case, made: Call) -> bool:
    """Say whether an instance is made at the top of a module and nobody ever speaks of it."""
    if made.node.args:
        return False
    for statement in made.module.tree.body:
        if isinstance(statement, ast.Expr) and statement.value is made.node:
            return True
        if isinstance(statement, ast.Assign) and statement.value is made.node:
            names = {one.id for one in statement.targets if isinstance(one, ast.Name)}
            return len(names) == len(statement.targets) and not any(_is_spoken_of(case, one) for one in names)
    return False


def _is_spoken_of(case: Case, name: str) -> bool:
    for module in case.modules:
        for node in ast.walk(module.tree):
            read = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            if read or (isinstance(node, ast.Attribute) and node.attr == name):
                return True
            if isinstance(node, ast.ImportFrom) and any(one.name in (name, "*") for one in node.names):
                return True
    return False
