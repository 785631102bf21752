"""The process as a function app expects it: app settings, import path, and the way back."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError
from ext_devkit.host.console import logger
from ext_devkit.host.importing import is_code_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"
EXTENSIONS = "azurefunctions"
"""Package of the Functions extensions, which remember what the app imports of them."""

LOCAL_KEY = "00000000-0000-0000-0000-000000000000"
"""Instrumentation key of the local Application Insights, which takes any."""


class AppProcess:
    """Makes this process the app's, and gives it back: environment, import path and modules."""

    def __init__(self, app: Path) -> None:
        self._app = app
        self._environment = dict(os.environ)
        self._path = list(sys.path)
        self._hidden: dict[str, ModuleType] = {}

    def enter(self, values: Mapping[str, str], insights: str) -> None:
        """Set the app settings and the import path, as the host and the worker do."""
        for name in _extensions():
            self._hidden[name] = sys.modules.pop(name)
        _apply(values)
        os.environ["AzureWebJobsScriptRoot"] = str(self._app)  # noqa: SIM112 - the worker's spelling
        os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
        os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
        _check_runtime()
        _apply_insights(insights)
        packages = self._app / ".python_packages" / "lib" / "site-packages"
        sys.path[:0] = [str(self._app), *([str(packages)] if packages.is_dir() else [])]
        importlib.invalidate_caches()

    def hide(self, name: str) -> None:
        """Put a loaded module of this name aside, so that the app's own is imported."""
        if name in sys.modules and not self._owns(sys.modules[name]):
            self._hidden[name] = sys.modules.pop(name)

    def leave(self) -> None:
        """Forget the app's modules; restore the environment and the import path."""
        for name, module in list(sys.modules.items()):
            if name == "__app__" or name.startswith("__app__.") or self._owns(module):
                del sys.modules[name]
        for name in _extensions():
            del sys.modules[name]
        sys.modules.update(self._hidden)
        self._hidden.clear()
        sys.path[:] = self._path
        os.environ.clear()
        os.environ.update(self._environment)

    def _owns(self, module: ModuleType) -> bool:
        """Say whether a module comes from the app; a folder without `__init__.py` has a path, but no file."""
        file = getattr(module, "__file__", None)
        places = [file] if isinstance(file, str) else list(getattr(module, "__path__", ()))
        return any(is_code_of(self._app, Path(place)) for place in places)


def _extensions() -> list[str]:
    return [name for name in sys.modules if name == EXTENSIONS or name.startswith(f"{EXTENSIONS}.")]


def insights_connection_string(target: str) -> str | None:
    """Return the connection string that `--insights` stands for; None for `off`."""
    if target == "off":
        return None
    if "instrumentationkey=" in target.lower():
        return target
    if target.startswith(("http://", "https://")):
        return f"InstrumentationKey={LOCAL_KEY};IngestionEndpoint={target.rstrip('/')}"
    raise DevkitError(
        f"--insights {target}: expected a URL such as http://127.0.0.1:4319, a connection string, or off."
    )


def _apply(values: Mapping[str, str]) -> None:
    kept = [name for name, value in values.items() if os.environ.get(name, value) != value]
    for name, value in values.items():
        os.environ.setdefault(name, value)
    if kept:
        logger.info("Environment variables win over local.settings.json: %s.", ", ".join(kept))


def _apply_insights(target: str) -> None:
    wanted = insights_connection_string(target)
    if wanted is None:
        return
    present = os.environ.get(CONNECTION_STRING)
    if not present:
        os.environ[CONNECTION_STRING] = wanted
    elif present != wanted:
        logger.info("%s is set already, so telemetry goes there and not to %s.", CONNECTION_STRING, target)


def _check_runtime() -> None:
    runtime = os.environ["FUNCTIONS_WORKER_RUNTIME"]
    if runtime.lower() != "python":
        raise DevkitError(f"FUNCTIONS_WORKER_RUNTIME is {runtime!r}, but this host runs Python apps. Set it to python.")
