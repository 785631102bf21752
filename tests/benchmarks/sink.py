"""The smallest ingestion endpoint there can be, in a process of its own: it accepts everything, and counts.

`python -m tests.benchmarks.sink [--hang]` prints its port and serves until its input ends. With --hang it takes
connections and requests, and never answers.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

KEY = "11111111-2222-3333-4444-555555555555"
ROOT = Path(__file__).parents[2]
_TYPE = b'"baseType"'
_MARK = re.compile(rb'"name": ?"(kill-\d+-\d+)"')


class Counter:
    """What came to `/v2.1/track` so far; `bytes` are those of headers and bodies, `marked` the names `kill-<run>-<n>`."""

    def __init__(self):
        self.requests = self.items = self.bytes = self.body_bytes = 0
        self.marked = []
        self._lock = threading.Lock()

    def take(self, head, headers, body):
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        count = plain.count(_TYPE)
        with self._lock:
            self.requests += 1
            self.items += count
            self.bytes += head + len(body)
            self.body_bytes += len(body)
            self.marked += [name.decode() for name in _MARK.findall(plain)]
        return count

    def as_dict(self):
        with self._lock:
            return {key: value for key, value in vars(self).items() if not key.startswith("_")}


def serve(connection, counter, hang):
    with connection, connection.makefile("rb") as stream:
        while line := stream.readline():
            head, headers = len(line), {}
            while len(header := stream.readline()) > 2:
                head += len(header)
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", "0")))
            if hang:
                threading.Event().wait()
            if line.startswith(b"GET"):
                answer = counter.as_dict()
            elif b"/track " in line:
                count = counter.take(head + 2, headers, body)
                answer = {"itemsReceived": count, "itemsAccepted": count, "errors": []}
            else:
                answer = {}
            text = json.dumps(answer).encode()
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
            )


def main(hang):
    counter, listener = Counter(), socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=accept, args=(listener, counter, hang), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


def accept(listener, counter, hang):
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=guarded, args=(connection, counter, hang), daemon=True).start()


def guarded(connection, counter, hang):
    try:
        serve(connection, counter, hang)
    except OSError:  # the client went away
        pass


class Sink:
    """Runs the endpoint in a process of its own, so that its work is nobody's CPU time."""

    def __init__(self, *, hang=False):
        self._arguments = ["--hang"] if hang else []

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.sink", *self._arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/"
        self.connection_string = f"InstrumentationKey={KEY};IngestionEndpoint={self.url};LiveEndpoint={self.url}"
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def counts(self):
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/")
        found = json.loads(connection.getresponse().read())
        connection.close()
        return found


if __name__ == "__main__":
    main("--hang" in sys.argv[1:])
