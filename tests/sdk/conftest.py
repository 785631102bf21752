"""What the tests of the framework get: no worker and no extension but those that a test makes."""

from __future__ import annotations

import pytest
from azure.functions.decorators.function_app import FunctionRegister
from azure.functions.extension import ExtensionMeta

from ext_sdk import FuncExtension, registry
from ext_sdk.workers import driving
from ext_sdk.workers.patched import ORIGINAL


@pytest.fixture(autouse=True)
def no_worker(own_drivers, monkeypatch):
    """The local host's module may be loaded by tests of other folders, and azure.functions be watched since then."""
    monkeypatch.setattr(driving, "_workers", [])
    get_functions = FunctionRegister.get_functions
    monkeypatch.setattr(FunctionRegister, "get_functions", getattr(get_functions, ORIGINAL, get_functions))
    for name in ("_register_application_extension", "_register_function_extension"):
        method = getattr(ExtensionMeta, name)
        monkeypatch.setattr(ExtensionMeta, name, staticmethod(getattr(method, ORIGINAL, method)))


@pytest.fixture(autouse=True)
def no_extension(own_extensions):
    """Those of modules that tests of other folders import are active in the whole process."""
    registry._registrations.clear()
    registry.version += 1


@pytest.fixture
def seen():
    """What an extension of the test sees."""
    return []


@pytest.fixture
def audit_class(seen):
    class Audit(FuncExtension):
        def around_invocation(self, invocation):
            seen.append(invocation.function_name)
            yield

    return Audit


@pytest.fixture
def gate_class():
    class Gate(FuncExtension):
        critical = True

    return Gate
