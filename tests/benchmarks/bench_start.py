"""What tracing costs a cold start: import, configure and first invocation, beside `configure_azure_monitor()`.

Each start is a fresh process, in turn, with warm bytecode in a folder of the benchmark's own. What counts is what comes
on top of `import azure.functions`, which every function app has anyway:

- ready: import and configure. Ours does the rest at the first invocation, so that is part of the next figure;
- first: and the first invocation, of a timer-like function with no arguments (ours: through the seam; the peer: a span
  around the same call). Ours waits there for delivery, at most flush_budget, so it is shown without it as well;
- settled: 0.1 s after all was delivered, to a server in another process: only threads and memory count then.

The peer runs with statistics, control plane and the lookup of virtual machine metadata (a request to 169.254.169.254)
off, which can only make it faster; the live metrics that it has on by default go to the same server.

Prediction, before measuring: the OpenTelemetry SDK is 30 ms of our 60, urllib3 20 of what comes after; the peer 310, so
0.2x to `ready`, 0.25x to `first`; 12 MB when ready, 19 when settled, since urllib3 with ssl costs 6. One thread.
Found: 0.11x to 0.14x, 5 MB when ready and 8 MB settled. The prediction forgot that ext_sdk keeps a thread of its own
for signals: that is the one when ready, and the one that sends is the second.
Bars, which are about import and configure, so `ready` only: 0.25x, 1 thread, 12 MB.

"the other three" are ext_opencensus, ext_timing and ext_telemetry together, which brings ext_opentelemetry in; their bar
is 0.25x.
Prediction: what "ours" takes and 20 ms more for opencensus and its dependencies, so 0.17x. Found: 0.15x, 25 ms more than "ours".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from time import perf_counter, sleep
from types import SimpleNamespace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import ROOT, beside, environment, middle, ratio

ROUNDS = 11
THREE = "the other three"
CANDIDATES = ("azure-monitor", "ours", "ours, background", THREE)
BAR = 0.25


def state(started):
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    return {
        "ms": (perf_counter() - started) * 1000,
        "MB": int(status["VmRSS"].split()[0]) / 1024,
        "threads": int(status["Threads"]),
        "modules": len(sys.modules),
    }


def tick():
    pass


def ours(flush):
    from ext_opentelemetry import OpenTelemetryExtension

    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], flush=flush)
    yield
    yield from invoked_and_delivered()


def the_other_three():
    """Activate OpenTelemetryExtension too, which ext_telemetry builds on."""
    os.environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = os.environ["SINK"]

    from ext_opencensus import OpenCensusExtension
    from ext_telemetry import TelemetryExtension
    from ext_timing import TimingExtension

    OpenCensusExtension.configure()
    TelemetryExtension.configure()
    TimingExtension.configure()
    yield
    yield from invoked_and_delivered()


def invoked_and_delivered():
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import through_extensions

    binding = {"name": "timer", "type": "timerTrigger", "schedule": "0 * * * * *"}
    call = through_extensions(
        Function("tick", "/", tick, Trigger("timer", "timerTrigger", binding), wants_context=False)
    )
    parent = SimpleNamespace(trace_parent="00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", trace_state="")
    call(context=SimpleNamespace(invocation_id="i", function_name="tick", function_directory="/", trace_context=parent))
    yield

    from ext_sdk import flush as deliver

    assert deliver(10.0)
    sleep(0.1)  # for threads that helped to deliver, to end
    yield


def azure_monitor():
    from azure.monitor.opentelemetry import configure_azure_monitor

    configure_azure_monitor(connection_string=os.environ["SINK"])
    yield

    from opentelemetry import trace

    with trace.get_tracer("app").start_as_current_span("tick"):
        tick()
    yield

    trace.get_tracer_provider().force_flush()
    sleep(0.1)
    yield


def flush_of(name):
    return "background" if "background" in name else "auto"


def candidate(name):
    import azure.functions

    assert azure.functions.HttpRequest
    steps = {"azure-monitor": azure_monitor, THREE: the_other_three}.get(name, partial(ours, flush_of(name)))()
    started = perf_counter()
    before = state(started)
    found = {}
    for step in ("ready", "first", "settled"):
        next(steps)
        found[step] = {key: value - before[key] for key, value in state(started).items()}
    print(json.dumps(found), flush=True)
    os._exit(0)  # what the peer does at exit is not the question here


def start(name, **variables):
    result = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_start", name],
        cwd=ROOT, env=environment(**variables), stdout=subprocess.PIPE, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(result.stdout)


def main():
    taken = {name: [] for name in CANDIDATES}
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        variables = {
            "SINK": sink.connection_string, "TMPDIR": folder,
            "PYTHONPYCACHEPREFIX": os.path.join(folder, "bytecode"), "PYTHONDONTWRITEBYTECODE": "",
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
        }  # fmt: skip
        for _ in range(ROUNDS + 1):  # the first one writes the bytecode
            for name in CANDIDATES:
                taken[name].append(start(name, **variables))
    show({name: found[1:] for name, found in taken.items()})


def show(taken):
    print(f"A start, beyond `import azure.functions` (median of {ROUNDS} processes, in turn)")
    for step in ("ready", "first", "settled"):
        peer = [one[step] for one in taken["azure-monitor"]]
        for name, found in taken.items():
            mine = [one[step] for one in found]
            time = f"{middle(mine, 'ms'):6.1f} ms {ratio(mine, peer, 'ms'):5.2f}x" if step != "settled" else ""
            has_bar = step == "ready" and name != "azure-monitor"
            bars = bars_of(mine, peer, weighed=name != THREE) if has_bar else ""
            print(
                f"  {step:<8} {name:<17} {time:<17} {middle(mine, 'MB'):5.1f} MB  threads {middle(mine, 'threads'):.0f}"
                f"  modules {middle(mine, 'modules'):.0f}   {bars}"
            )
    print(flush=True)


def bars_of(mine, peer, *, weighed):
    bars = [beside(BAR, ratio(mine, peer, "ms"))]
    if weighed:
        bars += [beside(12, middle(mine, "MB"), " MB"), beside(1, middle(mine, "threads"), " thread")]
    return "; ".join(bars)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
