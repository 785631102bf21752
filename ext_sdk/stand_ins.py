"""What functions find on their context where an extension that gives them something does not run.

A function that uses `context.tracer` must not fail because extensions are switched off, or because one of them is
suspended: what it finds then does nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    StandIns = Mapping[str, Callable[[], object]]

_log = logging.getLogger("ext_sdk")

_made: dict[Callable[[], object], object] = {}


def plant(stand_ins: StandIns, context: Any) -> list[str]:
    """Put them on a context that lacks them; return the names of those."""
    planted = []
    for name, make in stand_ins.items():
        if hasattr(context, name):
            continue
        try:
            if make not in _made:
                _made[make] = make()
            setattr(context, name, _made[make])
            planted.append(name)
        except AttributeError:  # the worker's own object, where it takes no new attribute
            pass
        except Exception:
            _log.exception("context.%s is missing: what was to stand in for it could not be made.", name)
    return planted
