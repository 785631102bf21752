"""`azfunc-ext insights`: run the local Application Insights until Ctrl-C."""

from __future__ import annotations

import json
import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ext_devkit.insights.server import InsightsServer


@click.command()
@click.option("--port", type=int, default=4319, show_default=True, help="Port on 127.0.0.1; 0 picks a free one.")
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="SQLite file to store into.  [default: insights.db in your state folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of the explanation.")
def command(port: int, db: Path | None, as_json: bool) -> None:
    """Run the local Application Insights.

    It takes telemetry from anything that speaks to Application Insights, and keeps it in one SQLite file.
    """
    from ext_devkit.insights.server import InsightsServer
    from ext_devkit.insights.store.database import default_path
    from ext_devkit.waiting import wait_for

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with InsightsServer(port, default_path() if db is None else db) as server:
        print(_as_json(server) if as_json else _explain(server, db), flush=True)
        wait_for(ended)


def _as_json(server: InsightsServer) -> str:
    return json.dumps(
        {
            "url": server.url,
            "connectionString": server.connection_string,
            "database": str(server.store.path.absolute()),
        }
    )


def _explain(server: InsightsServer, db: Path | None) -> str:
    named = f" --db {shlex.quote(str(db))}" if db is not None else ""
    return f"""\
The local Application Insights is running.

  URL                {server.url}
  Connection string  {server.connection_string}
  Database           {server.store.path.absolute()}

Send telemetry to it from another terminal:
  export APPLICATIONINSIGHTS_CONNECTION_STRING="{server.connection_string}"
See what has arrived:
  azfunc-ext transactions{named}

Press Ctrl-C to end it."""
