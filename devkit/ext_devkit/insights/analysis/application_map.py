"""Who calls whom: the application map.

A node is a role (`cloud_RoleName`) that sends telemetry, or what roles call that sends none: a host, a database, a
queue. An edge is what one calls another, as the caller saw it. A call goes to a role if that role has a request whose
parent it is; of calls to a target that some of them reach a role by, the others count as that role's too, as its
telemetry may be sampled.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.percentiles import weighted
from ext_devkit.insights.analysis.window import minutes

if TYPE_CHECKING:
    import sqlite3

    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

UNNAMED = "(no role)"
MOST_EXTERNAL = 200
"""Called things that are drawn, those with most calls."""

KINDS = {
    "http": ("http", "grpc"),
    "sql": ("sql", "mssql", "mysql", "postgresql", "postgres", "sqlite", "oracle", "db2", "mariadb"),
    "queue": ("queue message", "azure service bus", "azure event hubs", "kafka", "rabbitmq", "azure queue"),
    "cache": ("redis", "memcached"),
    "database": ("azure documentdb", "azure cosmosdb", "cosmosdb", "mongodb", "cassandra", "elasticsearch"),
    "storage": ("azure blob", "azure table", "azure storage"),
}
"""What a dependency's type begins with, for each kind of node; others are `external`."""

Group = tuple[str, str, str]
"""Calling role, type and target."""


@dataclass
class Tally:
    """Calls that were put together: (duration, how many it stands for) of each kind, and how many failed."""

    durations: dict[float, int] = field(default_factory=lambda: defaultdict(int))
    failed: int = 0

    def add(self, duration: float, count: int, success: int) -> None:
        """Count calls of the same duration."""
        self.durations[duration] += count
        self.failed += 0 if success else count

    def take(self, other: Tally) -> None:
        """Count what another one has, too."""
        for duration, count in other.durations.items():
            self.durations[duration] += count
        self.failed += other.failed

    @property
    def count(self) -> int:
        """Return how many calls there were."""
        return sum(self.durations.values())

    def facts(self) -> dict[str, Any]:
        """Return what is shown of them; durations are milliseconds."""
        if not (count := self.count):
            return {"count": 0, "failed": 0, "mean": None, "p95": None}
        spent = sum(duration * times for duration, times in self.durations.items())
        p95 = weighted(sorted(self.durations.items()))["p95"]
        return {"count": count, "failed": self.failed, "mean": spent / count, "p95": p95}


def application_map(reader: Reader, window: Window) -> dict[str, Any]:
    """Return `nodes` and `edges`; an edge's `source` and `target` are ids of nodes.

    Each has how often it was called a minute, in the mean over the window.
    """
    length = minutes(reader, window, ("requests", "dependencies"))
    with reader.snapshot() as connection:
        roles = _roles(connection, window)
        calls, reached = _calls(connection, window)
    nodes = {
        _role_id(role): {"id": _role_id(role), "name": role, "kind": "app"} | tally.facts()
        for role, tally in roles.items()
    }
    edges: dict[tuple[str, str], Tally] = defaultdict(Tally)
    external: dict[str, tuple[str, str, Tally]] = {}
    for group, tally in calls.items():
        caller, type_, target = group
        for role, part in reached.get(group, {}).items():
            edges[_role_id(caller), _role_id(role)].take(part)
        if not tally.durations:
            continue
        if group in reached:
            best = max(reached[group], key=lambda role: reached[group][role].count)
            edges[_role_id(caller), _role_id(best)].take(tally)
        else:
            name = target or type_
            node = f"{kind_of(type_)}:{name}"
            external.setdefault(node, (name, kind_of(type_), Tally()))[2].take(tally)
            edges[_role_id(caller), node].take(tally)
    drawn = sorted(external, key=lambda node: (-external[node][2].count, node))[:MOST_EXTERNAL]
    for node in drawn:
        name, kind, tally = external[node]
        nodes[node] = {"id": node, "name": name, "kind": kind} | tally.facts()
    for source, target in edges:
        for node in (source, target):
            if node.startswith("app:"):
                nodes.setdefault(node, {"id": node, "name": node[4:], "kind": "app"} | Tally().facts())
    shown = sorted(nodes.values(), key=lambda node: node["id"])
    drawn_edges = [
        {"source": source, "target": target} | tally.facts()
        for (source, target), tally in sorted(edges.items())
        if target in nodes
    ]
    for one in (*shown, *drawn_edges):
        one["per_minute"] = one["count"] / length
    return {"nodes": shown, "edges": drawn_edges}


def kind_of(type_: str) -> str:
    """Return the kind of node that dependencies of a type lead to."""
    lower = type_.lower()
    return next((kind for kind, types in KINDS.items() if lower.startswith(types)), "external")


def _role_id(role: str) -> str:
    return f"app:{role}"


def _roles(connection: sqlite3.Connection, window: Window) -> dict[str, Tally]:
    where, values = window.where()
    found: dict[str, Tally] = defaultdict(Tally)
    for role, duration, count, success in connection.execute(
        "SELECT cloud_RoleName, duration, sum(itemCount), success FROM requests "  # noqa: S608
        f"WHERE {where} GROUP BY cloud_RoleName, duration, success",
        values,
    ):
        found[role or UNNAMED].add(duration, count, success)
    return found


def _calls(connection: sqlite3.Connection, window: Window) -> tuple[dict[Group, Tally], dict[Group, dict[str, Tally]]]:
    """Return the calls of each group that reached nobody known, and those that reached a role."""
    where, values = window.where("d.timestamp")
    calls: dict[Group, Tally] = defaultdict(Tally)
    reached: dict[Group, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    rows = connection.execute(
        "SELECT d.cloud_RoleName, d.type, d.target, d.duration, sum(d.itemCount), d.success, "  # noqa: S608
        "(SELECT coalesce(r.cloud_RoleName, '') FROM requests r WHERE r.operation_Id = d.operation_Id "
        "AND r.operation_ParentId = d.id AND r.cloud_RoleName IS NOT d.cloud_RoleName LIMIT 1) AS callee "
        f"FROM dependencies d WHERE {where} "
        # Spans inside a process are no calls of anything, unless they name a target.
        "AND (d.target IS NOT NULL OR (d.type IS NOT NULL AND d.type NOT LIKE 'InProc%')) "
        "GROUP BY 1, 2, 3, 4, 6, 7",
        values,
    )
    for role, type_, target, duration, count, success, callee in rows:
        group = role or UNNAMED, type_ or "", target or ""
        tally = calls[group] if callee is None else reached[group][callee or UNNAMED]
        tally.add(duration, count, success)
    return dict(calls) | {group: Tally() for group in reached if group not in calls}, dict(reached)
