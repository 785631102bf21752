"""Which apps have their HTTP functions called with FastAPI types, and what is refused beside them."""

from __future__ import annotations

import io
import sys

import pytest

from tests.support.host import refusal, request, serving, v1_app, write_app

APP = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response

app = func.FunctionApp()

@app.route()
def hello(req: Request) -> Response:
    return Response(f"streamed {req.method}")
"""


def test_types_of_azure_functions_are_refused_beside_fastapis(tmp_path):
    """As in the workers, where importing the package switches all HTTP functions of the app."""
    code = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

app = func.FunctionApp()

@app.route()
def old(req: func.HttpRequest) -> str:
    return ""
"""
    message = refusal(write_app(tmp_path, {"function_app.py": code}))

    assert message == (
        "function_app.py: function 'old': the input binding 'req' (httpTrigger) does not take the annotation "
        "HttpRequest. All HTTP functions of an app that imports azurefunctions.extensions.http.fastapi take and "
        "return its types: use one of them."
    )


def test_a_result_of_azure_functions_is_refused_beside_fastapis(tmp_path):
    code = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

app = func.FunctionApp()

@app.route()
def old(req: Request) -> func.HttpResponse:
    return func.HttpResponse()
"""
    message = refusal(write_app(tmp_path, {"function_app.py": code}))

    assert message == (
        "function_app.py: function 'old': the output binding \"$return\" (http) does not take the annotation "
        "HttpResponse. All HTTP functions of an app that imports azurefunctions.extensions.http.fastapi take and "
        "return its types: use one of them."
    )


def test_other_bindings_keep_their_types_beside_fastapis(tmp_path):
    code = (
        APP
        + """
@app.route()
@app.queue_output(arg_name="message", queue_name="q", connection="c")
def send(req: Request, message: func.Out[dict]) -> Response:
    return Response()
"""
    )
    message = refusal(write_app(tmp_path, {"function_app.py": code}))

    assert message == (
        "function_app.py: function 'send': the output binding 'message' (queue) does not take the annotation dict. "
        "Use a type of azure.functions for it."
    )


def test_v1_apps_do_not_stream(tmp_path):
    """The v1 runtime knows no streaming, and the classic worker asks before it imports a v1 app."""
    code = "from azurefunctions.extensions.http.fastapi import Request\n\ndef main(req: Request) -> str:\n    return ''"

    message = refusal(v1_app(tmp_path, code))

    assert message == (
        "Hello/function.json: the input binding 'req' (httpTrigger) does not take the annotation Request. "
        "Use a type of azure.functions for it."
    )


def test_the_next_app_in_the_process_does_not_stream_because_this_one_did(tmp_path):
    plain = """
import azure.functions as func

app = func.FunctionApp()

@app.route()
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""
    for code, body in ((APP, b"streamed GET"), (plain, b"hello"), (APP, b"streamed GET")):
        with serving(write_app(tmp_path, {"function_app.py": code})) as url:
            assert request(f"{url}/api/hello").body == body


def test_modules_of_extensions_that_were_there_before_come_back(tmp_path):
    import azurefunctions.extensions.http.fastapi as before

    with serving(write_app(tmp_path, {"function_app.py": APP})):
        assert sys.modules[before.__name__] is not before
    assert sys.modules[before.__name__] is before


@pytest.mark.parametrize(
    ("first_without", "value", "is_said"), [((3, 99), "", True), ((3, 99), "1", False), ((3, 0), "", False)]
)
def test_the_setting_that_azure_needs_for_older_pythons_is_said(
    tmp_path, monkeypatch, first_without: tuple[int, int], value: str, is_said: bool
):
    console = io.StringIO()
    monkeypatch.setenv("PYTHON_ENABLE_INIT_INDEXING", value)
    monkeypatch.setattr("ext_devkit.host.web.FIRST_WITHOUT_SETTING", first_without)

    with serving(write_app(tmp_path, {"function_app.py": APP}), output=console):
        pass

    line = "WARNING On Azure, HTTP streaming needs the app setting PYTHON_ENABLE_INIT_INDEXING=1 below Python 3.13.\n"
    assert (line in console.getvalue()) == is_said


def test_an_extension_has_ended_before_the_body_is_produced(tmp_path):
    """As on the workers, where the invocation is over when the function returns its StreamingResponse."""
    recorder = """
import ext_sdk

SEEN = []

class Recorder(ext_sdk.AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        SEEN.append(type(invocation.args["req"]).__name__)
        outcome = yield
        SEEN.append(type(outcome.result).__name__)
"""
    code = """
import json

import azure.functions as func
import recorder
from azurefunctions.extensions.http.fastapi import Request, StreamingResponse

app = func.FunctionApp()

@app.route()
async def hello(req: Request) -> StreamingResponse:
    async def produce():
        yield json.dumps(recorder.SEEN)

    return StreamingResponse(produce())
"""
    with serving(write_app(tmp_path, {"function_app.py": code, "recorder.py": recorder})) as url:
        assert request(f"{url}/api/hello").json == ["Request", "StreamingResponse"]
