"""What a correlated log record costs the function, beside the plainest handler there is, in the same run.

The peer is a `logging.StreamHandler` with a Formatter, to /dev/null. Ours goes through the handler on the root logger
to the channel, within an invocation with a span, and is delivered to a server in another process. Both are asked in
turn, 400 records at a time, delivery between the rounds; CPU time of the calling thread, and wall time.

Prediction, before measuring: 1.4x. The record itself (`makeRecord`, the caller's frame) is half of the peer's cost and
common to both; formatting and writing a line costs about as much as finding the span and filling two dicts. Bar: 1.5x.
"""

from __future__ import annotations

import logging
import os
from statistics import median
from time import perf_counter, thread_time

from ext_opentelemetry import OpenTelemetryExtension
from ext_sdk import flush
from ext_telemetry import TelemetryExtension
from tests.benchmarks.sink import Sink
from tests.support.lifecycle import invoke

CALM = 400
ROUNDS = int(os.environ.get("ROUNDS", "41"))
BAR = 1.5


def lines(logger, extra):
    for number in range(CALM):
        logger.info("order %d of %s is packed", number, "ada", extra=extra)


def timed(call, *given):
    wall, caller = perf_counter(), thread_time()
    call(*given)
    return (perf_counter() - wall) / CALM, (thread_time() - caller) / CALM


def main():
    plain, ours = logging.getLogger("shop.plain"), logging.getLogger("shop.ours")
    plain.propagate = False
    with open(os.devnull, "w", encoding="utf-8") as nowhere, Sink() as sink:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        plain.addHandler(handler)
        logging.getLogger().setLevel(logging.INFO)
        OpenTelemetryExtension.configure(connection_string=sink.connection_string, journal=False)
        TelemetryExtension.configure(flood_burst=10_000_000)  # counted as ever, and never reached
        for title, extra in (("a log record", None), ("a log record with extra", {"order": 7, "shop": "zrh"})):
            compare(title, plain, ours, extra)


def compare(title, plain, ours, extra):
    taken = {"peer": [], "ours": []}

    def function(context):
        taken["peer"].append(timed(lines, plain, extra))
        taken["ours"].append(timed(lines, ours, extra))

    for _ in range(ROUNDS + 1):
        invoke(function)
        assert flush(10.0), "the records were not delivered"
    print(f"{title} (median of {ROUNDS} rounds of {CALM}, in turn; ratios to a StreamHandler with a Formatter)")
    for column, what in enumerate(("wall", "caller")):
        mine, theirs = ([one[column] for one in taken[name][1:]] for name in ("ours", "peer"))
        ratio = median(a / b for a, b in zip(mine, theirs, strict=True))
        print(f"  {what:<8}{median(theirs) * 1e6:8.1f} us {median(mine) * 1e6:8.1f} us {ratio:6.2f}x (bar {BAR}x)")
    print(flush=True)


if __name__ == "__main__":
    main()
