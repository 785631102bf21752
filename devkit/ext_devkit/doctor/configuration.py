"""What the app's JSON files and the environment say: app settings and host.json, each value with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host import jsonc
from ext_devkit.host.settings import HOST_JSON, LOCAL_SETTINGS, read_local_settings
from ext_sdk.convert.single import FALSE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OF_INTEREST = (
    "EXT_",
    "PYTHON_",
    "APPLICATIONINSIGHTS_",
    "APPINSIGHTS_",
    "OTEL_",
    "FUNCTIONS_WORKER_RUNTIME",
    "AzureF",
)
"""Beginnings of the environment variables that are looked at, beside those that local.settings.json sets, too."""

_TRUE = ("1", "true", "t", "yes", "y")
"""What the workers take for true (azure_functions_worker/utils/common.py, `is_true_like`)."""

_LEVELS = ("trace", "debug", "information", "warning", "error", "critical", "none")


@dataclass
class AppSettings:
    """The app settings that were found. `complete`: those of the app in Azure. `known`: there is a file of them."""

    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    file: str = LOCAL_SETTINGS
    known: bool = False
    complete: bool = False
    trouble: str = ""

    def get(self, name: str) -> str:
        """Return a setting without spaces around it; empty if it is not set."""
        return self.values.get(name, "").strip()

    def is_true(self, name: str) -> bool:
        """Say whether a worker takes a setting for true."""
        return self.get(name).lower() in _TRUE

    def is_false(self, name: str) -> bool:
        """Say whether a setting is switched off in so many words."""
        return self.get(name).lower() in (*FALSE, "f", "n")

    def place(self, name: str) -> str:
        """Return where a setting is set, or where it would be."""
        return self.places.get(name, self.file)


def read_settings(app: Path, environment: Mapping[str, str], listed: Path | None) -> AppSettings:
    """Read `local.settings.json` and the environment over it, or instead a list of the app settings in Azure.

    DevkitError: the list cannot be read. A `local.settings.json` that cannot be is in `trouble`.
    """
    if listed is not None:
        return _listed(listed)
    settings = AppSettings()
    path = app / LOCAL_SETTINGS
    try:
        settings.values.update(read_local_settings(app).values)
        settings.known = path.exists()
    except DevkitError as error:
        settings.trouble = str(error)
    text = path.read_text("utf-8-sig", errors="replace") if path.exists() else ""
    settings.places = {name: f"{LOCAL_SETTINGS}:{line_of(text, name)}" for name in settings.values}
    for name, value in environment.items():
        if (name in settings.values and settings.values[name] != value) or (
            name not in settings.values and name.startswith(_OF_INTEREST)
        ):
            settings.values[name] = value
            settings.places[name] = "environment"
    return settings


def _listed(path: Path) -> AppSettings:
    """Read what `az functionapp config appsettings list` prints, or an object of names and values."""
    try:
        text = path.read_text("utf-8-sig")
        content = jsonc.parse(text)
    except (OSError, ValueError) as error:
        raise DevkitError(f"{path}: the app settings cannot be read: {error}.") from error
    pairs: Any = content.items() if isinstance(content, dict) else None
    if isinstance(content, list) and all(isinstance(one, dict) and "name" in one for one in content):
        pairs = [(one["name"], one.get("value")) for one in content]
    if pairs is None:
        raise DevkitError(
            f"{path}: expected what `az functionapp config appsettings list` prints, or an object of names and values."
        )
    values = {str(name): str(value) for name, value in pairs if value is not None}
    places = {name: f"{path.name}:{line_of(text, name)}" for name in values}
    return AppSettings(values, places, path.name, known=True, complete=True)


def line_of(text: str, key: str) -> int:
    """Return the line of a JSON text where a word in quotes first stands; 1 if it does not."""
    found = re.search(re.escape(f'"{key}"'), text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


@dataclass
class HostJson:
    """The app's host.json. `trouble` is why it cannot be read."""

    content: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    missing: bool = False
    trouble: str = ""

    @classmethod
    def read(cls, app: Path) -> HostJson:
        """Read the file, whatever is in it."""
        path = app / HOST_JSON
        if not path.exists():
            return cls(missing=True)
        try:
            return cls(jsonc.read_object(path, HOST_JSON), path.read_text("utf-8-sig"))
        except (DevkitError, ValueError) as error:
            return cls(trouble=str(error))

    @property
    def readable(self) -> bool:
        """Whether there is something to look at."""
        return not (self.missing or self.trouble)

    def get(self, *path: str) -> Any:
        """Return what stands at a path of keys; None if nothing does."""
        found: Any = self.content
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def at(self, key: str) -> str:
        """Return the place of a key."""
        return f"{HOST_JSON}:{line_of(self.text, key)}"

    def level_of(self, category: str) -> tuple[str, str]:
        """Return the log level in force for a category, in lower case, and the key that sets it."""
        levels = self.get("logging", "logLevel")
        if not isinstance(levels, dict):
            return "information", ""
        fitting = [key for key in levels if category == key or category.startswith(f"{key}.")]
        key = max(fitting, key=len, default="default")
        level = str(levels.get(key, "information")).lower()
        return (level, key) if level in _LEVELS and key in levels else ("information", "")


def is_above_information(level: str) -> bool:
    """Say whether a log level keeps records of level Information out."""
    return _LEVELS.index(level) > _LEVELS.index("information")
