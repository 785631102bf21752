"""HTTP streaming with FastAPI types (azurefunctions-extensions-http-fastapi), as the workers do it."""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.host import PATIENCE, request, serving, write_app

APP = """
import asyncio
import json
import threading

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse
from fastapi import HTTPException

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
first_was_read = threading.Event()
closed = threading.Event()
entered = threading.Event()
released = threading.Event()
ended = threading.Event()


async def when(event):
    await asyncio.get_running_loop().run_in_executor(None, event.wait, 30)


@app.route(route="chunks")
async def chunks(req: Request) -> StreamingResponse:
    async def produce():
        yield b"first"
        await when(first_was_read)
        yield b"last"

    return StreamingResponse(produce(), status_code=206, media_type="text/plain", headers={"x-one": "1"})


@app.route(route="sync-chunks")
def sync_chunks(req: Request) -> StreamingResponse:
    def produce():
        yield b"first"
        first_was_read.wait(30)
        yield b"last"

    return StreamingResponse(produce())


@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> JSONResponse:
    chunks = []
    async for chunk in req.stream():
        chunks.append(chunk.decode())
        entered.set()
    return JSONResponse([chunk for chunk in chunks if chunk])


@app.route(route="echo/{kind}/{size:int?}", methods=["POST"])
async def echo(req: Request, context: func.Context) -> JSONResponse:
    return JSONResponse({
        "method": req.method, "url": str(req.url), "query": req.query_params.multi_items(), "route": req.path_params,
        "body": (await req.body()).decode(), "headers": dict(req.headers), "context": context.invocation_id,
        "type": f"{type(req).__module__}.{type(req).__name__}",
    })


@app.route(route="any")
async def any_value(req):
    return eval(req.query_params["returns"])


@app.route(route="any-sync")
def any_value_sync(req):
    return eval(req.query_params["returns"])


def throw(error):
    raise error


@app.route(route="breaks")
async def breaks(req: Request) -> StreamingResponse:
    async def produce():
        yield b"first"
        await when(first_was_read)
        raise RuntimeError("no more")

    return StreamingResponse(produce())


@app.route(route="endless")
async def endless(req: Request) -> StreamingResponse:
    async def produce():
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    return StreamingResponse(produce())


@app.route(route="slow")
async def slow(req: Request) -> Response:
    entered.set()
    await when(released)
    ended.set()
    return Response("done")


@app.route(route="queue")
@app.queue_output(arg_name="message", queue_name="q", connection="c")
async def queue(req: Request, message: func.Out[str]) -> Response:
    message.set("hello")
    return Response("sent")


@app.route(route="bad-queue")
@app.queue_output(arg_name="message", queue_name="q", connection="c")
async def bad_queue(req: Request, message) -> Response:
    message.set(object())
    return Response("sent")
"""


class Console(io.StringIO):
    """What is printed; the last line of a request comes after its response."""

    def __init__(self) -> None:
        super().__init__()
        self._written = threading.Condition()

    def write(self, text: str) -> int:
        with self._written:
            count = super().write(text)
            self._written.notify_all()
        return count

    def until(self, text: str) -> str:
        """Wait until a text is printed; return all that is."""
        with self._written:
            assert self._written.wait_for(lambda: text in self.getvalue(), PATIENCE), self.getvalue()
        return self.getvalue()


class Served:
    """One host for all tests here; `module` is the app's, with its events."""

    def __init__(self, url: str, console: Console) -> None:
        self.url = url
        self.console = console
        self.module: Any = sys.modules["function_app"]

    def returning(self, expression: str, function: str = "any") -> Any:
        return request(f"{self.url}/api/{function}?returns={quote(expression)}")

    def open(self, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("GET", path)
        return connection, connection.getresponse()

    def connect(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE)


@pytest.fixture(scope="module")
def app_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    console = Console()
    with serving(write_app(tmp_path_factory.mktemp("streams"), {"function_app.py": APP}), output=console) as url:
        yield Served(url, console)


@pytest.fixture
def served(app_served: Served) -> Served:
    for event in vars(app_served.module).values():
        if isinstance(event, threading.Event):
            event.clear()
    app_served.console.truncate(0)
    app_served.console.seek(0)
    return app_served


@pytest.mark.parametrize("path", ["chunks", "sync-chunks"])
def test_the_first_chunk_arrives_before_the_last_is_produced(served: Served, path: str):
    connection, response = served.open(f"/api/{path}")

    first = response.read1()
    served.module.first_was_read.set()

    assert (first, response.read()) == (b"first", b"last")
    connection.close()


def test_status_type_and_headers_of_a_streamed_response_reach_the_client(served: Served):
    served.module.first_was_read.set()

    answer = request(f"{served.url}/api/chunks")

    assert answer.status == 206
    assert answer.header("content-type") == ["text/plain; charset=utf-8"]
    assert answer.header("x-one") == ["1"]
    assert answer.header("transfer-encoding") == ["chunked"]


def test_a_function_reads_the_first_chunk_before_the_last_is_sent(served: Served):
    head = b"POST /api/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with served.connect() as client:
        client.sendall(head + b"3\r\none\r\n")
        assert served.module.entered.wait(PATIENCE)
        client.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65536), b""))

    assert json.loads(received.split(b"\r\n\r\n", 1)[1]) == ["one", "two"]


def test_a_function_starts_before_the_body_of_its_request_is_whole(served: Served):
    with served.connect() as client:
        client.sendall(b"POST /api/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\na")
        assert served.module.entered.wait(PATIENCE)
        client.sendall(b"bc")
        served.module.released.set()
        assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(b"done")


def test_a_function_sees_the_request_of_fastapi(served: Served):
    headers = {"X-Mixed": "Yes", "x-ms-invocation-id": "the client's own"}

    seen = request(f"{served.url}/api/echo/a%20b/7?q=1&q=2&empty=", "POST", b"text", headers).json

    assert seen["type"] == "starlette.requests.Request"
    assert seen["method"] == "POST"
    assert seen["url"].startswith(f"{served.url}/api/echo/a")
    assert seen["query"] == [["q", "1"], ["q", "2"], ["empty", ""]]
    assert seen["route"] == {"kind": "a b", "size": "7"}
    assert seen["body"] == "text"
    assert seen["headers"]["x-mixed"] == "Yes"
    assert seen["headers"]["x-ms-invocation-id"] == seen["context"]


@pytest.mark.parametrize("function", ["any", "any-sync"])
@pytest.mark.parametrize(
    ("expression", "status", "kind", "body"),
    [
        ("{'a': [1]}", 200, "application/json", b'{"a":[1]}'),
        ("'text'", 200, "application/json", b'"text"'),
        ("Response('text', 418)", 418, None, b"text"),
        ("throw(HTTPException(404, 'nothing here'))", 404, "application/json", b'{"detail":"nothing here"}'),
        ("throw(ValueError('wrong'))", 500, "text/plain; charset=utf-8", b"Internal Server Error"),
        ("None", 500, "text/plain; charset=utf-8", b"Internal Server Error"),
        ("throw(SystemExit(3))", 500, None, b""),
        ("throw(asyncio.CancelledError())", 500, None, b""),
    ],
)
def test_fastapi_makes_the_response(served: Served, function: str, expression, status, kind, body):
    answer = served.returning(expression, function)

    assert (answer.status, answer.body) == (status, body)
    assert answer.header("content-type") == ([kind] if kind else [])


def test_an_error_is_shown_once_with_its_traceback_from_the_app_on(served: Served):
    served.returning("throw(ValueError('wrong'))")

    printed = served.console.until("Executed 'any_value' (Failed, 500, Id=")
    assert printed.count("ValueError: wrong") == 1
    assert "fastapi" not in printed


def test_a_result_of_none_is_explained(served: Served):
    served.returning("None")

    expected = "ValueError: function 'any_value' returned None, for which HTTP streaming has no response\n"
    assert expected in served.console.getvalue()


def test_a_body_that_fails_is_cut_off_and_shown(served: Served):
    connection, response = served.open("/api/breaks")
    first = response.read1()
    served.module.first_was_read.set()

    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()

    assert first == b"first"
    printed = served.console.until("Executed 'breaks' (Failed, 200, Id=")
    assert printed.count("RuntimeError: no more") == 1
    assert "starlette" not in printed


def test_a_client_that_goes_away_ends_the_body_and_nothing_else(served: Served):
    with served.connect() as client:
        client.sendall(b"GET /api/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")

    assert served.module.closed.wait(PATIENCE)
    assert served.returning("1").body == b"1"


def test_a_client_that_goes_away_does_not_end_the_function(served: Served):
    with served.connect() as client:
        client.sendall(b"GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.module.entered.wait(PATIENCE)
    served.returning("1")  # by now the host has seen that the client has gone

    served.module.released.set()

    assert served.module.ended.wait(PATIENCE)


def test_other_outputs_are_logged(served: Served):
    assert request(f"{served.url}/api/queue").body == b"sent"

    assert "queue: output 'message' (queue): string of length 5, not delivered" in served.console.getvalue()


def test_an_output_that_cannot_be_encoded_fails_in_place_of_the_response(served: Served):
    assert request(f"{served.url}/api/bad-queue").status == 500

    assert "TypeError: unable to encode outgoing TypedData" in served.console.getvalue()
