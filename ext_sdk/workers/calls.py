"""What stands in a function's place: a call, sync or async, that goes through the extensions."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ext_sdk import lifecycle, registry
from ext_sdk.function import IN_PLACE_OF

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_sdk.function import Function
    from ext_sdk.lifecycle import Plan


def through_extensions(function: Function) -> Callable[..., Any]:
    """Return what the worker is to call, with keyword arguments, in place of the function."""
    call = _async_call(function) if function.is_async else _sync_call(function)
    setattr(call, IN_PLACE_OF, function.call)
    return call


def stands_in(call: Any) -> bool:
    """Whether a call goes through the extensions already: two ways to drive it must not stand one inside the other."""
    return IN_PLACE_OF in getattr(call, "__dict__", ())


def _sync_call(function: Function) -> Callable[..., Any]:
    made: tuple[int, Plan] = (registry.NEVER, ())  # one name for both: no thread must see the new version, the old plan

    @wraps(function.call)
    def call(**args: Any) -> Any:
        nonlocal made
        mine = made
        if mine[0] != registry.version:
            mine = made = registry.plan_for(function)
        return lifecycle.run(function, mine[1], args)

    return call


def _async_call(function: Function) -> Callable[..., Any]:
    made: tuple[int, Plan] = (registry.NEVER, ())  # as above

    @wraps(function.call)
    async def call(**args: Any) -> Any:
        nonlocal made
        mine = made
        if mine[0] != registry.version:
            mine = made = registry.plan_for(function)
        return await lifecycle.run_async(function, mine[1], args)

    return call
