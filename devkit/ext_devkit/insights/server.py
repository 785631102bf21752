"""Runs the local Application Insights on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.middleware import Middleware

from ext_devkit.errors import DevkitError
from ext_devkit.insights import expecting
from ext_devkit.insights.app import create_app
from ext_devkit.insights.connections import Connection
from ext_devkit.insights.faults import FaultMiddleware, Plan
from ext_devkit.insights.store.retention import MAX_BYTES
from ext_devkit.insights.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ext_devkit.insights.api.live import Live
    from ext_devkit.insights.fault_specs import Fault
    from ext_devkit.insights.store.reader import Row

HOST = "127.0.0.1"
DEFAULT_PORT = 4319
HIGHEST_PORT = 65535
BACKLOG = 128

INSTRUMENTATION_KEY = "10ca1000-0000-4000-8000-000000000000"
"""Any key is taken; this one is printed because exporters insist on a lower-case UUID."""

GRACE_SECONDS = 1.0
"""How long open requests may go on after the end was asked for."""

KEEP_ALIVE_SECONDS = 75
"""Longer than the 15 s and 60 s between the batches and metrics of common exporters."""


class HttpServer(uvicorn.Server):
    """Ends within the grace period: who has not sent the whole request by then is cut off, without a traceback.

    `live` are the streams that go on until the server ends them.
    """

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, wait for open requests, then for nobody."""
        self._live.close()
        cut_off = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cut_off)
        try:
            await super().shutdown(sockets)
        finally:
            cut_off.cancel()

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class InsightsServer:
    """A running local Application Insights: `with InsightsServer() as server:`.

    `port` 0 picks a free one, `db` None keeps the items in a temporary file until the server is closed. Without
    `strict` it takes whatever can be understood, as `azfunc-ext insights --loose` does.
    `allow_origins` are origins besides those of this machine whose pages may send telemetry. `faults` are what is to go
    wrong with requests that bring telemetry, as `--fault` has them; `fault_seed` chooses which of them.
    Items older than `keep_days` are deleted, and the oldest of them when the file is larger than `max_bytes`; None is
    no bound.
    Raises DevkitError if the port is busy or out of range, the file cannot be used, or an option is not understood.
    """

    def __init__(
        self,
        port: int = 0,
        db: str | Path | None = None,
        *,
        strict: bool = True,
        allow_origins: Sequence[str] = (),
        faults: Sequence[Fault | str] = (),
        fault_seed: int = 0,
        keep_days: float | None = None,
        max_bytes: int | None = MAX_BYTES,
    ) -> None:
        self._faults = Plan(faults, fault_seed)
        self._socket = listen(port)
        self._folder = tempfile.TemporaryDirectory(prefix="azfunc-ext-") if db is None else None
        try:
            path = Path(db) if db is not None else Path(self._folder.name) / "insights.db"  # type: ignore[union-attr]
            self.store = Store(path, keep_days=keep_days, max_bytes=max_bytes)
        except BaseException:
            self._socket.close()
            self._remove_folder()
            raise
        self.port: int = self._socket.getsockname()[1]
        app = create_app(
            self.store,
            self.port,
            self.connection_string,
            strict=strict,
            allow_origins=allow_origins,
            middleware=[Middleware(FaultMiddleware, plan=self._faults)],
        )
        self._server = HttpServer(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ),
            app.state.api.live,
        )
        self._thread = threading.Thread(target=self._run, name="azfunc-ext insights", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    @property
    def connection_string(self) -> str:
        """Return what goes into `APPLICATIONINSIGHTS_CONNECTION_STRING`; live metrics stay on this machine as well."""
        return f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={self.url};LiveEndpoint={self.url}"

    def items(self, table: str, **equal: Any) -> list[Row]:
        """Return the rows of a table that are stored by now, oldest first: those whose columns have the values given.

        Of a column that is an object, as `customDimensions`, it is enough to give some of its keys.
        Raises ValueError for a table or a column that there is not.
        """
        return expecting.matching(self.store, table, equal)

    def wait_for(self, table: str, count: int = 1, timeout: float = 10.0, **equal: Any) -> list[Row]:
        """Return the rows of a table, or those of `items(table, **equal)`, as soon as there are `count` of them.

        Raises TimeoutError after `timeout` seconds, which says what did arrive.
        """
        return expecting.wait_for(self.store, table, count, timeout, equal)

    def assert_items(self, table: str, count: int = 1, timeout: float = 10.0, **equal: Any) -> list[Row]:
        """Return the rows of `items(table, **equal)`, of which there have to be `count`, neither more nor fewer.

        It waits until there are so many, for `timeout` seconds at most; those that come later do not count. So flush
        what sends before asserting that there is no item (`count=0`).
        Raises AssertionError that says what did arrive.
        """
        return expecting.assert_items(self.store, table, count, timeout, equal)

    def set_faults(self, faults: Sequence[Fault | str] = (), seed: int = 0) -> None:
        """Have these go wrong from the next request on, in place of those before; none ends it.

        Raises DevkitError for one that is not understood.
        """
        self._faults.set(faults, seed)

    def close(self) -> None:
        """Stop listening, let open requests finish for a second, commit, and free port and files. May be repeated."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.store.close()
        self._remove_folder()

    def __enter__(self) -> Self:
        """Return the server itself, which already takes requests."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close the server."""
        self.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def _remove_folder(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback only; raise DevkitError if the port cannot be had."""
    if not 0 <= port <= HIGHEST_PORT:
        raise DevkitError(f"Port {port} does not exist. Use --port with 1-{HIGHEST_PORT}, or 0 for any free port.")
    # The protocol is named because asyncio switches Nagle's delay off only where it sees TCP: 40 ms per request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Without it, a restart right after the end has to wait for the old connections' TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise DevkitError(_why_not(port, error)) from error
    return listener


def _why_not(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program, perhaps another 'azfunc-ext insights'. "
            "End that one, or use --port with another number (0 picks a free one)."
        )
    return f"Port {port} cannot be used: {error.strerror}. Use --port with another number (0 picks a free one)."
