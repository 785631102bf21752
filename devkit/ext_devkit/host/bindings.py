"""Bindings: what function.json or a decorator declares, and the converters of `azure.functions` that serve them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.functions import get_binding_registry
from azure.functions.decorators import constants
from azure.functions.meta import Datum

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_devkit.host.web import WebFramework

HTTP_TRIGGER = "httpTrigger"
HTTP = "http"
RETURN = "$return"

_OF_EXTENSIONS = """
    apiHubFile apiHubTable botService daprBinding daprServiceInvocationTrigger fluentd kusto manualTrigger
    mobileTable notificationHub orchestrationClient rabbitMQ rabbitMQTrigger redis redisListTrigger
    redisPubSubTrigger redisStreamTrigger sendGrid signalR signalRConnectionInfo signalREndpoints
    signalRNegotiation signalRTrigger table twilioSms webPubSub webPubSubConnection webPubSubContext webPubSubTrigger
"""
"""Types of host extensions which azure.functions has no word for; Python uses them as generic bindings."""


@dataclass(frozen=True)
class Binding:
    """One binding of one function. `raw` is its object as in function.json."""

    name: str
    type: str
    direction: str
    data_type: str | None
    raw: Mapping[str, Any]

    @property
    def is_trigger(self) -> bool:
        """Whether it starts the function."""
        return self.type.lower().endswith("trigger")

    @property
    def is_out(self) -> bool:
        """Whether the function writes to it."""
        return self.direction == "out"


def known_types() -> set[str]:
    """Return the binding types that an app may name."""
    words = {value for name, value in vars(constants).items() if name.isupper() and isinstance(value, str)}
    converted = {name for name in _registry()._bindings if isinstance(name, str)}
    return words | converted | set(_OF_EXTENSIONS.split())


def read_binding(raw: Any, place: str) -> Binding:
    """Check one object of `bindings`; `place` names the file and the function in errors."""
    if not isinstance(raw, dict):
        raise DevkitError(f"{place}: each binding must be an object {{...}}, found {raw!r}.")
    name, kind = raw.get("name"), raw.get("type")
    for key, value in (("name", name), ("type", kind)):
        if not isinstance(value, str) or not value:
            raise DevkitError(f"{place}: a binding has no {key!r}. Give it one: {raw!r}.")
    direction = str(raw.get("direction", "in")).lower()
    if direction not in {"in", "out"}:
        raise DevkitError(f'{place}: binding {name!r} has the direction {direction!r}; Python takes "in" and "out".')
    if name == RETURN and direction != "out":
        raise DevkitError(f'{place}: binding "$return" must have "direction": "out".')
    return Binding(name=str(name), type=str(kind), direction=direction, data_type=raw.get("dataType"), raw=raw)


MUCH_USED = ("httpTrigger", "http", "timerTrigger", "queueTrigger", "queue", "blobTrigger", "blob", "serviceBusTrigger")


def refuse_unknown(binding: Binding, place: str) -> None:
    """Raise if no such binding type is known, with the nearest that is."""
    known = known_types()
    if binding.type in known:
        return
    near = difflib.get_close_matches(binding.type, known, n=3)
    hint = (
        f"Did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"Check its spelling. Much used are {', '.join(MUCH_USED)}."
    )
    raise DevkitError(f"{place}: binding {binding.name!r} has the unknown type {binding.type!r}. {hint}")


class GenericConverter:
    """Stands in where azure.functions has no converter, as the workers' own generic binding does."""

    @classmethod
    def has_implicit_output(cls) -> bool:
        """Say whether a result may be returned without `$return`: generic bindings allow it."""
        return True

    @classmethod
    def has_trigger_support(cls) -> bool:
        """Say whether it decodes triggers."""
        return False

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        """Take text or bytes."""
        return issubclass(pytype, (str, bytes))

    @classmethod
    def check_output_type_annotation(cls, pytype: type) -> bool:
        """Take text or bytes."""
        return issubclass(pytype, (str, bytes, bytearray))

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any) -> Any:  # noqa: ARG003
        """Return text and bytes as they are; nothing else fits a generic binding."""
        if data.type not in {"string", "bytes", "json", None}:
            raise ValueError(f"unexpected type of data for a generic binding: {data.type!r}")
        return data.value

    @classmethod
    def encode(cls, obj: Any, *, expected_type: type | None) -> Datum:  # noqa: ARG003
        """Return plain values with their type."""
        kinds = {
            str: "string",
            bytes: "bytes",
            bytearray: "bytes",
            dict: "dict",
            list: "list",
            int: "int",
            float: "double",
        }
        if obj is None:
            return Datum(type=None, value=None)
        for python_type, kind in kinds.items():
            if isinstance(obj, python_type):
                return Datum(type=kind, value=obj)
        raise NotImplementedError


def converter(binding_type: str) -> Any:
    """Return the converter of azure.functions for a binding type, else the generic one."""
    return _registry().get(binding_type) or GenericConverter


def has_implicit_output(binding_type: str) -> bool:
    """Say whether a binding lets the function return a value without `$return`."""
    if binding_type == "durableClient":
        return False
    found = converter(binding_type)
    return bool(getattr(found, "has_implicit_output", lambda: False)())


def fits(binding_type: str, pytype: Any, *, is_out: bool, web: WebFramework | None = None) -> bool:
    """Say whether a Python type fits a binding, by the converter's own check, or by that of a web framework."""
    if web is not None and binding_type == HTTP_TRIGGER and not is_out:
        return web.takes(pytype)
    if web is not None and binding_type == HTTP and is_out:
        return web.gives(pytype)
    found = converter(binding_type)
    check = getattr(found, "check_output_type_annotation" if is_out else "check_input_type_annotation", None)
    try:
        return check is not None and bool(check(pytype))
    except TypeError:
        return False


def takes_trigger_metadata(binding_type: str) -> bool:
    """Say whether the converter of a binding is given what the host says of the trigger, beside its value."""
    return bool(converter(binding_type).has_trigger_support())


def decode(binding_type: str, datum: Datum, trigger_metadata: Mapping[str, Datum]) -> Any:
    """Convert a value that the host sends, as the worker does before it calls the function."""
    try:
        return converter(binding_type).decode(datum, trigger_metadata=trigger_metadata)
    except NotImplementedError:
        raise TypeError(
            f"unable to decode incoming TypedData: the binding type {binding_type!r} takes no {datum.type!r}"
        ) from None


def encode(binding_type: str, value: Any, pytype: Any) -> Datum:
    """Convert a value that the function gave, as the worker does before it sends it to the host."""
    try:
        datum: Datum = converter(binding_type).encode(value, expected_type=pytype)
    except NotImplementedError:
        raise TypeError(
            f"unable to encode outgoing TypedData: unsupported type {binding_type!r} "
            f"for Python type {type(value).__name__!r}"
        ) from None
    return datum


def _registry() -> Any:
    """Return the metaclass in which azure.functions keeps its converters."""
    return get_binding_registry()  # type: ignore[no-untyped-call]
