"""Extensions run under the host as on a worker, because it has the same seam; the host itself knows none."""

import sys

import pytest

from ext_devkit.host import functions
from tests.support.host import RunningHost, request, serving, v1_app, write_app

RECORDER = """
import os
import ext_sdk

SEEN = []

class Recorder(ext_sdk.AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        outcome = yield
        if os.environ.get("AzureWebJobsScriptRoot") == os.path.dirname(__file__):  # only in the app that imported it
            SEEN.append([
                invocation.function_name, invocation.trigger.name, invocation.trigger.type,
                invocation.trigger.binding.get("route"), invocation.is_async, outcome.ok,
                type(outcome.error).__name__, invocation.id, invocation.trace_context.trace_parent,
            ])
"""
FUNCTION = """
import json
import recorder

{definition} main(req):
    if "seen" in req.params:
        return json.dumps(recorder.SEEN)
    return str(1 / int(req.params["by"]))
"""


@pytest.mark.parametrize("definition", ["def", "async def"])
def test_an_extension_sees_each_invocation_once_and_failures_too(tmp_path, definition: str):
    app = v1_app(tmp_path, FUNCTION.format(definition=definition), route="divide")
    (app / "recorder.py").write_text(RECORDER)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    with serving(app) as url:
        assert request(f"{url}/api/divide?by=2", headers={"traceparent": parent}).body == b"0.5"
        assert request(f"{url}/api/divide?by=0", headers={"traceparent": parent}).status == 500
        first, second = request(f"{url}/api/divide?seen=1").json

    is_async = definition == "async def"
    assert [*first[:7], first[8]] == ["Hello", "req", "httpTrigger", "divide", is_async, True, "NoneType", parent]
    assert [*second[:7], second[8]] == [
        *("Hello", "req", "httpTrigger", "divide", is_async, False, "ZeroDivisionError", parent)
    ]
    assert first[7] != second[7]


def test_an_extension_of_azure_functions_own_base_classes_runs_beside_ours(tmp_path):
    """As on a library runtime whose app has imported ext_sdk."""
    code = """
import os
import azure.functions as func
import ext_sdk

seen = []

class Official(func.AppExtensionBase):
    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args={}, *args, **kwargs):
        if os.environ.get("AzureWebJobsScriptRoot") == os.path.dirname(os.path.dirname(__file__)):
            seen.append(f"before {context.function_name}")

    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args={}, func_ret=None, *args, **kwargs):
        if os.environ.get("AzureWebJobsScriptRoot") == os.path.dirname(os.path.dirname(__file__)):
            seen.append(f"after {func_ret!r}")

def main(req):
    return ", ".join(seen)
"""
    with serving(v1_app(tmp_path, code)) as url:
        assert request(f"{url}/api/Hello").body == b"before Hello"
        assert request(f"{url}/api/Hello").body == b"before Hello, after 'before Hello', before Hello"


def test_a_v2_app_is_seen_too(tmp_path):
    code = FUNCTION.format(definition="@app.route(route='divide')\ndef").replace(" main(", " divide(")
    app = write_app(
        tmp_path,
        {
            "function_app.py": "import azure.functions as func\napp = func.FunctionApp()\n" + code,
            "recorder.py": RECORDER,
        },
    )
    with serving(app) as url:
        request(f"{url}/api/divide?by=2")
        seen = request(f"{url}/api/divide?seen=1").json

    assert [line[:6] for line in seen] == [["divide", "req", "httpTrigger", "divide", False, True]]


def test_the_function_is_looked_up_at_every_invocation(tmp_path, monkeypatch):
    """A seam that is installed later than the function was loaded covers it."""
    with serving(v1_app(tmp_path)) as url:
        assert request(f"{url}/api/Hello").body == b"hello"
        lookup = functions.Registry.get_function

        def patched(self, function_id):
            info = lookup(self, function_id)
            return info._replace(func=lambda context, **_: f"instead of {context.function_name}", requires_context=True)

        monkeypatch.setattr(functions.Registry, "get_function", patched)
        assert request(f"{url}/api/Hello").body == b"instead of Hello"


def test_the_function_is_looked_up_when_it_is_loaded_too(tmp_path, monkeypatch):
    """As the workers do, so that extensions learn of it before its first invocation."""
    lookup = functions.Registry.get_function
    names = []
    monkeypatch.setattr(
        functions.Registry,
        "get_function",
        lambda self, key: names.append(info.name) if (info := lookup(self, key)) else None,
    )

    with serving(v1_app(tmp_path)):
        assert names == ["Hello"]


def test_the_registry_has_the_shape_of_a_workers():
    """The fields on which extensions rely, and None for what is not loaded."""
    expected = (
        "func name directory function_id requires_context is_async has_return is_http_func "
        "input_types output_types return_type trigger_metadata"
    )
    assert " ".join(functions.FunctionInfo._fields) == expected
    assert functions.ParamTypeInfo._fields == ("binding_name", "pytype")
    assert functions.Registry().get_function("unknown") is None


def test_sync_functions_run_without_a_copy_of_the_context_as_on_the_workers(tmp_path):
    """What a function leaves in its pool thread is there for the next one; it is ext_sdk, if imported, that prevents it."""
    code = """
import contextvars

calls = contextvars.ContextVar("calls", default=0)

def main(req):
    calls.set(calls.get() + 1)
    return str(calls.get())
"""
    settings = {"PYTHON_THREADPOOL_THREAD_COUNT": "1"}
    with RunningHost(v1_app(tmp_path, code), "--insights", "off", **settings) as host:
        assert [request(f"{host.url}/api/Hello").body for _ in range(2)] == [b"1", b"2"]
        host.stop()


def test_the_hosts_own_events_stay_out_of_the_apps_logs(tmp_path):
    """An app that exports what the root logger gets does not export the host's console lines."""
    code = """
import logging

class Keep(logging.Handler):
    def emit(self, record):
        kept.append(record.name)

kept = []
logging.getLogger().addHandler(keep := Keep())

def main(req):
    if req.params:
        logging.getLogger().removeHandler(keep)
    return ",".join(kept)
"""
    with serving(v1_app(tmp_path, code), output=sys.stdout) as url:
        request(f"{url}/api/Hello")
        assert b"ext_devkit" not in request(f"{url}/api/Hello?last=1").body
