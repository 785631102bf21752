"""`PYTHON_ENABLE_WORKER_EXTENSIONS`: set to a false value it switches every extension off, on every worker."""

from __future__ import annotations

import os

from ext_sdk.settings import FALSE

NAME = "PYTHON_ENABLE_WORKER_EXTENSIONS"

_OFF = (*FALSE, "f", "n")
_ON = ("1", "true", "t", "yes", "y")
"""As the classic worker has them (azure_functions_worker/utils/common.py, `is_true_like`), the short forms too."""


def enabled() -> bool:
    """Whether extensions are to run: yes, unless the app setting says no. Workers that ignore it need not have it."""
    return os.environ.get(NAME, "1").strip().lower() not in _OFF


def truthy() -> bool:
    """Whether it is set to a true value, without which the classic worker calls no hooks of its own."""
    return os.environ.get(NAME, "").strip().lower() in _ON
