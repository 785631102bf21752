"""Part of the apps of these tests: gives the worker's registry another shape, as a later worker might. SHAPE says which."""

import gc
import os
import sys
from types import MethodType
from typing import NamedTuple

MODULES = (
    "azure_functions_worker.functions",
    "azure_functions_runtime.functions",
    "azure_functions_runtime_v1.functions",
    "ext_devkit.host.functions",
)


def registries(module):
    """Return the worker's registry objects; each worker keeps one somewhere."""
    return [one for one in gc.get_objects() if type(one) is module.Registry]


def renamed(module):
    """The method has another name; the worker's own calls of it go there."""
    lookup = module.Registry.get_function
    module.Registry.find_function = lookup
    del module.Registry.get_function
    for one in registries(module):
        one.get_function = MethodType(lookup, one)


def signature(module):
    """The method takes one argument more."""
    lookup = module.Registry.get_function
    module.Registry.get_function = lambda self, function_id, revision=None: lookup(self, function_id)


def fields(module):
    """A function's record has its inputs in a field of another name; the worker's own reading of it goes there."""
    known = [name.replace("input_types", "inputs") for name in module.FunctionInfo._fields]
    base = NamedTuple("FunctionInfo", [(name, object) for name in known])

    class FunctionInfo(base):
        def __new__(cls, *, input_types, **others):
            return super().__new__(cls, inputs=input_types, **others)

        @property
        def input_types(self):
            return self.inputs

    module.FunctionInfo = FunctionInfo


def subclass(module):
    """The registry is of a class below the familiar one, and keeps its shape."""
    lookup = module.Registry.get_function

    class Better(module.Registry):
        def get_function(self, function_id):
            return lookup(self, function_id)

    found = registries(module)
    module.Registry = Better
    for one in found:
        one.__class__ = Better


def hidden(module):
    """The worker's module has another name, which ext_sdk does not know."""
    del sys.modules[module.__name__]


for name in MODULES:
    if name in sys.modules:
        globals()[os.environ["SHAPE"]](sys.modules[name])
