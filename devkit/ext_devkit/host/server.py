"""The host as a server: on a thread for tests and demonstrations, or in front for `azfunc-ext run`."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

import uvicorn

from ext_devkit.errors import DevkitError
from ext_devkit.host.console import console, logger
from ext_devkit.host.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from typing_extensions import Self

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 7071
GRACE = 2
"""Seconds that requests under way get to end when the host stops."""

FORCED_GRACE = 1
"""Seconds after a second signal until the process ends, also if a function blocks the event loop."""

FORCED_STATUS = 130
"""Exit status of a forced end: what shells show for SIGINT."""


class HostServer:
    """Serves an app folder on loopback while the `with` block runs; `url` says where, port 0 picks a free one.

    `output` takes the console lines; None keeps it silent. Errors of loading are raised on entering.
    """

    def __init__(self, app: str | Path, port: int = 0, *, insights: str = "off", output: TextIO | None = None) -> None:
        self._app = app
        self._port = port
        self._insights = insights
        self._output = output

    def __enter__(self) -> Self:
        """Load the app and start to serve it."""
        with ExitStack() as stack:
            stack.enter_context(console(self._output))
            listener = stack.enter_context(bind(self._port))
            self.host = FunctionHost.load(self._app, insights=self._insights)
            stack.callback(self.host.unload)
            self.url = f"http://{ADDRESS}:{listener.getsockname()[1]}"
            listen(listener)
            ready = threading.Event()
            self._server = HostingServer(self.host, ready.set)
            thread = threading.Thread(target=self._server.run, args=([listener],), name="functions-host")
            thread.start()
            stack.callback(self._stop, thread)
            ready.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving, free the port, and unload the app."""
        self._stack.close()

    def _stop(self, thread: threading.Thread) -> None:
        self._server.should_exit = True
        thread.join()


class HostingServer(uvicorn.Server):
    """uvicorn with a graceful stop of limited length; the first signal asks for it, the second forces it."""

    def __init__(self, host: FunctionHost, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            host.asgi,
            loop="asyncio",
            http="h11",
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            ws="none",
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so: from here on requests are served and signals are taken."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM while serving in the main thread, and do not raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {number: signal.signal(number, self._stop_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _stop_on(self, _number: int, _frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
            end = threading.Timer(FORCED_GRACE, os._exit, args=(FORCED_STATUS,))
            end.daemon = True
            end.start()
        self.should_exit = True


@contextmanager
def bind(port: int) -> Iterator[socket.socket]:
    """Reserve a port on loopback; raise DevkitError if it is taken."""
    # The protocol is named because asyncio switches Nagle's delay off only where it sees TCP: 40 ms per request.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with explained_busy(port):
            listener.bind((ADDRESS, port))
        yield listener


def listen(listener: socket.socket) -> None:
    """Open a reserved port; it can be lost to another process since it was reserved."""
    with explained_busy(listener.getsockname()[1]):
        listener.listen(2048)


@contextmanager
def explained_busy(port: int) -> Iterator[None]:
    """Turn a refused port into a DevkitError."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} is in use by another process"
        else:
            reason = f"port {port} cannot be opened ({error.strerror})"
        raise DevkitError(f"{reason}. Choose another with --port, or --port 0 for a free one.") from error


def serve(host: FunctionHost, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve in the main thread until a signal asks to stop; `on_ready` is called when it has begun."""
    listen(listener)
    HostingServer(host, on_ready).run([listener])
    if host.invoker.running:
        logger.warning("%d function(s) still running were left behind.", host.invoker.running)
