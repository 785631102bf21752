"""The process of `azfunc-ext doctor --run`, of the app's own Python: loads an app and writes what is active.

Not in the package of the doctor, which imports ext_sdk: here nothing does but the app.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = ("ext_", "extension.")


class _Listening(logging.Handler):
    """Keeps what the framework and extensions warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.name}: {record.getMessage()}"
        if record.name.startswith(_OURS) and line not in self.said:
            self.said.append(line)


def _refused_settings(sdk: Any) -> Iterator[str]:
    """Yield what extensions say of the app settings, which they read when the first function is called."""
    active: list[Any] = [one.type for one in sys.modules["ext_sdk.registry"].active()]
    for extension in active:
        try:
            if issubclass(extension, sdk.AppExtension):
                extension.settings()
        except sdk.SettingsError as error:
            yield str(error)


def main(app: str, answer: str) -> None:
    """Load the app, and write the answer as JSON."""
    listening = _Listening()
    logging.getLogger().addHandler(listening)
    started = time.perf_counter()
    found: dict[str, Any] = {"version": ".".join(map(str, sys.version_info[:3]))}
    try:
        host = FunctionHost.load(app)
    except DevkitError as error:
        found["error"] = str(error)
    else:
        found |= {"functions": sorted([route.name for route in host.routes] + list(host.not_served))}
    found |= {"seconds": round(time.perf_counter() - started, 3), "said": listening.said}
    if sdk := sys.modules.get("ext_sdk"):
        found |= {"sdk": True, "active": [one.name for one in sdk.extensions()]}
        found["refused"] = list(_refused_settings(sdk))
    handlers = [type(one) for one in logging.getLogger().handlers if one is not listening]
    found["handlers"] = [f"{one.__module__}.{one.__qualname__}" for one in handlers]
    partly = Path(f"{answer}.part")
    partly.write_text(json.dumps(found), "utf-8")
    partly.rename(answer)
    os._exit(0)  # the app's threads and exit handlers are not what was asked for
