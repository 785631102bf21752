"""`azfunc-ext query`: what a statement in SQL selects from the stored items."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Any

import click

from ext_devkit.cli import choosing

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_CELL = 200


@click.command(
    epilog="""\b
Examples:
  azfunc-ext query 'select * from requests where success = 0 limit 5'
  azfunc-ext query --csv 'select name, count(*) from requests group by name'
  azfunc-ext query - < report.sql

Tables: requests, dependencies, traces, exceptions, customEvents, customMetrics, pageViews, availabilityResults."""
)
@click.argument("sql")
@choosing.db
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="Rows at most.")
@click.option("--timeout", type=click.FloatRange(0, 30, min_open=True), default=30, show_default=True, help="Seconds.")
@click.option("--json", "form", flag_value="json", help="Print JSON: a list of objects.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV with a line of names.")
def command(sql: str, db: Path | None, limit: int, timeout: float, form: str | None) -> None:
    """Select from the stored items with SQL.

    SQL is one statement, or - to read it from standard input. It can only read.
    """
    from ext_devkit.insights.sql import query

    statement = sys.stdin.read() if sql == "-" else sql
    with choosing.open_reader(db) as reader:
        found = query(reader, statement, limit, timeout)
    columns, rows = found["columns"], found["rows"]
    if form == "json":
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
    elif form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows(rows)
    else:
        _print_table(columns, rows)
    if found["truncated"]:
        click.echo(f"There is more: these are the first {len(rows)} rows. See --limit.", err=True)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ext_devkit.insights.console import terminal
    from ext_devkit.insights.plain import plain

    table = Table(box=SIMPLE_HEAD, pad_edge=False, highlight=False)
    for at, name in enumerate(columns):
        numeric = all(isinstance(row[at], (int, float, type(None))) for row in rows)
        table.add_column(Text(plain(name)), justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else plain(_cut(str(cell)))) for cell in row))
    terminal().print(table)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
