"""`azfunc-ext run`: serve a function app on this machine."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ext_devkit.host.console import console, flush_output, say
from ext_devkit.host.host import FunctionHost, app_folder
from ext_devkit.host.server import DEFAULT_PORT, bind, serve
from ext_devkit.host.settings import MAX_PORT, read_local_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_INSIGHTS = "http://127.0.0.1:4319"


@click.command()
@click.argument("app", type=click.Path())
@click.option(
    "--port",
    type=click.IntRange(0, MAX_PORT),
    help="Port on 127.0.0.1; 0 picks a free one. Default: Host.LocalHttpPort of local.settings.json, else 7071.",
)
@click.option(
    "--insights",
    default=DEFAULT_INSIGHTS,
    show_default=True,
    metavar="URL|off",
    help="Where the app's telemetry goes if APPLICATIONINSIGHTS_CONNECTION_STRING is not set: "
    "URL of a local Application Insights, a connection string, or off.",
)
def command(app: str, port: int | None, insights: str) -> None:
    """Serve the HTTP functions of the function app in the folder APP, until Ctrl-C."""
    folder = app_folder(app)
    settings_port = read_local_settings(folder).port
    chosen = next(value for value in (port, settings_port, DEFAULT_PORT) if value is not None)
    left_behind = 0
    with ended_by_signals(), console(sys.stdout), bind(chosen) as listener:
        host = FunctionHost.load(folder, insights=insights)
        screen = [*host.describe(f"http://localhost:{listener.getsockname()[1]}"), "Press Ctrl-C to stop."]
        os.chdir(host.app)
        serve(host, listener, on_ready=lambda: say("\n".join(screen)))
        left_behind = host.invoker.running
        host.invoker.close()
        say("Stopped.")
    if left_behind:
        leave_without_waiting()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the command in order before it serves, too: an app can take long to import."""
    former = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def leave_without_waiting() -> None:
    """Exit although a function's thread still runs: do what is registered for the exit, do not join the thread."""
    atexit._run_exitfuncs()
    flush_output()
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(0)
