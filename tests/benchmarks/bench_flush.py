"""How long `flush(0.5)` takes against a server that accepts connections and requests, and never answers.

Ours at two levels (the channel alone, and `ext_sdk.flush` through the extension), beside sentry_sdk.flush(0.5) and
azure-monitor's `force_flush(500)`, for which nobody waits longer than 10 s. Each in a process of its own, one after the
other: a wait needs no processor. The slowest of three is what counts.

Prediction, before measuring: 0.50 s for ours and Sentry, more than 10 s for azure-monitor. Bar: 0.55 s.
"""

from __future__ import annotations

import os
import sys
import tempfile
from threading import Thread
from time import perf_counter
from types import SimpleNamespace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import Candidate, answer, beside

MOST = 10.0
REPEATS = {"ext_appinsights.Channel": 3, "ext_sdk.flush, traced": 3, "sentry_sdk": 3, "azure-monitor": 1}


def channel():
    from ext_appinsights import Channel, envelope

    delivery = Channel(os.environ["SINK"])

    def wait():
        delivery.send([envelope.event(time_ns=1, name="e")])
        return lambda: delivery.flush(0.5)

    return wait


def extension():
    from ext_opentelemetry import OpenTelemetryExtension
    from ext_sdk import flush
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import through_extensions

    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], flush="background")
    call = through_extensions(Function("tick", "/", lambda: None, Trigger("t", "timerTrigger"), wants_context=False))

    def wait():
        call(context=SimpleNamespace(invocation_id="i", trace_context=None))
        return lambda: flush(0.5)

    return wait


def sentry():
    import sentry_sdk

    sentry_sdk.init(dsn=f"http://key@127.0.0.1:{os.environ['PORT']}/1")

    def wait():
        sentry_sdk.capture_message("m")
        return lambda: sentry_sdk.flush(0.5)

    return wait


def azure_monitor():
    from azure.monitor.opentelemetry import configure_azure_monitor
    from opentelemetry import trace

    configure_azure_monitor(connection_string=os.environ["SINK"], enable_live_metrics=False)

    def wait():
        with trace.get_tracer("app").start_as_current_span("tick"):
            pass
        return lambda: trace.get_tracer_provider().force_flush(500)

    return wait


MAKE = dict(zip(REPEATS, (channel, extension, sentry, azure_monitor), strict=True))


def candidate(name):
    wait = MAKE[name]()

    def measure():
        flush, found = wait(), []
        started = perf_counter()
        waiting = Thread(target=lambda: found.append(flush()), daemon=True)
        waiting.start()
        waiting.join(MOST)
        return {"seconds": perf_counter() - started, "returned": bool(found), "said": bool(found and found[0])}

    try:
        answer(measure)
    finally:
        os._exit(0)  # a peer would go on waiting at exit


def main():
    print("flush(0.5) against a server that never answers (the slowest of three)")
    with Sink(hang=True) as sink, tempfile.TemporaryDirectory() as folder:
        for name, repeats in REPEATS.items():
            one = Candidate("bench_flush", [name], SINK=sink.connection_string, PORT=str(sink.port), TMPDIR=folder)
            try:
                taken = [one.ask() for _ in range(repeats)]
            finally:
                one.close()
            slowest = max(taken, key=lambda found: found["seconds"])
            took = f"{slowest['seconds']:6.3f} s" if slowest["returned"] else f"  > {MOST:g} s"
            ours = f"   {beside(0.55, slowest['seconds'], ' s')}" if name.startswith("ext_") else ""
            print(f"  {name:<26} {took}   says delivered: {slowest['said']!s:<5}{ours}", flush=True)
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
