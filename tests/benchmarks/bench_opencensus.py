"""What a call traced with OpenCensus costs: OpenCensusExtension of ours beside Microsoft's, in the same run.

Both as a worker drives them, around a function that makes one span with an attribute. The peer is
opencensus-extension-azure-functions, its hooks called by the classic worker's own manager if that is here
(AZURE_FUNCTIONS_WORKER, see tests/workers/README.md; Python <= 3.12), else one by one, with nothing around them; its
AzureExporter sends to a server in another process, its statistics off. Ours goes through the seam of ext_sdk, and sends
to the same server, without a journal and with one, as by default.

- calm: 400 calls, then delivery, thrice a round: `wall` is the latency that tracing adds to a call, `caller` the CPU
  time of the calling thread in it.
- busy: 3000 calls back to back; `process` is the CPU time of all threads until everything is delivered.

The worse of calm wall and busy process is held against the bar. ROUNDS=5 in the environment gives a quick look.

Prediction, before measuring: the original's span makes an ordered dict, three bounded lists and four locks and writes
its times three times, about 40 us; its exporter's thread another 100 us. Ours makes none of that: 0.5x without a
journal, and with one the mapping and a write in the caller, about 1.2x of calm wall and 0.4x of all CPU time. Bar: 0.7x.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from statistics import median
from time import perf_counter, process_time, thread_time
from types import SimpleNamespace

from tests.benchmarks.sink import KEY, Sink
from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle, ratio

CALM, CALMS, BUSY = 400, 3, 3000
ROUNDS = int(os.environ.get("ROUNDS", "11"))
JUDGED = ("calm wall", "busy process")
BARS = {"original": 1.0, "journal off": 0.7, "journal on": 0.7}


def function(req, context):
    with context.tracer.span("parent") as span:
        span.add_attribute("size", 2)
        return "ok"


def original():
    import logging

    from azure.functions import AppExtensionBase
    from opencensus.ext.azure.common import utils
    from opencensus.extension.azure.functions import OpenCensusExtension

    utils.azure_monitor_context["ai.cloud.role"] = "bench"
    OpenCensusExtension.configure(connection_string=os.environ["SINK"], enable_local_storage=False, export_interval=1.0)
    folder = os.environ.get("AZURE_FUNCTIONS_WORKER")
    exporter = OpenCensusExtension._exporter
    if folder and sys.version_info < (3, 13):
        sys.path.insert(0, folder)
        os.environ["PYTHON_ENABLE_WORKER_EXTENSIONS"] = "1"
        from azure_functions_worker.extension import ExtensionManager

        assert issubclass(OpenCensusExtension, AppExtensionBase)

        def call(req, context):
            return ExtensionManager.get_sync_invocation_wrapper(context, function)({"req": req, "context": context})
    else:
        logger = logging.getLogger("bench")

        def call(req, context):
            args = {"req": req, "context": context}
            OpenCensusExtension.pre_invocation_app_level(logger, context, args)
            result = function(**args)
            OpenCensusExtension.post_invocation_app_level(logger, context, args, result)
            return result

    def deliver():
        exporter._queue.flush(timeout=20.0)

    return call, deliver


def ours(journal):
    from ext_opencensus import OpenCensusExtension
    from ext_sdk import flush
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import _sync_call

    place = {"storage_path": os.environ["JOURNAL"]} if journal else {"enable_local_storage": False}
    OpenCensusExtension.configure(connection_string=os.environ["SINK"], **place)
    made = Function("f", "/", function, Trigger("req", "httpTrigger", {"name": "req"}), wants_context=True)
    call = _sync_call(made)
    return call, lambda: flush(20.0)


def candidate(name):
    call, deliver = original() if name == "original" else ours(name == "journal on")
    numbers = itertools.count(1)

    def one():
        traceparent = f"00-{next(numbers):032x}-00f067aa0ba902b7-01"
        given = SimpleNamespace(
            trace_parent=traceparent, trace_state="", Traceparent=traceparent, Tracestate="", attributes={}
        )
        context = SimpleNamespace(
            invocation_id="6b8e1a2c-0000-4000-8000-000000000001", function_name="f", function_directory="/",
            trace_context=given, thread_local_storage=SimpleNamespace(),
        )  # fmt: skip
        call(req=1, context=context)

    def calm():
        wall, caller = perf_counter(), thread_time()
        for _ in range(CALM):
            one()
        wall, caller = perf_counter() - wall, thread_time() - caller
        deliver()
        return wall / CALM, caller / CALM

    def measure():
        walls, callers = zip(*(calm() for _ in range(CALMS)), strict=True)
        caller, process = thread_time(), process_time()
        for _ in range(BUSY):
            one()
        caller = thread_time() - caller
        assert deliver() is not False, "the spans were not delivered"
        process = process_time() - process
        return {
            "calm wall": median(walls), "calm caller": median(callers),
            "busy caller": caller / BUSY, "busy process": process / BUSY,
        }  # fmt: skip

    one()
    deliver()
    answer(measure)


def main():
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        # The original takes no connection string whose values have an equals sign, nor a slash at the endpoint's end.
        text = f"InstrumentationKey={KEY};IngestionEndpoint={sink.url.rstrip('/')}"
        variables = {"SINK": text, "JOURNAL": folder, "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true"}
        found = {name: Candidate("bench_opencensus", [name], **variables) for name in BARS}
        try:
            before = sink.counts()["items"]
            taken = in_turn(found, ROUNDS)
            expected = len(BARS) * ((ROUNDS + 1) * (CALM * CALMS + BUSY) + 1)
            came = sink.counts()["items"] - before
        finally:
            for one in found.values():
                one.close()
    show(taken)
    print(f"  {came} of {expected} spans arrived.\n", flush=True)


def show(taken):
    keys = ("calm wall", "calm caller", "busy caller", "busy process")
    print(f"A call traced with OpenCensus, microseconds (median of {ROUNDS} rounds, in turn; ratios to the original)")
    print(f"  {'':<12}" + "".join(f"{key:>18}" for key in keys))
    peer = taken["original"]
    for name, mine in taken.items():
        cells = "".join(f"{middle(mine, key) * 1e6:11.1f} {ratio(mine, peer, key):5.2f}x" for key in keys)
        worst = max(ratio(mine, peer, key) for key in JUDGED)
        print(f"  {name:<12}{cells}   {beside(BARS[name], worst) if name != 'original' else ''}")
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
