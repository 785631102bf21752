"""Options that commands have in common which read what the local Application Insights has stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

    Command = TypeVar("Command", bound=Callable[..., Any])

TABLES = (
    "requests", "dependencies", "traces", "exceptions", "customEvents", "customMetrics", "pageViews",
    "availabilityResults",
)  # fmt: skip
"""Those of the store, which takes longer to import than a command's help should."""

db = click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="SQLite file to read.  [default: insights.db in your state folder]",
)
tables = click.option(
    "--table", "tables", type=click.Choice(TABLES), multiple=True, help="Only this table. May be given several times."
)


def window(command: Command) -> Command:
    """Add `--from`, `--to` and `--last`."""
    for option in (
        click.option("--to", metavar="TIME", help="Only before this time."),
        click.option("--from", "from_", metavar="TIME", help="Only from this time on, as in 2026-01-02T03:04:05Z."),
        click.option("--last", metavar="SPAN", help="Only so far back, as in 15m, 24h or 7d."),
    ):
        command = option(command)
    return command


def window_of(last: str | None, from_: str | None, to: str | None) -> Window:
    """Return the window that the options say; raise DevkitError for a time that is none."""
    from ext_devkit.insights.analysis.window import Window

    return Window.parse(from_, to, last)


def open_reader(path: Path | None) -> Reader:
    """Return a reader of the file that was named, or of the default one."""
    from ext_devkit.insights.store.database import default_path
    from ext_devkit.insights.store.reader import Reader

    return Reader(default_path() if path is None else path)
