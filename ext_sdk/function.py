"""What is known of one function of the app, once, when it is first seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Trigger:
    """The binding that starts the function. `Invocation.args[trigger.name]` is its value."""

    name: str = ""
    """The argument that receives the trigger's value, e.g. `"req"`; empty if the worker does not tell."""

    type: str = ""
    """The binding's type as in function.json, e.g. `"httpTrigger"`; empty if the worker does not tell."""

    binding: Mapping[str, Any] = field(default_factory=dict)
    """The binding as in function.json (`route`, `methods`, `queueName`, `schedule` ...); empty if it is not known."""


class Correlation:
    """How a log record finds the invocation that its thread works for. This one knows of no way."""

    def current_id(self) -> str:
        """Return the id of the invocation that the worker has for this thread or task; empty if it has none."""
        return ""

    def enter(self, context: Any, invocation_id: str) -> Callable[[], object]:  # noqa: ARG002 - for those that can
        """Mark this thread as one that works for the invocation; return what undoes it."""
        return _nothing

    def inherit(self, invocation_id: str) -> None:
        """Mark the task that the worker made for one async invocation, so that what it starts is marked as well."""


def _nothing() -> None:
    pass


UNCORRELATED = Correlation()

IN_PLACE_OF = "_ext_sdk_in_place_of"
"""Where a call that goes through the extensions keeps the function that it stands in for."""


@dataclass(frozen=True)
class Function:
    """A function of the app as the worker loaded it."""

    name: str
    directory: str
    call: Callable[..., Any]
    trigger: Trigger = Trigger()
    is_async: bool = False
    wants_context: bool = True
    """Whether the function has a parameter for the worker's Context."""
    has_context: bool = True
    """Whether the worker's Context reaches us: not if a binding of the function is itself called `context`."""
    correlation: Correlation = UNCORRELATED
    """How the worker's log correlation is carried into threads."""

    def context_of(self, args: dict[str, Any]) -> Any:
        """Return the worker's Context out of the arguments, and take it away if the function has no use for it."""
        if self.wants_context:
            return args.get("context") if self.has_context else None
        return args.pop("context", None)
