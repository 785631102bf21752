"""Prints transactions to a terminal with rich; all text goes in as `Text`, so that none of it is read as markup."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ext_devkit.insights.ingest.fields import SEVERITIES
from ext_devkit.insights.plain import plain
from ext_devkit.insights.transaction import Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_devkit.insights.store.reader import Row
    from ext_devkit.insights.transaction import Transaction

MOST_LINES = 500
"""Lines of one tree; more would hide what comes before."""

DEEPEST = 11
"""Levels that are indented, as more would leave no room for the text in 80 columns; `(+n)` marks what lies deeper."""

SHORT_ID = 8
"""Characters of an operation's id that the list shows: a prefix is enough to ask for it."""

LONGEST_NAME = 80
"""Characters of an operation's name that the list shows; the tree shows all of it."""

SECOND = 1000.0

LABELS = {
    "request": "request",
    "dependency": "call",
    "exception": "exception",
    "customEvent": "event",
    "customMetric": "metric",
    "pageView": "page view",
    "availabilityResult": "availability",
}


def print_transaction(console: Console, transaction: Transaction) -> None:
    """Print one operation as a tree: name, duration, result, failure; messages and exceptions under their call."""
    tree = Tree(_headline(transaction), highlight=False)
    above = [tree]
    shown = 0
    total = transaction.left_out
    for depth, node in transaction.walk():
        total += 1
        if shown < MOST_LINES:
            shown += 1
            level = min(depth, DEEPEST)
            del above[level + 1 :]
            above.append(above[level].add(_line(node, depth - level)))
    if total > shown:
        tree.add(Text(f"... and {total - shown} more items", "dim"))
    console.print(tree)


def terminal() -> Console:
    """Return a console for standard output that shows text as it is."""
    # What the terminal's encoding lacks is shown as an escape; it must not end the command.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(highlight=False, markup=False, emoji=False)


def print_item(console: Console, row: Row) -> None:
    """Print one item as a line: its time in UTC, its role, and what the tree of a transaction says of it."""
    node = Node(row)
    line = Text(f"{row['timestamp'][11:23]} ", "dim")
    if row.get("cloud_RoleName"):
        line.append(f"{plain(row['cloud_RoleName'])} ", "cyan")
    line.append_text(_line(node, 0))
    console.print(line, soft_wrap=True)


def print_operations(console: Console, operations: Iterable[Transaction]) -> None:
    """Print operations as a table, one row each, failed ones in red and with the word FAILED."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False, highlight=False)
    table.add_column("Time (UTC)", no_wrap=True)
    table.add_column("Operation", no_wrap=True)
    table.add_column("Name", overflow="fold", ratio=1)
    table.add_column("Role", overflow="fold", max_width=16)
    table.add_column("Duration", justify="right", no_wrap=True)
    table.add_column("Result", overflow="fold", max_width=10)
    table.add_column("Items", justify="right", no_wrap=True)
    for operation in operations:
        table.add_row(*_cells(operation.summary()))
    console.print(table)


def _cells(summary: dict[str, Any]) -> list[Text]:
    failed = not summary["success"]
    result = [plain(summary["resultCode"] or ""), "FAILED" if failed else ""]
    return [
        Text(plain(summary["timestamp"][5:19].replace("T", " "))),
        Text(plain(summary["operation_Id"][:SHORT_ID]), "cyan"),
        Text(_shortened(plain(summary["name"])), "red" if failed else ""),
        Text(plain(summary["cloud_RoleName"] or "")),
        Text("" if summary["duration"] is None else milliseconds(summary["duration"])),
        Text(" ".join(filter(None, result)), "bold red" if failed else "green"),
        Text(str(summary["items"])),
    ]


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _headline(transaction: Transaction) -> Text:
    summary = transaction.summary()
    started = plain((summary["timestamp"] or "").replace("T", " ")[:23])
    text = Text.assemble("Operation ", (plain(transaction.operation_id), "cyan"), f"  {started} UTC")
    if role := summary["cloud_RoleName"]:
        text.append(f"  {plain(role)}")
    return text


def _line(node: Node, deeper: int) -> Text:
    text = Text(f"(+{deeper}) " if deeper else "")
    text.append(_label(node), "bold red" if node.failed else "dim")
    text.append(f"  {plain(node.title)}", "red" if node.failed else "")
    for part in _facts(node):
        text.append(f"  {plain(part)}", "cyan")
    if node.row.get("success") is False:
        text.append("  FAILED", "bold red")
    return text


def _label(node: Node) -> str:
    if node.kind == "trace":
        level = node.row["severityLevel"]
        return "message" if level is None else SEVERITIES[level].lower()
    return LABELS.get(node.kind, plain(node.kind))


def _facts(node: Node) -> list[str]:
    """Return what stands after the name: duration, result, type of call, value of a metric."""
    row = node.row
    facts = [] if row.get("duration") is None else [milliseconds(row["duration"])]
    if node.kind == "customMetric":
        facts.append(f"{row['value']:g}")
    facts += [row.get("resultCode") or ""]
    if node.kind == "dependency":
        facts.append(" ".join(filter(None, (row["type"], row["target"]))))
    return [fact for fact in facts if fact]


def milliseconds(duration: float) -> str:
    """Return a duration for people: `0.4 ms`, `125 ms`, `1.50 s`."""
    if duration >= SECOND:
        return f"{duration / SECOND:.2f} s"
    return f"{duration:.1f} ms" if duration < 10 else f"{duration:.0f} ms"  # noqa: PLR2004
