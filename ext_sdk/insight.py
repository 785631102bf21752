"""What can be seen of the extensions of a running app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ext_sdk import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

drivers: list[str] = []
"""What calls the extensions' hooks; `ext_sdk.workers` writes it."""


@dataclass(frozen=True)
class ExtensionStatus:
    """What `extensions()` tells of one active extension."""

    name: str
    level: str
    """`"app"` or `"function"`."""
    function: str
    """The functions that it was made for, by name; empty at app level."""
    order: int
    critical: bool
    """Whether its failures fail the invocation."""
    driver: str
    """What calls its hooks, e.g. `azure_functions_runtime.functions.Registry.get_function`; empty if nothing does."""
    calls: int
    """Invocations that it took part in."""
    failures: Mapping[str, int]
    """Hook -> how often it raised."""
    suspended: bool
    """Whether it is left out at present, after too many failures in a row."""
    suspensions: int
    """How often that has happened."""
    microseconds: Mapping[str, float]
    """Hook -> what it took in all, in microseconds; both parts of `around_invocation`, without the function."""
    facts: Mapping[str, object]
    """What the extension tells of itself, by its hook `facts`; empty if it has none or that failed."""


def extensions() -> list[ExtensionStatus]:
    """Return what is active, outermost first, with its calls, failures and suspensions so far."""
    driver = ", ".join(drivers)
    return [
        ExtensionStatus(
            name=one.name,
            level=one.level,
            function="" if one.binding is None else str(one.binding),
            order=one.order,
            critical=one.critical,
            driver=driver,
            calls=one.health.calls,
            failures=dict(one.health.failures),
            suspended=one.health.suspended(),
            suspensions=one.health.suspensions,
            microseconds={hook: spent / 1000 for hook, spent in list(one.health.spent_ns.items())},
            facts=one.facts(),
        )
        for one in registry.active()
    ]
