"""The v2 programming model: one `function_app.py` whose `FunctionApp` holds the functions, blueprints included."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.functions import FunctionRegister

from ext_devkit.errors import DevkitError
from ext_devkit.host.bindings import read_binding
from ext_devkit.host.importing import explained, import_app_module
from ext_devkit.host.model import Declared

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT_SCRIPT = "function_app.py"


def script_name() -> str:
    """Return the file that makes an app a v2 app."""
    return os.environ.get("PYTHON_SCRIPT_FILE_NAME") or DEFAULT_SCRIPT


def load(app: Path) -> list[Declared]:
    """Import the app's script and collect its functions."""
    file = script_name()
    module = import_app_module(Path(file).stem, app, file)
    register = _the_only_app(module, file)
    with explained(app, file):
        functions = register.get_functions()
    if not functions:
        raise DevkitError(f"{file}: the FunctionApp has no functions. Decorate one, such as @app.route().")
    return [_declared(function, file) for function in functions]


def _the_only_app(module: ModuleType, file: str) -> Any:
    """Return the FunctionApp of a module; two names count as two, as in the workers, even for the same object."""
    names = [name for name, value in vars(module).items() if isinstance(value, FunctionRegister)]
    if not names:
        raise DevkitError(f"{file}: there is no FunctionApp at its top level. Add app = azure.functions.FunctionApp().")
    if len(names) > 1:
        raise DevkitError(
            f"{file}: {len(names)} names hold a FunctionApp ({', '.join(names)}), but the worker takes one. "
            "Keep one and make the others azure.functions.Blueprint."
        )
    return getattr(module, names[0])


def _declared(function: Any, file: str) -> Declared:
    name = function.get_function_name()
    place = f"{file}: function {name!r}"
    func = function.get_user_function()
    raw_bindings = json.loads(function.get_function_json())["bindings"]
    return Declared(
        name=name,
        directory=str(Path(inspect.getfile(func)).parent),
        bindings=[read_binding(_lower_direction(raw), place) for raw in raw_bindings],
        place=place,
        func=None if _is_disabled(name) else func,
    )


def _lower_direction(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "direction": str(raw.get("direction", "in")).lower()}


def _is_disabled(name: str) -> bool:
    return os.environ.get(f"AzureWebJobs.{name}.Disabled", "").lower() in {"true", "1"}
