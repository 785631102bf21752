"""The other HTTP service that the demo's function app depends on."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = b"Good morning"


class GreetingService:
    """Answers every GET with a greeting, on a free port of loopback, in a thread: `with GreetingService() as url:`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, name="greeting service", daemon=True)

    def __enter__(self) -> str:
        """Start, and return the URL to ask."""
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/greeting"

    def __exit__(self, *_exc: object) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(GREETING)))
        self.end_headers()
        self.wfile.write(GREETING)

    def log_message(self, *_args: object) -> None:
        """Say nothing: the trace shows the call."""
