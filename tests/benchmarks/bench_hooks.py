"""What extensions cost per call: ours beside the classic worker's own manager, the same no-op hooks in both.

The peer needs AZURE_FUNCTIONS_WORKER (see tests/workers/README.md) and Python <= 3.12. Bar: 1.0x or less.
"""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

from azure.functions import AppExtensionBase

from ext_sdk import AppExtension, registry
from ext_sdk.function import Function
from ext_sdk.workers.calls import _sync_call
from tests.benchmarks.measure import compare

FROZEN = 1_000_000


def function(req):
    return req


def noop(cls, *args):
    pass


def official(base, number):
    hooks = {"pre_invocation_app_level": classmethod(noop), "post_invocation_app_level": classmethod(noop)}
    return type(f"NoOp{number}", (base,), hooks)


def around(number):
    def around_invocation(cls, invocation):
        yield

    return type(f"Around{number}", (AppExtension,), {"around_invocation": classmethod(around_invocation)})


def context():
    return SimpleNamespace(invocation_id="i", function_name="f", function_directory="/", trace_context=None)


def ours(count, make):
    registry._registrations.clear()
    for number in range(count):
        make(number)
    call, given = _sync_call(Function("f", "/", function, wants_context=False)), context()
    # Each candidate keeps the plan of its own extensions: to all of them the registry stays as it is now.
    registry.version = FROZEN
    call(req=1, context=given)
    assert registry.active()[0].health.calls == 1 if count else not registry.active()
    return lambda: call(req=1, context=given)


def classic(count):
    folder = os.environ.get("AZURE_FUNCTIONS_WORKER")
    if not folder or sys.version_info >= (3, 13):
        print("The classic worker is not here, so there is no peer: the ratios are to our own first row.\n")
        return None
    sys.path.insert(0, folder)
    os.environ["PYTHON_ENABLE_WORKER_EXTENSIONS"] = "1"
    from azure.functions import ExtensionMeta
    from azure_functions_worker.extension import ExtensionManager

    ExtensionMeta._app_exts = None
    for number in range(count):
        official(AppExtensionBase, number)
    hooks, given = ExtensionMeta._app_exts, context()

    def one():
        ExtensionMeta._app_exts = hooks
        return ExtensionManager.get_sync_invocation_wrapper(given, function)({"req": 1})

    return one


def main():
    for count in (1, 3):
        peer = classic(count)
        candidates = {f"classic worker's manager, {count} extension(s)": peer} if peer else {}
        candidates[f"ext_sdk, {count} with official hooks"] = ours(count, lambda n: official(AppExtension, n))
        candidates[f"ext_sdk, {count} with around_invocation"] = ours(count, around)
        compare(f"A sync call through {count} no-op extension(s)", candidates)
    compare(
        "A sync call with no extension", {"the bare function": lambda: function(1), "ext_sdk, none": ours(0, around)}
    )


main()
