"""Functions while they run: many at once, and when the client or the function itself gives up."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.host import PATIENCE, request, serving, v1_app

THREADS = 32

MEETING = f"""
import threading

barrier = threading.Barrier({THREADS})

def main(req, context):
    barrier.wait({PATIENCE})
    return f"{{req.params['id']}} {{context.invocation_id == context.thread_local_storage.invocation_id}}"
"""
WAITS = """
import asyncio
import threading

entered, released, ended = threading.Event(), threading.Event(), threading.Event()

{definition} main(req):
    if "hello" in req.params:
        return "hello"
    try:
        entered.set()
        {wait}
        return "done"
    finally:
        was_released.append(released.is_set())
        ended.set()

was_released = []
"""
GIVES_UP = """
import asyncio

async def main(req):
    if "hello" in req.params:
        return "hello"
    asyncio.current_task().cancel()
    if "late" in req.params:
        return "too late"
    await asyncio.Event().wait()
"""


def test_as_many_sync_functions_run_at_once_as_the_setting_says(tmp_path, monkeypatch):
    """Each waits for all the others, so none ends if one is missing."""
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", str(THREADS))
    with serving(v1_app(tmp_path, MEETING)) as url, ThreadPoolExecutor(THREADS) as clients:
        bodies = list(clients.map(lambda number: request(f"{url}/api/Hello?id={number}").body, range(THREADS)))

    assert bodies == [f"{number} True".encode() for number in range(THREADS)]


@pytest.mark.parametrize(
    ("definition", "wait"),
    [
        ("def", f"released.wait({PATIENCE})"),
        ("async def", f"await asyncio.get_running_loop().run_in_executor(None, released.wait, {PATIENCE})"),
    ],
)
def test_a_client_that_goes_away_does_not_end_the_function(tmp_path, definition: str, wait: str):
    """The real host tells Python nothing of it (it sends no cancellation to a worker that does not ask for it)."""
    with serving(v1_app(tmp_path, WAITS.format(definition=definition, wait=wait))) as url:
        app = sys.modules["__app__.Hello"]
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET /api/Hello HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.entered.wait(PATIENCE)
        assert request(f"{url}/api/Hello?hello=1").body == b"hello"  # by now the host has seen that the client has gone
        app.released.set()
        assert app.ended.wait(PATIENCE)

    assert app.was_released == [True]


def test_a_function_that_cancels_itself_gets_500_and_the_host_serves_on(tmp_path, capsys):
    with serving(v1_app(tmp_path, GIVES_UP), output=sys.stdout) as url:
        assert request(f"{url}/api/Hello").status == 500
        assert request(f"{url}/api/Hello?hello=1").body == b"hello"

    assert "asyncio.exceptions.CancelledError" in capsys.readouterr().out


def test_a_function_that_cancels_itself_but_waits_no_more_is_answered(tmp_path):
    with serving(v1_app(tmp_path, GIVES_UP)) as url:
        assert request(f"{url}/api/Hello?late=1").body == b"too late"
