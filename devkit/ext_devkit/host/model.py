"""The functions that an app declares, before they are registered; the same for both programming models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host.bindings import HTTP_TRIGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ext_devkit.host.bindings import Binding


@dataclass(frozen=True)
class Declared:
    """One function as the app declares it. `place` names it in errors; `func` is None if it is disabled."""

    name: str
    directory: str
    bindings: Sequence[Binding]
    place: str
    func: Callable[..., Any] | None

    @property
    def trigger(self) -> Binding | None:
        """The binding that starts it."""
        return next((binding for binding in self.bindings if binding.is_trigger), None)

    @property
    def route(self) -> str:
        """The route below the prefix; the function's name if none is given."""
        given = self.trigger.raw.get("route") if self.trigger else None
        return given if isinstance(given, str) and given else self.name

    @property
    def methods(self) -> tuple[str, ...] | None:
        """The HTTP methods in upper case; None for all."""
        given = self.trigger.raw.get("methods") if self.trigger else None
        if given is None:
            return None
        if not isinstance(given, list):
            raise DevkitError(f'{self.place}: "methods" must be a list such as ["get", "post"], found {given!r}.')
        return tuple(str(method).upper() for method in given)

    @property
    def not_served(self) -> str | None:
        """Why this host does not serve it; None if it does."""
        if self.func is None:
            return "disabled"
        if self.trigger is None or self.trigger.type != HTTP_TRIGGER:
            return self.trigger.type if self.trigger else "no trigger"
        inputs = [binding for binding in self.bindings if not binding.is_out and not binding.is_trigger]
        if inputs:
            return f"the input binding {inputs[0].name!r} ({inputs[0].type}) has nothing to read from here"
        return None
