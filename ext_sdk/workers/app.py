"""The function app on disk: where it is, which programming model it is of, and which functions a v1 app has."""

from __future__ import annotations

import os

ROOT = "AzureWebJobsScriptRoot"
"""The app setting with the app's folder; the workers' processes have it, a unit test has not."""


def root() -> str | None:
    """Return the app's folder; None outside of a function app."""
    return os.environ.get(ROOT)


def in_worker() -> bool:
    """Whether this process looks like one that a Functions host has started."""
    return root() is not None and os.environ.get("FUNCTIONS_WORKER_RUNTIME", "python").lower() == "python"


def script() -> str:
    """Return the name of the file that makes an app a v2 app (azure_functions_worker/constants.py)."""
    return os.environ.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py"


def is_v2() -> bool:
    """Whether the app is of the v2 model: the workers ask for the file as well."""
    return os.path.isfile(os.path.join(root() or os.curdir, script()))


def v1_functions() -> list[str] | None:
    """Return the names of the functions of a v1 app, which are its folders with a function.json; None elsewhere."""
    folder = root()
    if folder is None or is_v2():
        return None
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    return [name for name in names if os.path.isfile(os.path.join(folder, name, "function.json"))] or None
