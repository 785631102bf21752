"""The second line, for a worker whose registry we do not know: `FunctionApp.get_functions` of the v2 model.

It is public, and each worker calls it once to collect the app's functions. What stands in for a function there is
looked at by the worker's indexing, which is why the seam is better: the directory is that of `inspect.getfile`, the
parameters are those of `inspect.signature`, and a coroutine function has to be one.
"""

from __future__ import annotations

import inspect
import logging
import os
from functools import wraps
from typing import TYPE_CHECKING, Any

from azure.functions.decorators.function_app import FunctionRegister

from ext_sdk.errors import ExtensionError
from ext_sdk.function import IN_PLACE_OF, Function, Trigger
from ext_sdk.workers import calls, correlation
from ext_sdk.workers.patched import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Callable

DRIVER = "FunctionApp.get_functions"

_log = logging.getLogger("ext_sdk")


def watch(collected: Callable[[list[Any]], object]) -> None:
    """Call `collected` with a FunctionApp's functions whenever a worker collects them; one such callable at a time."""
    get_functions = FunctionRegister.get_functions
    original = getattr(get_functions, ORIGINAL, get_functions)

    @wraps(original)
    def watched(self: Any) -> Any:
        functions = original(self)
        try:
            collected(functions)
        except ExtensionError:  # the app's author has to see it
            raise
        except Exception:
            _log.exception("The functions of the FunctionApp could not be read by ext_sdk.")
        return functions

    setattr(watched, ORIGINAL, original)
    FunctionRegister.get_functions = watched  # type: ignore[method-assign]


def drive(function: Any, described: Function) -> None:
    """Put a call through the extensions in the place of one collected function."""
    if not calls.stands_in(function.get_user_function()):  # get_functions returns the same objects each time
        function._func = _stand_in(described)


def describe(function: Any) -> Function:
    """Return our own record of one collected function."""
    users = function.get_user_function()
    users = getattr(users, "__dict__", {}).get(IN_PLACE_OF, users)
    trigger = function.get_trigger()
    binding = {} if trigger is None else dict(trigger.get_dict_repr())
    bound_context = any(one.name == "context" for one in function.get_bindings())
    return Function(
        name=str(function.get_function_name()),
        directory=os.path.dirname(os.path.abspath(inspect.getfile(users))),
        call=users,
        trigger=Trigger(str(binding.get("name", "")), str(binding.get("type", "")), binding),
        is_async=inspect.iscoroutinefunction(users),
        wants_context=bound_context or "context" in inspect.signature(users).parameters,
        has_context=not bound_context,
        correlation=correlation.of_this_process(),
    )


def _stand_in(function: Function) -> Any:
    """Return a function that indexing takes for the user's own, and that asks for the worker's Context."""
    users = function.call
    signature = inspect.signature(users)
    call = calls.through_extensions(function)

    async def stand_in_async(*values: Any, **args: Any) -> Any:
        return await call(**_by_name(signature, values, args))

    def stand_in_sync(*values: Any, **args: Any) -> Any:
        return call(**_by_name(signature, values, args))

    stand_in: Any = wraps(users)(stand_in_async if function.is_async else stand_in_sync)
    setattr(stand_in, IN_PLACE_OF, users)
    stand_in.__code__ = stand_in.__code__.replace(co_filename=inspect.getfile(users), co_name=stand_in.__name__)
    if function.has_context and not function.wants_context:
        stand_in.__signature__ = _with_context(signature)
    return stand_in


def _by_name(signature: inspect.Signature, values: tuple[Any, ...], args: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments by name: workers give names, a unit test may give positions."""
    return {**dict(zip(signature.parameters, values, strict=False)), **args} if values else args


def _with_context(signature: inspect.Signature) -> inspect.Signature:
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY)
    parameters = list(signature.parameters.values())
    at = len(parameters) - (bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
    return signature.replace(parameters=[*parameters[:at], context, *parameters[at:]])
