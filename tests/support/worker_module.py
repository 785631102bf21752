"""A module in a worker's shape: `Registry`, `FunctionInfo`, and a registry with no functions yet."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple


class ParamTypeInfo(NamedTuple):
    binding_name: str
    pytype: type | None = None


class FunctionInfo(NamedTuple):
    """A worker's record; workers have further fields, which have to survive."""

    func: Any
    name: str = "HttpTrigger"
    directory: str = "/app/HttpTrigger"
    requires_context: bool = False
    is_async: bool = False
    input_types: Any = {"req": ParamTypeInfo("httpTrigger")}
    output_types: Any = {}
    only_this_worker_has_it: str = "kept"


def new_worker(name="worker_of_this_test.functions"):
    """Return a module in a worker's shape, with one registry."""

    class Registry:
        def __init__(self):
            self.functions = {}

        def get_function(self, function_id):
            return self.functions.get(function_id)

    module = ModuleType(name)
    module.Registry, module.FunctionInfo, module.registry = Registry, FunctionInfo, Registry()
    return module
