"""Binding expressions: `%NAME%` in a binding stands for an app setting."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING = re.compile(r"%([^%\s]+)%")


def resolved(value: Any) -> str:
    """Return a binding's property with its app settings put in; one that is not set stays as it is written."""
    if not value:
        return ""
    return _SETTING.sub(lambda found: os.environ.get(found[1], found[0]), str(value))


def told_by(binding: Mapping[str, Any], properties: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return attributes, each with the first of the binding's properties that can give it and is there."""
    found = {
        name: next(filter(None, map(resolved, map(binding.get, candidates))), "")
        for name, candidates in properties.items()
    }
    return {name: value for name, value in found.items() if value}
