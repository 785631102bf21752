"""What tracing costs a call: OpenTelemetryExtension through our seam, beside a wrapper written by hand with the SDK.

All make the same span of an HTTP function: the remote parent of the invocation's traceparent, the same name, kind,
attributes and status, current while the function runs (checked below). Four candidates, each in a process of its own,
asked in turn: by hand with a BatchSpanProcessor whose exporter does nothing; by hand with Microsoft's exporter; ours
without a journal; ours with one. The last three export for real, to a server in another process, and ours goes through
the seam. There are two ways of asking:

- calm: 400 calls, then delivery, thrice a round. No background thread wakes meanwhile: `wall` is the latency that
  tracing adds to a call, `caller` the CPU time of the calling thread in it. The peer is the one that exports nothing.
- busy: 3000 calls back to back, beside an export that takes its turns with the GIL. So the peer is the one that
  exports too. `wall` is again what a call takes; `caller` the calling thread's CPU time, `process` that of all threads
  until everything is delivered. The peer drops what comes while its queue of 2048 spans is full, which is to its credit
  here; ours drops nothing.

Both walls are held against the bar; they need a quiet machine. ROUNDS=5 in the environment gives a quick look. Each
candidate sleeps and warms up before it is timed: a core is slower for a while after it was idle, and ours waits for its
delivery where the peer has nothing to wait for.

`busy caller` with a journal is high because a write lets go of the GIL. While the sending thread waits for the GIL, as
it does beside a thread that never pauses, each write wakes it, in 10-18 us in place of 2, and keeps the GIL all the
same. A function that waits for anything has none of that.

Prediction, before measuring: at first 1.4x without a journal (the span itself is nine tenths of the peer) and 3x with
one. With spans of our own and lines of JSON that are written at once: 0.8x and 1.3x calm; busy less than the peer, as
its export takes five times as long.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from statistics import median
from time import perf_counter, process_time, sleep, thread_time
from types import SimpleNamespace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle, ratio

PAUSE, WARM = 0.05, 50
CALM, CALMS, BUSY = 400, 3, 3000
ROUNDS = int(os.environ.get("ROUNDS", "21"))
JUDGED = ("calm wall", "busy wall")

NAME, ROUTE = "get_item", "/api/items/{id}"
PEER, EXPORTING = PEERS = ("by hand", "and exporting")
BARS = {"journal off": 0.9, "journal on": 1.4}
CANDIDATES = (*PEERS, *BARS)


def request():
    import azure.functions as func

    return func.HttpRequest(
        method="GET",
        url="http://shop.example:7071/api/items/7?size=2",
        headers={"user-agent": "curl/8.5.0", "accept": "*/*"},
        route_params={"id": "7"},
        body=b"",
    )


def function_of():
    import azure.functions as func

    response = func.HttpResponse("ok", status_code=200)

    def get_item(req):
        return response

    return get_item


def by_hand(*, exporting):
    """Return a call that takes what the worker hands over, and what delivers all spans."""
    from tests.benchmarks import by_hand

    provider = by_hand.set_up(azure_monitor() if exporting else by_hand.Nowhere())
    return by_hand.traced(function_of(), NAME, ROUTE), provider.force_flush


def azure_monitor():
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

    return AzureMonitorTraceExporter(connection_string=os.environ["SINK"], disable_offline_storage=True)


def ours(journal):
    from ext_opentelemetry import OpenTelemetryExtension
    from ext_sdk import flush
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import _sync_call

    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], journal=journal)
    binding = {"name": "req", "type": "httpTrigger", "route": "items/{id}", "methods": ["GET"]}
    function = Function(NAME, "/", function_of(), Trigger("req", "httpTrigger", binding), wants_context=False)
    return _sync_call(function), lambda: flush(10.0)


def candidate(name, *, look):
    if name in PEERS:
        call, deliver = by_hand(exporting=name == EXPORTING)
    else:
        call, deliver = ours(name == "journal on" and os.environ["JOURNAL"])
    given, numbers = request(), itertools.count(1)

    def one():
        number = next(numbers)
        trace_context = SimpleNamespace(trace_parent=f"00-{number:032x}-00f067aa0ba902b7-01", trace_state="")
        context = SimpleNamespace(
            invocation_id="6b8e1a2c-0000-4000-8000-000000000001", function_name=NAME, function_directory="/",
            trace_context=trace_context,
        )  # fmt: skip
        call(req=given, context=context)

    def warm():
        # Ours has just slept until its spans were delivered, and a core is slower after that: now all have.
        sleep(PAUSE)
        for _ in range(WARM):
            one()

    def calm():
        warm()
        wall, caller = perf_counter(), thread_time()
        for _ in range(CALM):
            one()
        wall, caller = perf_counter() - wall, thread_time() - caller
        deliver()
        return wall / CALM, caller / CALM

    def measure():
        walls, callers = zip(*(calm() for _ in range(CALMS)), strict=True)
        warm()
        wall, caller, process = perf_counter(), thread_time(), process_time()
        for _ in range(BUSY):
            one()
        wall, caller = perf_counter() - wall, thread_time() - caller
        assert deliver() is not False, "the spans were not delivered"
        process = process_time() - process
        return {
            "calm wall": median(walls), "calm caller": median(callers),
            "busy caller": caller / BUSY, "busy wall": wall / BUSY, "busy process": process / BUSY,
        }  # fmt: skip

    one()
    answer(measure if not look else lambda: seen(one))


def seen(one):
    """Return what a call makes, to see that all candidates make the same.

    In a process that measures nothing: a provider may go another way when it has one more processor.
    """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor

    spans = []

    class Look(SpanProcessor):
        def on_end(self, span):
            spans.append(span)

    trace.get_tracer_provider().add_span_processor(Look())
    one()
    (span,) = spans
    return {
        "name": span.name, "kind": span.kind.name, "status": span.status.status_code.name,
        "remote parent": span.parent is not None and span.parent.is_remote, **dict(span.attributes),
    }  # fmt: skip


def main():
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        variables = {"SINK": sink.connection_string, "JOURNAL": folder}
        check(
            {
                name: asked([Candidate("bench_traced_call", [name, "look"], **variables)], lambda one: one[0].ask())
                for name in CANDIDATES
            }
        )
        found = {name: Candidate("bench_traced_call", [name], **variables) for name in CANDIDATES}
        asked(found.values(), lambda _: show(in_turn(found, ROUNDS)))


def asked(candidates, what):
    try:
        return what(list(candidates))
    finally:
        for one in candidates:
            one.close()


def check(spans):
    theirs = spans[PEER]
    for name, mine in spans.items():
        if different := {key for key in theirs.keys() | mine.keys() if theirs.get(key) != mine.get(key)}:
            print(f"Not the same span, {name}: {', '.join(sorted(different))}\n")


def show(taken):
    keys = ("calm wall", "calm caller", "busy caller", "busy wall", "busy process")
    print(f"A traced HTTP call in microseconds (median of {ROUNDS} rounds, in turn; calm: ratio to `{PEER}`,")
    print(f"busy: to `{PEER} {EXPORTING}`)")
    print(f"  {'':<14}" + "".join(f"{key:>18}" for key in keys))
    for name, mine in taken.items():
        ratios = {key: ratio(mine, taken[EXPORTING if "busy" in key else PEER], key) for key in keys}
        cells = "".join(f"{middle(mine, key) * 1e6:11.1f} {ratios[key]:5.2f}x" for key in keys)
        print(f"  {name:<14}{cells}   {beside(BARS[name], max(map(ratios.get, JUDGED))) if name in BARS else ''}")
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1], look="look" in sys.argv) if len(sys.argv) > 1 else main()
