"""`TimingExtension`: importing it is enough, `configure` tunes it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azure.functions import HttpResponse

from ext_sdk import AppExtension

if TYPE_CHECKING:
    from collections.abc import Generator

    from ext_sdk import Invocation, Outcome

HEADER = "Server-Timing"
_OWN = "_ext_timing_own"


class TimingExtension(AppExtension):
    """Say after each invocation how long the function took."""

    @dataclass(frozen=True)
    class Settings:
        """What `TimingExtension.configure` takes."""

        slow_ms: float | None = None
        """Milliseconds from which on the line is a warning; None: it is always information."""

        server_timing: bool = True
        """Whether HTTP responses get the header `Server-Timing` (https://www.w3.org/TR/server-timing/)."""

    order = -50
    """Outside of ordinary extensions, so that a call which one of them answers has its line too; inside of tracing, so
    that the line belongs to the invocation's span."""

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Time the function, log one line, and add the header if the result is an `HttpResponse`."""
        settings = cls.settings()
        outcome = yield
        milliseconds = outcome.duration_ns / 1e6
        _say(invocation, outcome, milliseconds, settings.slow_ms)
        if settings.server_timing and isinstance(outcome.result, HttpResponse):
            _add_header(outcome.result, milliseconds, cold_start=invocation.cold_start)


def _say(invocation: Invocation, outcome: Outcome, milliseconds: float, slow_ms: float | None) -> None:
    cold = " (cold start)" if invocation.cold_start else ""
    if outcome.ok and outcome.duration_ns == 0:
        invocation.logger.info("%s was not called: an extension answered%s", invocation.function_name, cold)
        return
    slow = slow_ms is not None and milliseconds >= slow_ms
    invocation.logger.log(
        logging.WARNING if slow else logging.INFO,
        "%s took %.1f ms%s%s%s",
        invocation.function_name,
        milliseconds,
        "" if outcome.ok else f" and raised {type(outcome.error).__name__}",
        cold,
        f" (slow: {slow_ms:g} ms or more)" if slow else "",
    )


def _add_header(response: HttpResponse, milliseconds: float, *, cold_start: bool) -> None:
    own = f"function;dur={milliseconds:.3f}" + (", coldstart" if cold_start else "")
    # A function may return the same object again, a constant of its module: the time before must not stay there.
    before = response.headers.get(HEADER, "").removesuffix(getattr(response, _OWN, "")).removesuffix(", ")
    response.headers[HEADER] = f"{before}, {own}" if before else own
    setattr(response, _OWN, own)
