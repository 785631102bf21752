"""`azfunc-ext transactions`: show what the local Application Insights has stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from ext_devkit.insights.store.reader import Reader

MOST_NAMED = 3
"""How many of the operations that a short prefix fits an error names."""


@click.command()
@click.argument("operation_id", required=False)
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="SQLite file to read.  [default: insights.db in your state folder]",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Operations to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(operation_id: str | None, db: Path | None, limit: int, as_json: bool) -> None:
    """Show recent operations, or one of them as a tree.

    OPERATION_ID is an operation's id; its first characters are enough if no other starts with them.
    """
    from ext_devkit.insights.store.database import default_path
    from ext_devkit.insights.store.reader import Reader

    path = default_path() if db is None else db
    with Reader(path) as reader:
        if operation_id is None:
            _list(reader, path, limit, as_json)
        else:
            _show(reader, path, operation_id, as_json)


def _list(reader: Reader, path: Path, limit: int, as_json: bool) -> None:
    from ext_devkit.insights.transaction import Transaction

    found = reader.recent_operations(limit)
    if not found:
        raise DevkitError(f"{path} holds no operations yet. Send some telemetry, or name another file with --db.")
    operations = [Transaction.read(reader, operation_id) for operation_id in found]
    if as_json:
        _print_json([operation.summary() for operation in operations])
        return
    from ext_devkit.insights.console import print_operations, terminal

    print_operations(terminal(), operations)


def _show(reader: Reader, path: Path, prefix: str, as_json: bool) -> None:
    from ext_devkit.insights.transaction import Transaction

    transaction = Transaction.read(reader, _find(reader, path, prefix))
    if as_json:
        _print_json(transaction.summary() | {"tree": transaction.items()})
        return
    from ext_devkit.insights.console import print_transaction, terminal

    print_transaction(terminal(), transaction)


def _find(reader: Reader, path: Path, prefix: str) -> str:
    """Return the one operation whose id starts with a prefix."""
    from ext_devkit.insights.plain import plain

    # An argument that is not UTF-8 has half characters, which SQLite does not take.
    found = reader.operations_like(prefix.encode(errors="replace").decode(), MOST_NAMED + 1)
    if not found:
        raise DevkitError(
            f"{path} has no operation '{plain(prefix)}'. 'azfunc-ext transactions' without an id lists those it has."
        )
    if len(found) > 1:
        names = ", ".join(map(plain, found[:MOST_NAMED])) + (" and others" if len(found) > MOST_NAMED else "")
        raise DevkitError(f"Several operations start with '{plain(prefix)}': {names}. Give more of the id.")
    return found[0]


def _print_json(content: object) -> None:
    print(json.dumps(content, indent=2))
