"""What a worker's `FunctionInfo` tells of a function, and where the rest is found: function.json, the v2 decorators."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

from ext_sdk.function import Function, Trigger
from ext_sdk.workers import app, correlation

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A text or a comment: the host allows comments in function.json."""


def describe(info: Any, worker: str) -> Function:
    """Return our own record of a function of the app; `worker` is the name of the module that holds the registry."""
    bound_context = "context" in info.input_types or "context" in info.output_types
    return Function(
        name=info.name,
        directory=str(info.directory),
        call=info.func,
        trigger=_trigger(info),
        is_async=info.is_async,
        # A binding that is itself called `context` (Durable orchestrators) takes the name, and the worker would write
        # its Context over the binding's value if it were asked for one.
        wants_context=bound_context or info.requires_context,
        has_context=not bound_context,
        correlation=correlation.of(worker),
    )


def _trigger(info: Any) -> Trigger:
    name, kind = _from_types(info)
    try:
        binding = _from_decorators(info.func) or _from_function_json(info.directory) or {}
    except Exception:  # only extras come from there: a function is served, and its extensions run, without them
        binding = {}
    return Trigger(name or str(binding.get("name", "")), str(binding.get("type", "")) or kind, binding)


def _from_types(info: Any) -> tuple[str, str]:
    """Return the trigger's argument and type from the worker's own record."""
    for name, one in info.input_types.items():
        if str(one.binding_name).lower().endswith("trigger"):
            return name, one.binding_name
    return "", ""


def trigger_of_v1(directory: str) -> Trigger:
    """Return what a v1 function's folder tells of its trigger."""
    try:
        binding = _from_function_json(directory)
    except Exception:  # as above
        binding = {}
    return Trigger(str(binding.get("name", "")), str(binding.get("type", "")), binding)


def _from_function_json(directory: str) -> dict[str, Any]:
    """Return the trigger's binding of a v1 function."""
    path = os.path.join(directory, "function.json")
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8-sig") as file:
        text = _COMMENT.sub(lambda found: found[1] or " ", file.read())
    bindings = json.loads(text).get("bindings", [])
    return next((one for one in bindings if str(one.get("type", "")).lower().endswith("trigger")), {})


def _from_decorators(user_function: Any) -> dict[str, Any]:
    """Return the trigger's binding of a v2 function, as its decorators put it together."""
    from azure.functions.decorators.function_app import FunctionRegister

    module = sys.modules.get(app.script().partition(".")[0])
    for value in list(vars(module).values()) if module else ():  # a copy: another thread may import something there
        if not isinstance(value, FunctionRegister):
            continue
        for builder in value._function_builders:
            function = builder._function
            if function.get_user_function() is user_function:
                return dict(function.get_trigger().get_dict_repr())  # type: ignore[union-attr]
    return {}
