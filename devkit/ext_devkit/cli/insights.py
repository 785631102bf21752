"""`azfunc-ext insights`: run the local Application Insights until Ctrl-C."""

from __future__ import annotations

import json
import shlex
import signal
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ext_devkit.insights.server import InsightsServer


@click.command()
@click.option("--port", type=int, default=4319, show_default=True, help="Port on 127.0.0.1; 0 picks a free one.")
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="SQLite file to store into.  [default: insights.db in your state folder]",
)
@click.option("--keep-days", type=float, help="Delete items that are older than this.  [default: whatever their age]")
@click.option(
    "--max-size",
    default="2GiB",
    show_default=True,
    help="Delete the oldest items when the file is larger: a number with MB, GB, MiB or GiB, or none.",
)
@click.option(
    "--strict/--loose",
    default=True,
    show_default=True,
    help="Refuse what Application Insights refuses, or take whatever can be understood.",
)
@click.option(
    "--fault",
    "faults",
    metavar="FAULT",
    multiple=True,
    help="Go wrong on purpose: status=429,retry_after=2,rate=0.1, hang, reset, redirect=URL, partial=0.5, slow=2 or "
    "empty, each with rate=, times= and path=. May be given several times; the first that hits counts.",
)
@click.option("--fault-seed", type=int, default=0, show_default=True, help="Which requests a rate below 1 hits.")
@click.option(
    "--allow-origin",
    "allow_origins",
    metavar="ORIGIN",
    multiple=True,
    help="Let pages of this origin send telemetry, besides those of this machine. May be given several times.",
)
@click.option("--open", "in_browser", is_flag=True, help="Show the web UI in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of the explanation.")
def command(port: int, db: Path | None, *, as_json: bool, in_browser: bool, max_size: str, **options: Any) -> None:
    """Run the local Application Insights.

    It takes telemetry from anything that speaks to Application Insights or OTLP over HTTP, keeps it in one SQLite file
    and shows it in a web UI.
    """
    from ext_devkit.insights.server import InsightsServer
    from ext_devkit.insights.store.database import default_path
    from ext_devkit.insights.store.retention import size
    from ext_devkit.waiting import wait_for

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    options["max_bytes"] = size(max_size)
    with InsightsServer(port, default_path() if db is None else db, **options) as server:
        print(_as_json(server) if as_json else _explain(server, db, options["faults"]), flush=True)
        if in_browser:
            webbrowser.open(server.url)
        wait_for(ended)


def _as_json(server: InsightsServer) -> str:
    return json.dumps(
        {
            "url": server.url,
            "otlpEndpoint": server.url,
            "connectionString": server.connection_string,
            "database": str(server.store.path.absolute()),
        }
    )


def _explain(server: InsightsServer, db: Path | None, faults: Sequence[str]) -> str:
    wrong = "".join(f"  Goes wrong         {fault}\n" for fault in faults)
    named = f" --db {shlex.quote(str(db))}" if db is not None else ""
    return f"""\
The local Application Insights is running.

  Web UI             {server.url}
  Connection string  {server.connection_string}
  OTLP over HTTP     {server.url}
  Database           {server.store.path.absolute()}
{wrong}
Send telemetry to it from another terminal:
  export APPLICATIONINSIGHTS_CONNECTION_STRING="{server.connection_string}"
or, from anything that speaks OTLP:
  export OTEL_EXPORTER_OTLP_ENDPOINT={server.url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
See what has arrived in the web UI, or with:
  azfunc-ext transactions{named}

Press Ctrl-C to end it."""
