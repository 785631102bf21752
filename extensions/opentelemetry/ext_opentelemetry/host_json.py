"""The app's host.json, as far as telemetry needs it; read once for each folder."""

from __future__ import annotations

import json
import os
from typing import Any

_read: dict[str, dict[str, Any]] = {}


def setting(*path: str) -> Any:
    """Return what host.json has at a path of keys; None if there is no such file, or nothing there."""
    root = os.environ.get("AzureWebJobsScriptRoot") or os.getcwd()  # noqa: SIM112 - the platform spells it so
    if root not in _read:
        _read[root] = _load(os.path.join(root, "host.json"))
    found: Any = _read[root]
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
