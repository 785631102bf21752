"""Binding expressions: `%NAME%` in a binding stands for an app setting."""

from __future__ import annotations

import os
import re
from typing import Any

_SETTING = re.compile(r"%([^%\s]+)%")


def resolved(value: Any) -> str:
    """Return a binding's property with its app settings put in; one that is not set stays as it is written."""
    if not value:
        return ""
    return _SETTING.sub(lambda found: os.environ.get(found[1], found[0]), str(value))
