"""Functions while extensions are switched off: none runs, and what they put on the context is there all the same."""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

from ext_sdk import registry, switch
from ext_sdk.function import IN_PLACE_OF
from ext_sdk.stand_ins import plant

_log = logging.getLogger("ext_sdk")

_told = False


def around(info: Any) -> Any:
    """Return a worker's record of a function whose calls plant them; unchanged if there is nothing to plant."""
    if not info.requires_context or not registry.stand_ins():
        return info
    function = info.func
    if info.is_async:

        @wraps(function)
        async def call(**args: Any) -> Any:
            _plant_all(args)
            return await function(**args)
    else:

        @wraps(function)
        def call(**args: Any) -> Any:
            _plant_all(args)
            return function(**args)

    setattr(call, IN_PLACE_OF, function)
    return info._replace(func=call)


def _plant_all(args: dict[str, Any]) -> None:
    global _told
    planted = plant(registry.stand_ins(), args.get("context"))
    if planted and not _told:  # in an invocation: of any other line a host does not say whose it is
        _told = True
        names = " and ".join(f"context.{name}" for name in sorted(planted))
        does = "do" if len(planted) > 1 else "does"
        _log.info("Extensions are switched off: %s is set to a false value. %s %s nothing.", switch.NAME, names, does)
