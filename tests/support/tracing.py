"""An extension that writes down when it is entered and left, and a function that raises."""

from __future__ import annotations

from ext_sdk import AppExtension


def tracer_of(seen, name, *, order=0):
    """Define an extension that writes down when it is entered and left."""

    def around(cls, invocation):
        seen.append(f"{name} in")
        outcome = yield
        seen.append(f"{name} out {'ok' if outcome.ok else type(outcome.error).__name__}")

    return type(name, (AppExtension,), {"around_invocation": classmethod(around), "order": order})


class Boom(Exception):
    pass


def explode():
    raise Boom
