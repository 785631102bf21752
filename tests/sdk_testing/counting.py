"""An extension in a module of its own, as that of a package."""

from __future__ import annotations

from dataclasses import dataclass

from ext_sdk import AppExtension

inits = []


class Counting(AppExtension):
    """Counts in steps."""

    @dataclass
    class Settings:
        """How."""

        step: int = 1

    @classmethod
    def init(cls):
        inits.append(cls.__name__)

    @classmethod
    def around_invocation(cls, invocation):
        invocation.attributes["counted"] = invocation.attributes.get("counted", 0) + cls.settings().step
        yield
