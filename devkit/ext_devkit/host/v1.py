"""The v1 programming model: a folder per function, with `function.json` and code, imported as `__app__.<folder>`."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host import jsonc
from ext_devkit.host.bindings import Binding, read_binding, refuse_unknown
from ext_devkit.host.importing import import_app_module
from ext_devkit.host.model import Declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMESPACE = "__app__"
FUNCTION_JSON = "function.json"
DEFAULT_SCRIPT = "__init__.py"
DEFAULT_ENTRY_POINT = "main"


def function_folders(app: Path) -> list[Path]:
    """Return the folders with a function.json, by name."""
    return sorted(path.parent for path in app.glob(f"*/{FUNCTION_JSON}"))


def load(app: Path) -> list[Declared]:
    """Read every function.json and import the code of each function that is not disabled."""
    _make_namespace(app)
    return [_load_function(app, folder) for folder in function_folders(app)]


def _make_namespace(app: Path) -> None:
    """Register the package whose modules are the app's folders and files."""
    spec = importlib.machinery.ModuleSpec(NAMESPACE, None, is_package=True)
    spec.submodule_search_locations = [str(app)]
    sys.modules[NAMESPACE] = importlib.util.module_from_spec(spec)


def _load_function(app: Path, folder: Path) -> Declared:
    name, shown = folder.name, f"{folder.name}/{FUNCTION_JSON}"
    content = jsonc.read_object(folder / FUNCTION_JSON, shown)
    bindings = _bindings(content.get("bindings"), shown)
    disabled = _is_disabled(name, content.get("disabled"))
    return Declared(
        name=name,
        directory=str(folder),
        bindings=bindings,
        place=shown,
        func=None if disabled else _import_function(app, folder, content, shown),
    )


def _bindings(raw: Any, shown: str) -> list[Binding]:
    if not isinstance(raw, list) or not raw:
        raise DevkitError(f'{shown}: "bindings" must be a list with at least a trigger.')
    bindings = [read_binding(item, shown) for item in raw]
    for binding in bindings:
        refuse_unknown(binding, shown)
    triggers = [binding for binding in bindings if binding.is_trigger]
    if len(triggers) != 1:
        found = ", ".join(trigger.type for trigger in triggers) or "none"
        raise DevkitError(f"{shown}: a function has exactly one trigger, found {found}. Mend its bindings.")
    names = [binding.name for binding in bindings]
    for name in names:
        if names.count(name) > 1:
            raise DevkitError(f"{shown}: the binding name {name!r} occurs twice. Rename one.")
    return bindings


def _is_disabled(name: str, disabled: Any) -> bool:
    """Follow "How to disable functions": the app setting counts first, then `disabled`, which may name a setting."""
    setting = os.environ.get(f"AzureWebJobs.{name}.Disabled")
    if setting is None:
        setting = os.environ.get(disabled, "") if isinstance(disabled, str) else str(disabled)
    return setting.lower() in {"true", "1"}


def _import_function(app: Path, folder: Path, content: dict[str, Any], shown: str) -> Callable[..., Any]:
    script = _script(app, folder, content, shown)
    parts = list(script.relative_to(app).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    file = script.relative_to(app).as_posix()
    module = import_app_module(".".join([NAMESPACE, *parts]), app, file)
    entry_point = content.get("entryPoint") or DEFAULT_ENTRY_POINT
    func: Callable[..., Any] | None = getattr(module, str(entry_point), None)
    if func is None or not callable(func):
        raise DevkitError(
            f"{shown}: the entry point {entry_point!r} is no function of {file}. Define it there or set entryPoint."
        )
    return func


def _script(app: Path, folder: Path, content: dict[str, Any], shown: str) -> Path:
    name = str(content.get("scriptFile") or DEFAULT_SCRIPT)
    script = folder / name
    resolved = script.resolve()
    if app not in resolved.parents:
        raise DevkitError(f"{shown}: the scriptFile {name!r} is outside of the app. Move it into the app's folder.")
    if resolved.suffix != ".py":
        raise DevkitError(f"{shown}: the scriptFile {name!r} is no Python file (*.py).")
    if not resolved.is_file():
        raise DevkitError(f"{shown}: the scriptFile {name!r} does not exist. Create it or mend scriptFile.")
    return resolved
