"""What one configuration means: where spans go, and what happens at the end of an invocation."""

from __future__ import annotations

import logging
import os
from collections import deque
from threading import Thread
from typing import TYPE_CHECKING, Any

from ext_appinsights.flushing import FlushPolicy
from ext_opencensus import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_appinsights import Channel, ConnectionString
    from ext_opencensus.settings import Exporter, Settings
    from ext_opencensus.traced import Traced
    from ext_sdk import Invocation

_delivery_log = logging.getLogger("ext_appinsights")

_SIGNS = ("WEBSITE_INSTANCE_ID", "FUNCTIONS_CORETOOLS_ENVIRONMENT", "FUNCTIONS_WORKER_DIRECTORY")
"""Azure; Core Tools; and what every host tells a worker that it starts (RpcWorkerProcess.cs)."""


class Pipeline:
    """One configuration, put into force."""

    def __init__(self, settings: Settings, *, exports: bool = True) -> None:
        self._traced: type[Traced] | None = None
        self.sampler = settings.sampler
        self.span_kind = "none"
        self.untold: deque[tuple[int, str]] = deque(maxlen=100)
        """Level and text of what threads have to say, where a host would not show it."""
        self.exporter: Exporter | None = None
        self._channel: Channel | None = None
        self.policy = FlushPolicy(mode=settings.flush, budget=settings.flush_budget)
        target = None
        if not exports:
            return
        options.warn(settings)
        if settings.exporter is not None:
            self.exporter = settings.exporter
        else:
            target = options.target_of(settings)
            if target is None:
                options.say_once(logging.WARNING, options.NOWHERE)
            else:
                self._open(target, settings)
        if settings.invocation_span:
            self.span_kind = "internal" if host_reports_to(target) else "server"

    def _open(self, target: ConnectionString, settings: Settings) -> None:
        from ext_opencensus.exporter import InvocationExporter

        given = options.channel_options(settings)
        if is_under_a_host():
            given["report"] = lambda *line: self.untold.append(line)
        exporter = InvocationExporter(target, redact=settings.redact, **given)
        self.exporter, self._channel = exporter, exporter.channel

    def enter(self, invocation: Invocation) -> Traced:
        """Begin to trace an invocation here."""
        if self._traced is None:
            from ext_opencensus.traced import Traced

            self._traced = Traced
        return self._traced(self, invocation)

    def tell(self) -> None:
        """Log what is untold, in an invocation: of all other lines a host cannot tell whose they are, and drops them.

        (azure-functions-host, GrpcWorkerChannel.cs, `Log`)
        """
        while self.untold:
            try:
                level, text = self.untold.popleft()
            except IndexError:  # another invocation said it
                return
            _delivery_log.log(level, text)

    def commit(self) -> None:
        """Keep what ended so far, should the process be killed."""
        if self._channel is not None:
            self._channel.commit()

    def kick(self) -> None:
        """Deliver what there is now, in the background."""
        if self._channel is not None:
            self._channel.kick()

    def flush(self, timeout: float) -> bool:
        """Deliver what ended before, within so many seconds."""
        return self._channel is None or self._channel.flush(timeout)

    def retire(self) -> None:
        """Let the channel deliver what it has, in the background, and end."""
        if self._channel is not None:
            _in_background(self._channel.close)


def _in_background(work: Callable[..., Any]) -> None:
    try:
        Thread(target=work, name="ext_opencensus-retire", daemon=True).start()
    except RuntimeError:  # no new thread once the interpreter is on its way out
        work(0.0)


def is_under_a_host() -> bool:
    """Whether a host that sends telemetry of its own runs this process: not a test, and not `azfunc-ext run`."""
    return any(map(os.environ.get, _SIGNS))


def host_reports_to(target: ConnectionString | None) -> bool:
    """Whether a host reports each invocation as a request to where spans go, or might."""
    from ext_appinsights import ConnectionString, ConnectionStringError

    if not is_under_a_host():
        return False
    try:
        theirs = ConnectionString.from_environment()
    except ConnectionStringError:  # the host may well read it
        return True
    if theirs is None or target is None:
        return theirs is not None
    return theirs.instrumentation_key.lower() == target.instrumentation_key.lower()
