"""What the two settings files of a function app say: `local.settings.json` and `host.json`.

Their form is Microsoft's: "Code and test Azure Functions locally" and "host.json reference".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host import jsonc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCAL_SETTINGS = "local.settings.json"
HOST_JSON = "host.json"
MAX_PORT = 65535


@dataclass(frozen=True)
class LocalSettings:
    """The parts of `local.settings.json` that matter here."""

    values: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    cors: tuple[str, ...] = ()
    cors_credentials: bool = False


@dataclass(frozen=True)
class HostSettings:
    """The parts of `host.json` that matter here."""

    route_prefix: str = "api"
    missing: bool = False


def read_local_settings(app: Path) -> LocalSettings:
    """Read `local.settings.json`; an app without one has no local settings."""
    path = app / LOCAL_SETTINGS
    if not path.exists():
        return LocalSettings()
    content = jsonc.read_object(path, LOCAL_SETTINGS)
    if content.get("IsEncrypted") is True:
        raise DevkitError(f"{LOCAL_SETTINGS} is encrypted (IsEncrypted: true). Run `func settings decrypt` first.")
    host = _section(content, "Host", LOCAL_SETTINGS)
    return LocalSettings(
        values=_values(_section(content, "Values", LOCAL_SETTINGS)),
        port=_port(host.get("LocalHttpPort")),
        cors=_origins(host.get("CORS")),
        cors_credentials=_is_true(host.get("CORSCredentials")),
    )


def read_host_settings(app: Path) -> HostSettings:
    """Read `host.json`; an app without one gets the defaults, and `missing` says so."""
    path = app / HOST_JSON
    if not path.exists():
        return HostSettings(missing=True)
    content = jsonc.read_object(path, HOST_JSON)
    http = _section(_section(content, "extensions", HOST_JSON), "http", HOST_JSON)
    prefix = http.get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise DevkitError(f'{HOST_JSON}: extensions.http.routePrefix must be text, found {prefix!r}. Use "" for none.')
    return HostSettings(route_prefix=prefix.strip("/"))


def _section(content: Mapping[str, Any], name: str, shown: str) -> dict[str, Any]:
    section = content.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise DevkitError(f"{shown}: {name} must be an object {{...}}, found {json.dumps(section)}.")
    return section


def _values(section: Mapping[str, Any]) -> dict[str, str]:
    values = {}
    for name, value in section.items():
        if isinstance(value, (dict, list)):
            raise DevkitError(
                f"{LOCAL_SETTINGS}: Values.{name} is nested, but an app setting is one text. "
                f'Write it as a string, or as separate settings named "{name}__...".'
            )
        if value is not None:
            values[name] = value if isinstance(value, str) else json.dumps(value)
            _check_variable(name, values[name])
    return values


def _check_variable(name: str, value: str) -> None:
    """Refuse what no environment variable can be: each setting becomes one."""
    if not name or "=" in name or any(map(_is_unfit, (name, value))):
        raise DevkitError(
            f"{LOCAL_SETTINGS}: the setting {name!r} in Values cannot be an environment variable. A name must not be "
            'empty or contain "=", and neither name nor value may contain NUL or half a surrogate pair.'
        )


def _is_unfit(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


def _port(value: Any) -> int | None:
    if value is None:
        return None
    try:
        port = int(str(value))
    except ValueError:
        port = -1
    if not 0 <= port <= MAX_PORT:
        raise DevkitError(f"{LOCAL_SETTINGS}: Host.LocalHttpPort must be a port from 0 to 65535, found {value!r}.")
    return port


def _origins(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, str):
        raise DevkitError(f"{LOCAL_SETTINGS}: Host.CORS must be text with origins between commas, found {value!r}.")
    return tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip())


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
