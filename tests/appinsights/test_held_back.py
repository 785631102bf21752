"""What the service never takes, or what is larger than any request, does not hold up the rest."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ext_appinsights import Channel
from tests.support.ingestion import IngestionServer

QUICK = {"interval": 0.02, "backoff": (0.05, 20.0), "exit_timeout": 0.0}
NEVER = "never"


class Picky(ThreadingHTTPServer):
    """Takes every item but those named `never`, for which it asks to come again.

    `whole`: with such an item in it, it takes nothing of a request.
    """

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), PickyHandler)
        self.status = status
        self.whole = False
        self.taken: list[str] = []
        self._changed = threading.Condition()

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey=k;IngestionEndpoint=http://127.0.0.1:{self.server_port}"

    def take(self, names: list[str]) -> None:
        with self._changed:
            self.taken += names
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.taken) >= count, 30.0), self.taken
            return self.taken


class PickyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
        names = [json.loads(line)["name"] for line in body.splitlines()]
        errors = [
            {"index": index, "statusCode": self.server.status} for index, name in enumerate(names) if name == NEVER
        ]
        if errors and self.server.whole:
            errors, names = [], []
        accepted = [name for name in names if name != NEVER]
        answer = json.dumps({"itemsReceived": len(names), "itemsAccepted": len(accepted), "errors": errors}).encode()
        self.send_response(200 if names and not errors else 206 if accepted else self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.take(accepted)


@pytest.fixture(params=[500, 429])
def picky(request):
    with Picky(request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_an_item_that_is_never_taken_does_not_hold_up_the_others(picky):
    """Nor do the pauses before each attempt grow to a minute: the service works."""
    channel = Channel(picky.connection_string, journal=False, **QUICK)
    channel.send([{"name": NEVER}])
    try:
        for number in range(30):
            channel.send([{"name": str(number)}])
            picky.wait_for(number + 1)
    finally:
        channel.close(0.0)


@pytest.mark.parametrize("kept", [False, True], ids=["memory only", "journal"])
def test_many_such_items_do_not_hold_up_the_others(picky, tmp_path, kept):
    """The service may keep back a whole kind of items, more than go into a request."""
    channel = Channel(picky.connection_string, journal=str(tmp_path) if kept else False, max_batch=10, **QUICK)
    try:
        for number in range(30):
            channel.send([{"name": NEVER}, {"name": str(number)}])
            channel.commit()
        picky.wait_for(30)
        assert sorted(picky.taken, key=int) == [str(number) for number in range(30)]
    finally:
        channel.close(0.0)


@pytest.mark.parametrize("kept", [False, True], ids=["memory only", "journal"])
def test_an_item_that_spoils_each_request_does_not_hold_up_the_others(picky, tmp_path, kept):
    """It is come upon by ever smaller requests."""
    picky.whole = True
    channel = Channel(
        picky.connection_string, journal=str(tmp_path) if kept else False, **QUICK | {"backoff": (0.02, 1)}
    )
    try:
        channel.send([{"name": NEVER}])
        for number in range(50):
            channel.send([{"name": str(number)}])
            channel.commit()
        picky.wait_for(50)
        channel.send([{"name": "last"}])
        assert picky.wait_for(51)[-1] == "last"
        assert sorted(picky.taken[:-1], key=int) == [str(number) for number in range(50)]
    finally:
        channel.close(0.0)


LEAVE = """
import os, sys
from ext_appinsights import Channel
channel = Channel(sys.argv[1], journal=sys.argv[2], interval=60, exit_timeout=0)
channel.send([{"name": name} for name in sys.argv[3:]])
channel.commit()
os._exit(0)
"""


def test_a_journal_with_such_an_item_does_not_hold_up_the_next_ones(picky, tmp_path):
    for names in ([NEVER], ["a", "b"], ["c"]):
        subprocess.run([sys.executable, "-c", LEAVE, picky.connection_string, str(tmp_path), *names], check=True)

    channel = Channel(picky.connection_string, journal=str(tmp_path), **QUICK)
    channel.send([{"name": "own"}])
    try:
        assert sorted(picky.wait_for(4)) == ["a", "b", "c", "own"]
    finally:
        channel.close(0.0)


def test_a_journal_that_is_spoilt_by_one_item_is_delivered_but_for_that(picky, tmp_path):
    picky.whole = True
    left = [*map(str, range(20)), NEVER, *map(str, range(20, 40))]
    subprocess.run([sys.executable, "-c", LEAVE, picky.connection_string, str(tmp_path), *left], check=True)

    channel = Channel(picky.connection_string, journal=str(tmp_path), **QUICK)
    channel.send([{"name": "own"}])
    try:
        assert {*picky.wait_for(41)} == {"own", *left} - {NEVER}
    finally:
        channel.close(0.0)


def test_what_others_have_left_makes_nothing_fresh_wait(picky, tmp_path):
    """The pauses between attempts to replay are their own."""
    subprocess.run([sys.executable, "-c", LEAVE, picky.connection_string, str(tmp_path), NEVER], check=True)

    options = QUICK | {"backoff": (60.0, 60.0)}
    channel = Channel(picky.connection_string, journal=str(tmp_path), **options)
    try:
        channel.send([{"name": "first"}])
        while channel.stats()["retried"] == 0:
            threading.Event().wait(0.01)
        for number in range(5):
            channel.send([{"name": str(number)}])
            picky.wait_for(number + 2)
    finally:
        channel.close(0.0)


def test_such_an_item_of_this_process_does_not_hold_up_what_others_have_left(picky, tmp_path):
    """It is in each request as long as others come along, so that none succeeds whole."""
    subprocess.run([sys.executable, "-c", LEAVE, picky.connection_string, str(tmp_path), "left"], check=True)

    channel = Channel(picky.connection_string, journal=str(tmp_path), **QUICK)
    channel.send([{"name": NEVER}, {"name": "first"}])
    try:
        for number in range(3000):
            if "left" in picky.taken:
                break
            channel.send([{"name": str(number)}])
            threading.Event().wait(0.005)
        assert "left" in picky.taken
    finally:
        channel.close(0.0)


@pytest.mark.parametrize("sizes", [(1_200_000, 1, 1), (1_000_000, 1), (499_000, 499_000, 499_000)])
def test_an_item_as_large_as_a_request_or_larger_leaves_the_thread_at_work(sizes):
    with IngestionServer() as server:
        channel = Channel(server.connection_string, journal=False, **QUICK)
        channel.send([{"name": str(number), "data": "x" * size} for number, size in enumerate(sizes)])

        assert channel.flush(20.0)
        channel.close(5.0)

        assert [item["name"] for item in server.items] == [str(number) for number in range(len(sizes))]
