"""`PYTHON_ENABLE_WORKER_EXTENSIONS`: set to a false value it switches every extension off, on every worker."""

from __future__ import annotations

import os

from ext_sdk.settings import FALSE

NAME = "PYTHON_ENABLE_WORKER_EXTENSIONS"

_OFF = (*FALSE, "f", "n")
"""The short forms are the classic worker's (azure_functions_worker/utils/common.py, `is_false_like`)."""


def enabled() -> bool:
    """Whether extensions are to run: yes, unless the app setting says no. Workers that ignore it need not have it."""
    return os.environ.get(NAME, "1").strip().lower() not in _OFF
