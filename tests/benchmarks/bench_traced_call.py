"""What tracing costs a call: OpenTelemetryExtension through our seam, beside a wrapper written by hand with the SDK.

Both make the same span of an HTTP function: the remote parent of the invocation's traceparent, the same name, kind,
attributes and status, current while the function runs (checked below). Three candidates, each in a process of its own,
asked in turn: by hand with a BatchSpanProcessor whose exporter does nothing; ours without a journal; ours with one.
Ours exports for real, to a server in another process, and goes through the seam; the peer does neither. So three figures:

- calm: wall time in rounds of 400 calls, each delivered before the next round. No background thread wakes within one:
  this is the latency that tracing adds to a call, and what the bars are about.
- busy: rounds of 4000 calls back to back. `caller` is the CPU time of the calling thread alone, to which the bars
  apply as well; `wall` has our mapping, compressing and sending in it, which takes its turns with the GIL, while the
  peer's export is nothing; `process` is the CPU time of all threads until everything is delivered.

Prediction, before measuring: today about 1.4x without a journal: the span itself costs 17 us on both sides, the seam
3 us, describing the invocation more than the peer's literal dict. The bar of 0.9x needs a start of the span that is
cheaper than the SDK's, since the span alone is nine tenths of the peer. With the journal: 40 us more for mapping, JSON
and one write, so about 3x until mapping is three times faster. Bars: 0.9x without a journal, 1.4x with one.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from time import perf_counter, process_time, thread_time
from types import SimpleNamespace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle, ratio

CALM, BUSY, ROUNDS = 400, 4000, int(os.environ.get("ROUNDS", 21))

NAME, ROUTE = "get_item", "/api/items/{id}"
BARS = {"by hand": 1.0, "journal off": 0.9, "journal on": 1.4}


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


def by_hand():
    """Return a call that takes what the worker hands over, and what delivers all spans."""
    from tests.benchmarks import by_hand

    provider = by_hand.set_up(by_hand.Nowhere())
    return by_hand.traced(function_of(), NAME, ROUTE), provider.force_flush


def ours(journal):
    from ext_opentelemetry import OpenTelemetryExtension
    from ext_sdk import flush
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import _sync_call

    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], journal=journal)
    binding = {"name": "req", "type": "httpTrigger", "route": "items/{id}", "methods": ["GET"]}
    function = Function(NAME, "/", function_of(), Trigger("req", "httpTrigger", binding), wants_context=False)
    return _sync_call(function), lambda: flush(10.0)


def candidate(name):
    call, deliver = by_hand() if name == "by hand" else ours(name == "journal on" and os.environ["JOURNAL"])
    given, numbers = request(), itertools.count(1)

    def one():
        number = next(numbers)
        trace_context = SimpleNamespace(trace_parent=f"00-{number:032x}-00f067aa0ba902b7-01", trace_state="")
        context = SimpleNamespace(
            invocation_id="6b8e1a2c-0000-4000-8000-000000000001", function_name=NAME, function_directory="/",
            trace_context=trace_context,
        )  # fmt: skip
        call(req=given, context=context)

    def measure():
        calm = perf_counter()
        for _ in range(CALM):
            one()
        calm = perf_counter() - calm
        deliver()
        wall, caller, process = perf_counter(), thread_time(), process_time()
        for _ in range(BUSY):
            one()
        wall, caller = perf_counter() - wall, thread_time() - caller
        assert deliver() is not False, "the spans were not delivered"
        process = process_time() - process
        return {"calm": calm / CALM, "wall": wall / BUSY, "caller": caller / BUSY, "process": process / BUSY}

    one()
    span = seen(one)
    asked = iter([span])
    answer(lambda: next(asked, None) or measure())


def seen(one):
    """Return what a call makes, to see that all candidates make the same."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor

    spans = []

    class Look(SpanProcessor):
        def on_end(self, span):
            spans.append(span)

    provider = trace.get_tracer_provider()
    before = provider._active_span_processor._span_processors
    provider.add_span_processor(Look())
    one()
    provider._active_span_processor._span_processors = before
    provider.shared = False  # so that our provider takes the way again that it takes without a processor of an app
    (span,) = spans
    return {
        "name": span.name, "kind": span.kind.name, "status": span.status.status_code.name,
        "remote parent": span.parent is not None and span.parent.is_remote, **dict(span.attributes),
    }  # fmt: skip


def main():
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        found = {
            name: Candidate("bench_traced_call", [name], SINK=sink.connection_string, JOURNAL=folder) for name in BARS
        }
        try:
            check({name: one.ask() for name, one in found.items()})
            show(in_turn(found, ROUNDS))
        finally:
            for one in found.values():
                one.close()


def check(spans):
    theirs = spans["by hand"]
    for name, mine in spans.items():
        if different := {key for key in theirs.keys() | mine.keys() if theirs.get(key) != mine.get(key)}:
            print(f"Not the same span, {name}: {', '.join(sorted(different))}\n")


def show(taken):
    print(f"A traced HTTP call in microseconds (median of {ROUNDS} rounds, in turn; ratios to `by hand`)")
    print(f"  {'':<12} {'calm':>15} {'busy: caller':>16} {'wall':>16} {'process':>16}")
    peer = taken["by hand"]
    for name, mine in taken.items():
        cells = [
            f"{middle(mine, key) * 1e6:8.1f} {ratio(mine, peer, key):5.2f}x"
            for key in ("calm", "caller", "wall", "process")
        ]
        worst = max(ratio(mine, peer, key) for key in ("calm", "caller"))
        print(f"  {name:<12} {'  '.join(cells)}   {beside(BARS[name], worst) if name != 'by hand' else ''}")
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
