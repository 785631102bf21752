"""Waiting until the telemetry of the demo's requests is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ext_devkit.demo.calls import Call
    from ext_devkit.insights.store.reader import Row
    from ext_devkit.insights.store.store import Store


def wait_for_telemetry(store: Store, calls: Sequence[Call], timeout: float, progress: Callable[[int], None]) -> None:
    """Return once every call's operation is complete; `progress` is told how many are, after every commit.

    Raises DevkitError that names what is missing after `timeout` seconds.
    """

    def look() -> list[Row] | None:
        complete = sum(not missing(store, call) for call in calls)
        progress(complete)
        return [] if complete == len(calls) else None

    try:
        store.wait_until(look, timeout, "the telemetry of the demo")
    except TimeoutError as error:
        lacking = "; ".join(
            f"GET {call.path} lacks {', '.join(found)}" for call in calls if (found := missing(store, call))
        )
        raise DevkitError(
            f"Not all telemetry arrived within {timeout:g} s: {lacking}. "
            "The function app's log, printed above, may say why."
        ) from error


def missing(store: Store, call: Call) -> list[str]:
    """Return what an operation lacks yet, as in "1 of 2 dependencies"; empty if it is complete."""
    counts = {table: store.count(table, operation_id=call.operation_id) for table in call.expected}
    return [
        f"{wanted - counts[table]} of {wanted} {table}"
        for table, wanted in call.expected.items()
        if counts[table] < wanted
    ]
