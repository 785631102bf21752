"""What ext_timing costs per call of a function that does nothing.

Each candidate in a process of its own, in turn, wall time of 2,000 calls. The call without an extension and the call
with one that does nothing are what the framework costs (bench_hooks holds that against the classic worker's own); a
plain log line is `logger.info` with three values to a handler that drops it, at the same level. What ext_timing does
itself is its call with the defaults, its line included, less those two: the call with an extension that does nothing,
and one plain log line.

Prediction, before measuring: 4 us: 1.2 for two looks at the thread's CPU clock (a call of the system each), 1 for the
statistics and the object that holds the times, 1 for the texts and dimensions of the line. Bar: 5 us.
"""

from __future__ import annotations

import logging
import os
import sys
from time import perf_counter

from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle

CALLS = 2_000
ROUNDS = int(os.environ.get("ROUNDS", "21"))
BAR = 5.0
NONE, NOTHING, SILENT, DEFAULTS, PHASES, METRICS, LINE = (
    "no extension", "one that does nothing", "ext_timing, log off", "ext_timing", "and two phases", "and metrics",
    "a plain log line",
)  # fmt: skip
RESPONSE, HEADER = "nothing, a response", "a response, its header"
"""The same for a function that makes an `HttpResponse`, which gets a header: the bar is for the first."""


def extension(name):
    """Define or import what the candidate measures; return the function."""
    from ext_sdk import AppExtension

    if name in (NOTHING, RESPONSE):

        class Nothing(AppExtension):
            @classmethod
            def around_invocation(cls, invocation):
                yield

    elif name != NONE:
        from ext_timing import TimingExtension

        TimingExtension.configure(log="off" if name == SILENT else "all")
    if name == METRICS:
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))


def phases(context):
    timing = context.app_ext_attributes["timing"]
    with timing.phase("db"), timing.phase("connect"):
        pass


def nothing(context):
    pass


def response(context):
    from azure.functions import HttpResponse

    return HttpResponse("ok")


FUNCTIONS = {PHASES: phases, RESPONSE: response, HEADER: response}


def candidate(name):
    from ext_sdk import lifecycle, registry
    from tests.support.lifecycle import Context, prepare

    logger = logging.getLogger("Function.HttpTrigger")
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.INFO)
    if name == LINE:

        def call():
            logger.info("%s took %.1f ms%s", "HttpTrigger", 12.5, ", CPU 1.0 ms")
    else:
        extension(name)
        function = prepare(FUNCTIONS.get(name, nothing))
        _, plan = registry.plan_for(function)
        context = Context()

        def call():
            lifecycle.run(function, plan, {"context": context})

    def measure():
        started = perf_counter()
        for _ in range(CALLS):
            call()
        return {"us": (perf_counter() - started) / CALLS * 1e6}

    answer(measure)


def main():
    names = (NONE, NOTHING, SILENT, DEFAULTS, PHASES, METRICS, RESPONSE, HEADER, LINE)
    found = {name: Candidate("bench_timing", [name]) for name in names}
    try:
        taken = in_turn(found, ROUNDS)
    finally:
        for one in found.values():
            one.close()
    took = {name: middle(mine, "us") for name, mine in taken.items()}
    print(f"A call of a function that does nothing, microseconds (median of {ROUNDS} rounds of {CALLS}, in turn)")
    for name in names[:-1]:
        print(f"  {name:<24}{took[name]:8.2f}   {took[name] / took[NOTHING]:6.2f}x of one that does nothing")
    print(f"  {LINE:<24}{took[LINE]:8.2f}")
    own = took[DEFAULTS] - took[NOTHING] - took[LINE]
    http = took[HEADER] - took[RESPONSE] - took[LINE]
    print(f"  what ext_timing itself does{own:6.2f}   {beside(BAR, own, ' us')}")
    print(f"  with the header of a response{http:6.2f}", end="\n\n", flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
