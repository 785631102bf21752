"""`azfunc-ext demo`: see it all, on this machine."""

from __future__ import annotations

from pathlib import Path

import click

PORT = click.IntRange(0, 65535)


@click.command()
@click.option("--once", is_flag=True, help="Exit after printing the operations; status 1 if telemetry is missing.")
@click.option("--port", type=PORT, help="Port of the function app.  [default: 7071, or a free one]")
@click.option("--insights-port", type=PORT, help="Port of the Application Insights.  [default: 4319, or a free one]")
@click.option("--db", type=click.Path(path_type=Path), help="Keep the telemetry in this SQLite file.")
@click.option("--svg", type=click.Path(path_type=Path), help="Also write what is printed as a picture.")
def command(once: bool, port: int | None, insights_port: int | None, db: Path | None, svg: Path | None) -> None:
    """See it all: a function app, requests to it, and their telemetry.

    Starts a local Application Insights and a local host with a sample app, sends it real HTTP requests, prints the
    operations that arrived, and keeps running until Ctrl-C or SIGTERM, which end it with status 0.
    """
    from ext_devkit.demo.play import Options, play

    play(Options(once, port, insights_port, db, svg))
