"""The registry of the loaded functions, in the shape that the Functions workers have.

`Registry.get_function` and `FunctionInfo` are the place where extensions attach (`ext_sdk.workers`), on the
workers and here alike: the host looks a function up there at every invocation and knows nothing of extensions.
"""

from __future__ import annotations

import inspect
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.host.bindings import HTTP_TRIGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ext_devkit.host.model import Declared
    from ext_devkit.host.signature import Signature


class ParamTypeInfo(NamedTuple):
    """A parameter: the binding type that converts it, and its annotation."""

    binding_name: str
    pytype: type | None


class FunctionInfo(NamedTuple):
    """All that an invocation needs to know of a function."""

    func: Callable[..., Any]
    name: str
    directory: str
    function_id: str
    requires_context: bool
    is_async: bool
    has_return: bool
    is_http_func: bool
    input_types: Mapping[str, ParamTypeInfo]
    output_types: Mapping[str, ParamTypeInfo]
    return_type: ParamTypeInfo | None
    trigger_metadata: dict[str, Any] | None


class Registry:
    """The functions of the app, by id."""

    def __init__(self) -> None:
        self._functions: dict[str, FunctionInfo] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        """By id, the type of each output binding as it is declared."""

    def get_function(self, function_id: str) -> FunctionInfo | None:
        """Return a function; None if there is none of this id."""
        return self._functions.get(function_id)

    def all(self) -> list[FunctionInfo]:
        """Return every function, with those that are not served, as they were registered."""
        return list(self._functions.values())

    def add(self, declared: Declared, func: Callable[..., Any], signature: Signature) -> FunctionInfo:
        """Register a function whose signature fits its bindings."""
        trigger = next((key for key, info in signature.inputs.items() if info.binding_name == HTTP_TRIGGER), None)
        info = FunctionInfo(
            func=func,
            name=declared.name,
            directory=declared.directory,
            function_id=str(uuid.uuid5(uuid.NAMESPACE_OID, declared.name)),
            requires_context=signature.requires_context,
            is_async=inspect.iscoroutinefunction(func),
            has_return=signature.has_return,
            is_http_func=trigger is not None,
            input_types=signature.inputs,
            output_types=signature.outputs,
            return_type=signature.returns,
            trigger_metadata={"type": HTTP_TRIGGER, "param_name": trigger} if trigger else None,
        )
        self._functions[info.function_id] = info
        self.outputs[info.function_id] = {one.name: one.type for one in declared.bindings if one.is_out}
        return info
