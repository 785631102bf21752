"""What a test asks of a store: the items with some values, to wait for them, and to say what came in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_devkit.insights.store.reader import Row
    from ext_devkit.insights.store.store import Store

SHOWN = 10
"""Items that the message of a failed assertion shows."""

LONGEST = 200
"""Characters of a value in it."""

TELLING = ("name", "message", "type", "outerMessage", "success", "resultCode", "value")
"""Columns that tell an item from others, for who did not name any."""


def matching(store: Store, table: str, equal: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a table, oldest first, that have these values; of a dict, what it has is enough.

    Raises ValueError for a table or a column that there is not.
    """
    rows = store.rows(table)
    known = ("itemId", "itemType", *COLUMNS[table])
    unknown = [name for name in equal if name not in known]
    if unknown:
        raise ValueError(f"{table} has no column {unknown[0]!r}. It has: {', '.join(known)}.")
    return [row for row in rows if all(_agrees(row.get(name), value) for name, value in equal.items())]


def wait_for(store: Store, table: str, count: int, timeout: float, equal: Mapping[str, Any]) -> list[Row]:
    """Return these rows as soon as there are `count` of them; raise TimeoutError that says what did arrive."""

    def look() -> list[Row] | None:
        found = matching(store, table, equal)
        return found if len(found) >= count else None

    return store.wait_until(look, timeout, _wanted(count, table, equal))


def assert_items(store: Store, table: str, count: int, timeout: float, equal: Mapping[str, Any]) -> list[Row]:
    """Return these rows, exactly `count`, which may take `timeout` seconds to arrive; otherwise say what did arrive."""
    try:
        found = wait_for(store, table, count, timeout, equal)
    except TimeoutError as error:
        raise AssertionError(f"{error}{_listed(store, table, equal)}") from None
    if len(found) > count:
        wanted = _wanted(count, table, equal)
        raise AssertionError(f"Expected {wanted}; there are {len(found)}.{_listed(store, table, equal)}")
    return found


def _agrees(stored: Any, wanted: Any) -> bool:
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return all(key in stored and stored[key] == value for key, value in wanted.items())
    return bool(stored == wanted)


def _wanted(count: int, table: str, equal: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in equal.items())
    return f"{count} in {table}" + (f" with {values}" if values else "")


def _listed(store: Store, table: str, equal: Mapping[str, Any]) -> str:
    """Return a line for each of a table's latest items, with the columns that were asked for."""
    rows = store.rows(table)
    columns = tuple(equal) or TELLING
    lines = [f"\n  {_shown(row, columns)}" for row in rows[-SHOWN:]]
    before = len(rows) - len(lines)
    heading = f" In {table}:" if rows else ""
    return heading + "".join([f"\n  ... {before} before these", *lines] if before else lines)


def _shown(row: Row, columns: tuple[str, ...]) -> str:
    values = [f"{name}={row[name]!r}" for name in columns if row.get(name) is not None]
    return ", ".join(_clipped(value) for value in values) or "(none of it)"


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
