"""What `track_event` costs the function: with two properties and a measurement, within an invocation that has a span.

The module's function and that of `context.telemetry`, 400 events at a time, delivered between the rounds to a server
in another process; wall time, and CPU time of the calling thread. With the journal the commit that ends an invocation
is counted too: it maps what the function sent, writes it as JSON and appends it to the file. A counter beside them.

Prediction, before measuring: 6 us for an event (finding the span, two dicts, a record, an append), 25 us with the
commit; 6 us for a counter. Bar: 15 us for `track_event`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from statistics import median
from time import perf_counter, thread_time

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle

CALM = 400
ROUNDS = int(os.environ.get("ROUNDS", "21"))
BAR = 15.0
CALLS = ("track_event", "context.telemetry.track_event", "track_metric, a counter")


def candidate(journal):
    from ext_opentelemetry import OpenTelemetryExtension
    from ext_sdk import flush
    from ext_telemetry import track_event, track_metric
    from tests.support.lifecycle import invoke

    folder = os.environ["JOURNAL"] if journal == "on" else False
    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], journal=folder, flush="background")

    def measure():
        found = {}

        def timed(name, call):
            wall, caller = perf_counter(), thread_time()
            for number in range(CALM):
                call(number)
            wall, caller = perf_counter() - wall, thread_time() - caller
            found[f"{name}: wall"], found[f"{name}: caller"] = wall / CALM, caller / CALM

        def function(context):
            def one(number):
                track_event("order placed", {"tenant": "a", "order": number}, {"value": 12.5})

            def of_context(number):
                context.telemetry.track_event("order placed", {"tenant": "a", "order": number}, {"value": 12.5})

            def count(number):
                track_metric("orders", 1, {"tenant": "a"}, "counter")

            for name, call in zip(CALLS, (one, of_context, count), strict=True):
                timed(name, call)
            start = perf_counter()
            found["left"] = start

        invoke(function)
        # Two thirds of what the invocation's end commits are the events of this function.
        found["commit: wall"] = (perf_counter() - found.pop("left")) / (2 * CALM)
        assert flush(30.0), "the events were not delivered"
        return found

    answer(measure)


def main():
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        variables = {"SINK": sink.connection_string, "JOURNAL": folder}
        found = {f"journal {one}": Candidate("bench_telemetry", [one], **variables) for one in ("off", "on")}
        try:
            taken = in_turn(found, ROUNDS)
        finally:
            for one in found.values():
                one.close()
    print(f"A custom event, microseconds (median of {ROUNDS} rounds of {CALM})")
    for name, mine in taken.items():
        for call in CALLS:
            wall, caller = (middle(mine, f"{call}: {what}") * 1e6 for what in ("wall", "caller"))
            judged = beside(BAR, max(wall, caller), " us") if "event" in call else ""
            print(f"  {name:<12}{call:<32}{wall:8.1f} wall {caller:8.1f} caller   {judged}")
        commit = median(one["commit: wall"] for one in mine) * 1e6
        event = middle(mine, f"{CALLS[0]}: wall") * 1e6
        print(f"  {name:<12}{'the end of the invocation, each':<32}{commit:8.1f} wall: {event + commit:.1f} with it")
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
