"""`azfunc-ext tail`: items as they arrive."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Any

import click

from ext_devkit.cli import choosing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ext_devkit.insights.store.reader import Reader

LOOK_SECONDS = 0.25
MOST_AT_ONCE = 1000
"""Items of each table that one look takes; the next one goes on behind them."""


@click.command()
@choosing.db
@choosing.tables
@click.option("--role", help="Only of this role (cloud_RoleName).")
@click.option("--failed", is_flag=True, help="Only exceptions and calls that did not succeed.")
@click.option("-n", "--lines", type=click.IntRange(0, 1000), default=10, show_default=True, help="Latest items first.")
@click.option("--no-follow", is_flag=True, help="Print the latest and end.")
@click.option("--json", "as_json", is_flag=True, help="Print each item as a line of JSON.")
def command(
    db: Path | None, tables: Sequence[str], role: str | None, failed: bool, lines: int, no_follow: bool, as_json: bool
) -> None:
    """Print items as they arrive, until Ctrl-C.

    It looks into the file, so the server may be started, ended and started again meanwhile.
    """
    from ext_devkit.insights.console import print_item, terminal

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    console = terminal()
    with choosing.open_reader(db) as reader:
        follower = Follower(reader, tables or choosing.TABLES, role=role, failed=failed)
        for item in follower.latest(lines):
            print(json.dumps(_shown(item)), flush=True) if as_json else print_item(console, item)
        while not no_follow and not ended.wait(LOOK_SECONDS):
            for item in follower.new():
                print(json.dumps(_shown(item)), flush=True) if as_json else print_item(console, item)


class Follower:
    """Knows up to which item of each table it has looked."""

    def __init__(self, reader: Reader, tables: Sequence[str], *, role: str | None = None, failed: bool = False) -> None:
        self._reader = reader
        self._seen = dict.fromkeys(tables, 0)
        self._values: list[Any] = [] if role is None else [role]
        self._role = "" if role is None else " AND cloud_RoleName = ?"
        self._failed = failed

    def latest(self, most: int) -> list[dict[str, Any]]:
        """Return the latest items that are there, oldest first; what is new begins behind them."""
        found = []
        for table in self._seen:
            self._seen[table] = self._reader.query(f"SELECT coalesce(max(itemId), 0) AS n FROM {table}")[0]["n"]  # noqa: S608
            found += self._select(table, "<=", "DESC", most)
        return sorted(found, key=lambda item: item["timestamp"])[-most:] if most else []

    def new(self) -> list[dict[str, Any]]:
        """Return what was stored since, oldest first."""
        found = []
        for table in self._seen:
            (last,) = self._reader.query(f"SELECT max(itemId) AS n FROM {table}")  # noqa: S608
            if (last["n"] or 0) > self._seen[table]:
                some = self._select(table, ">", "ASC", MOST_AT_ONCE)
                self._seen[table] = some[-1]["itemId"] if len(some) == MOST_AT_ONCE else last["n"]
                found += some
        return sorted(found, key=lambda item: item["timestamp"])

    def _select(self, table: str, compared: str, order: str, most: int) -> list[dict[str, Any]]:
        from ext_devkit.insights.store.reader import decode
        from ext_devkit.insights.store.schema import COLUMNS

        failed = " AND success = 0" if "success" in COLUMNS[table] else "" if table == "exceptions" else " AND 0"
        rows = self._reader.query(
            f"SELECT * FROM {table} WHERE itemId {compared} ?{self._role}{failed if self._failed else ''} "  # noqa: S608
            f"ORDER BY itemId {order} LIMIT ?",
            [self._seen[table], *self._values, most],
        )
        return [decode(row) for row in rows]


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value not in (None, {})}
