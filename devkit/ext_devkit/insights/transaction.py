"""One operation as a tree: what called what, and which messages belong to which call. Knows nothing of its display."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ext_devkit.insights.store.reader import Reader, Row

MOST_ROWS = 5000
"""Rows of each table that a transaction takes; `left_out` says how many more are stored."""

CALLS = frozenset({"request", "dependency", "pageView", "availabilityResult"})
"""Item types that have an id, so that other items can lie under them."""

TIMED = CALLS
"""Item types that have a duration."""


@dataclass(eq=False)
class Node:
    """One stored item: its row, and the items under it, oldest first."""

    row: Row
    children: list[Node] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return the item type: request, dependency, trace, exception, customEvent, customMetric ..."""
        return str(self.row["itemType"])

    @property
    def failed(self) -> bool:
        """Tell whether the item is a call that did not succeed, or an exception."""
        return self.kind == "exception" or self.row.get("success") is False

    @property
    def title(self) -> str:
        """Return what the item is called: the name, the message, or the exception's type and message."""
        if self.kind == "exception":
            return ": ".join(part for part in (self.row["type"], self.row["message"]) if part)
        return str(self.row.get("name") or self.row.get("message") or self.row.get("url") or "(no name)")


@dataclass(eq=False)
class Transaction:
    """All items of one operation; `roots` are those whose parent is not among them, oldest first."""

    operation_id: str
    roots: list[Node]
    left_out: int = 0

    @classmethod
    def from_rows(cls, operation_id: str, rows: Iterable[Row], left_out: int = 0) -> Transaction:
        """Arrange rows as a tree: each row once, also where parents are missing, doubled or go round in circles."""
        nodes = [Node(row) for row in sorted(rows, key=_age)]
        parents = _parents(nodes)
        roots: list[Node] = []
        for node in nodes:
            parent = parents.get(node)
            (roots if parent is None else parent.children).append(node)
        return cls(operation_id, roots, left_out)

    @classmethod
    def read(cls, reader: Reader, operation_id: str) -> Transaction:
        """Read one operation from a store."""
        rows: list[Row] = []
        stored = 0
        for table in TABLES:
            stored += reader.count(table, operation_id=operation_id)
            rows += reader.rows(table, operation_id=operation_id, limit=MOST_ROWS)
        return cls.from_rows(operation_id, rows, max(stored - len(rows), 0))

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Go through the tree from the top, each node with its depth (0 for a root), however deep it is."""
        waiting = [(0, node) for node in reversed(self.roots)]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting += [(depth + 1, child) for child in reversed(node.children)]

    def main(self) -> Node | None:
        """Return what the operation is about: its first request, else its first timed root, else its first item."""
        nodes = [node for _, node in self.walk()]
        for kinds in ({"request"}, TIMED):
            found = [node for node in nodes if node.kind in kinds]
            if found:
                return min(found, key=lambda node: _age(node.row))
        return min(nodes, key=lambda node: _age(node.row), default=None)

    def summary(self) -> dict[str, Any]:
        """Return one line's worth, ready for JSON; `failures` counts failed calls and exceptions, `duration` is ms."""
        nodes = [node for _, node in self.walk()]
        main = self.main()
        row: Mapping[str, Any] = {} if main is None else main.row
        return {
            "operation_Id": self.operation_id,
            "timestamp": row.get("timestamp"),
            "name": "" if main is None else _name(main),
            "cloud_RoleName": row.get("cloud_RoleName"),
            "duration": row.get("duration"),
            "resultCode": row.get("resultCode"),
            "success": row.get("success", not any(node.failed for node in nodes)),
            "items": len(nodes) + self.left_out,
            "failures": sum(node.failed for node in nodes),
        }

    def items(self) -> list[dict[str, Any]]:
        """Return the tree as a list from the top, ready for JSON: each row with its `depth`, without empty columns.

        A list, because a tree of any depth can be written and read as one.
        """
        return [
            {"depth": depth} | {name: value for name, value in node.row.items() if value not in (None, {})}
            for depth, node in self.walk()
        ]


def _name(main: Node) -> str:
    return main.title if main.kind in TIMED else str(main.row.get("operation_Name") or main.title)


def _age(row: Row) -> tuple[str, int, int]:
    """Order by time; of two items of the same moment, what can be a parent comes first."""
    return row["timestamp"], row["itemType"] not in CALLS, row["itemId"]


def _parents(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Return the parent of each node that has one here, without circles."""
    known: dict[str, Node] = {}
    for node in nodes:
        if node.kind in CALLS and node.row["id"]:
            known.setdefault(node.row["id"], node)
    parents = {}
    for node in nodes:
        named = node.row["operation_ParentId"] or ""
        parent = known.get(named) or known.get(span_id(named))
        if parent is not None and parent is not node:
            parents[node] = parent
    _break_circles(nodes, parents)
    return parents


def _break_circles(nodes: Iterable[Node], parents: dict[Node, Node]) -> None:
    """Take the parent from the oldest node of each circle, which so becomes a root."""
    settled: set[Node] = set()
    for start in nodes:
        path: set[Node] = set()
        node: Node | None = start
        while node is not None and node not in settled and node not in path:
            path.add(node)
            node = parents.get(node)
        if node is not None and node in path:
            del parents[_oldest_of_circle(node, parents)]
        settled |= path


def _oldest_of_circle(node: Node, parents: Mapping[Node, Node]) -> Node:
    circle = [node]
    while (following := parents[circle[-1]]) is not node:
        circle.append(following)
    return min(circle, key=lambda member: _age(member.row))


def span_id(parent_id: str) -> str:
    """Return the id inside the older form `|trace.span.`, which OpenCensus puts on logs; other ids as they are."""
    if not parent_id.startswith("|"):
        return parent_id
    return parent_id.strip("|.").rpartition(".")[2]
