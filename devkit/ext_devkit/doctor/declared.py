"""The settings that an extension declares, told from the source of its dataclass `Settings`."""

from __future__ import annotations

import ast
from collections import abc
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from ext_devkit.doctor.extensions import base_of
from ext_sdk import convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.extensions import Extension
    from ext_devkit.doctor.modules import Module

_HINTS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "dict": dict,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "object": object,
    "typing.Any": Any,
    "datetime.timedelta": timedelta,
    "pathlib.Path": Path,
    "collections.abc.Sequence": abc.Sequence,
    "collections.abc.Mapping": abc.Mapping,
}


@dataclass(frozen=True)
class Setting:
    """One declared setting; `kind` says what it allows, None if that cannot be told from the source."""

    name: str
    kind: convert.Kind | None


class _Unseen:
    """Stands for a class that no constant in an app's source can be an instance of."""


def declared_settings(case: Case, extension: Extension) -> Mapping[str, Setting] | None:
    """Return the settings of an app-level extension of ours by name; None if they cannot be told."""
    if extension.kind != "sdk" or extension.level != "app":
        return None
    written = case.classes.definition(extension.key)
    if written is None:
        return None
    module, node = written
    ours = module.name.partition(".")[0].startswith("ext_") and module not in case.modules
    if not ours and any(isinstance(one, ast.FunctionDef) and one.name == "configure" for one in node.body):
        return None  # it takes what it likes
    found = _settings_class(case, module, node)
    if found is None:
        # Nothing declared: no settings, if the class comes straight from ext_sdk's.
        return {} if [base_of(module.dotted(one)) for one in node.bases] == [("sdk", "app")] else None
    home, settings = found
    if settings.bases:
        return None
    return {
        one.target.id: Setting(one.target.id, _kind(home, one.annotation, lenient=ours))
        for one in settings.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }


def _settings_class(case: Case, module: Module, node: ast.ClassDef) -> tuple[Module, ast.ClassDef] | None:
    for one in node.body:
        if isinstance(one, ast.ClassDef) and one.name == "Settings":
            return module, one
        if isinstance(one, ast.Assign) and any(getattr(target, "id", "") == "Settings" for target in one.targets):
            return case.classes.definition(module.dotted(one.value))
    return None


def _kind(module: Module, annotation: ast.expr, *, lenient: bool) -> convert.Kind | None:
    try:
        return convert.of(_hint(module, annotation, lenient=lenient))
    except (LookupError, TypeError, ValueError):
        return None


def _hint(module: Module, node: ast.expr, *, lenient: bool) -> Any:
    """Return the annotation as an object. LookupError: it names what is not known here."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return _hint(module, ast.parse(node.value, mode="eval").body, lenient=lenient)
        if node.value is None or node.value is Ellipsis:
            return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return Union[  # noqa: UP007 - of two objects, not of two types
            _hint(module, node.left, lenient=lenient), _hint(module, node.right, lenient=lenient)
        ]
    if isinstance(node, ast.Subscript):
        return _subscripted(module, node, lenient=lenient)
    dotted = module.dotted(node) or getattr(node, "id", "")
    if dotted in _HINTS:
        return _HINTS[dotted]
    if lenient and dotted:
        return _Unseen
    raise LookupError(dotted)


def _subscripted(module: Module, node: ast.Subscript, *, lenient: bool) -> Any:
    name = module.dotted(node.value) or getattr(node.value, "id", "")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "typing.Literal":
        return Literal[tuple(ast.literal_eval(one) for one in parts)]
    inner = tuple(_hint(module, one, lenient=lenient) for one in parts)
    if name == "typing.Optional":
        return Optional[inner[0]]  # noqa: UP045 - of an object
    if name == "typing.Union":
        return Union[inner]  # noqa: UP007 - of objects
    return _HINTS[name][inner]
