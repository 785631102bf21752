"""Start-up is a budget: what our packages load is counted in modules, which are the same on every machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"urllib3", "ssl", "gzip", "http", "asyncio", "email", "uuid", "requests", "unittest", "concurrent"}


def loaded(first: str, then: str) -> set[str]:
    """Return the modules that `then` adds in a fresh interpreter in which `first` already ran."""
    code = (
        f"import json, sys\n{first}\nbefore = set(sys.modules)\n{then}\n"
        "import threading\nthreads = [one.name for one in threading.enumerate()]\n"
        "assert threads in (['MainThread'], ['MainThread', 'ext_sdk-signals']), threads\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def foreign(modules: set[str]) -> set[str]:
    return {root for root in roots(modules) - set(sys.stdlib_module_names) if not root.startswith("__editable__")}


def test_the_sdk_adds_only_itself_to_azure_functions():
    """Beside the standard library, `import ext_sdk` loads nothing that `import azure.functions` has not."""
    added = loaded("import azure.functions", "import ext_sdk")

    assert foreign(added) == {"ext_sdk"}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("import azure.functions", "import ext_sdk"),
        ("pass", "import ext_appinsights"),
        ("import azure.functions", "import ext_timing"),
        ("import azure.functions, opentelemetry.sdk.trace", "import ext_opentelemetry"),
    ],
)
def test_an_import_loads_nothing_heavy_and_starts_no_thread_but_the_one_that_passes_signals_on(first: str, then: str):
    """The network, compression and the event loop are for the moment that needs them.

    The one thread is there only if an extension has something to deliver at the end; see `ext_sdk/parked.py`.
    """
    heavy = HEAVY & roots(loaded(first, then))

    assert not heavy, f"`{then}` loads {sorted(heavy)}: import them inside the function that needs them."


def test_the_timing_extension_adds_only_itself_to_the_sdk():
    """It needs no telemetry library."""
    added = loaded("import ext_sdk", "import ext_timing")

    assert foreign(added) == {"ext_timing"}


def test_the_backend_is_the_standard_library_until_it_sends():
    """`import ext_appinsights` loads no foreign package at all."""
    added = loaded("pass", "import ext_appinsights")

    assert foreign(added) == {"ext_appinsights"}


def test_the_tracing_extension_adds_only_ours_to_the_tracing_sdk():
    """OpenTelemetry's API and SDK are what it is for; nothing beside them is loaded with it."""
    added = loaded("import azure.functions, opentelemetry.sdk.trace", "import ext_opentelemetry")

    assert foreign(added) <= {"ext_opentelemetry", "ext_appinsights", "ext_sdk", "opentelemetry"}
