"""The functions of an app, told from `function.json` and the decorators."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host import jsonc, v1

if TYPE_CHECKING:
    from pathlib import Path

    from ext_devkit.doctor.modules import Module, Sources

_LONGEST = 200
"""Characters of a file's name; a longer one is none on any system."""

_DECORATORS = {"route", "schedule", "generic_trigger", "function_name", "warm_up_trigger"}


@dataclass(frozen=True)
class Function:
    """One function of the app. `node` is None if it could not be found."""

    name: str
    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | None


@dataclass(frozen=True)
class Folder:
    """One function of the v1 model: its folder, and the script and entry point that its function.json names."""

    name: str
    place: str
    script: Path
    entry_point: str
    trouble: str = ""

    def module_name(self, app: Path) -> str:
        """Return the name by which its script is imported; empty if it lies elsewhere."""
        try:
            parts = self.script.resolve().relative_to(app).with_suffix("").parts
        except ValueError:
            return ""
        return ".".join(parts).removesuffix(".__init__")


def read_folders(app: Path) -> list[Folder]:
    """Read every function.json; what is wrong with one is its `trouble`."""
    return [_read_folder(folder) for folder in v1.function_folders(app)]


def _read_folder(folder: Path) -> Folder:
    place = f"{folder.name}/{v1.FUNCTION_JSON}"
    try:
        content: dict[str, Any] = jsonc.read_object(folder / v1.FUNCTION_JSON, place)
    except DevkitError as error:
        return Folder(folder.name, place, folder / v1.DEFAULT_SCRIPT, v1.DEFAULT_ENTRY_POINT, str(error))
    named = str(content.get("scriptFile") or v1.DEFAULT_SCRIPT)
    script = folder / (named if named.isprintable() and len(named) < _LONGEST else v1.DEFAULT_SCRIPT)
    return Folder(folder.name, place, script, str(content.get("entryPoint") or v1.DEFAULT_ENTRY_POINT))


def of_folders(folders: list[Folder], app: Path, sources: Sources) -> list[Function]:
    """Return the functions of the v1 model."""
    found = []
    for folder in folders:
        module = sources.find(folder.module_name(app))
        if module is not None:
            node = next((one for one in _top_level(module) if one.name == folder.entry_point), None)
            found.append(Function(folder.name, module, node))
    return found


def of_decorators(modules: list[Module]) -> list[Function]:
    """Return the functions of the v2 model."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                decorators = [one for one in node.decorator_list if is_trigger(one)]
                if decorators:
                    found.append(Function(_name_of(node, decorators), module, node))
    return found


def _top_level(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in module.tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def is_trigger(decorator: ast.expr) -> bool:
    """Say whether a decorator is one of a FunctionApp or Blueprint that declares a function."""
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
        return False
    return decorator.func.attr in _DECORATORS or decorator.func.attr.endswith("_trigger")


def _name_of(node: ast.FunctionDef | ast.AsyncFunctionDef, decorators: list[ast.expr]) -> str:
    for one in decorators:
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "function_name":
            given = [*one.args, *(keyword.value for keyword in one.keywords if keyword.arg == "name")]
            if given and isinstance(given[0], ast.Constant):
                return str(given[0].value)
    return node.name


def shown(names: list[str]) -> str:
    """Return names as a sentence has them."""
    return ", ".join(json.dumps(name) for name in names)
