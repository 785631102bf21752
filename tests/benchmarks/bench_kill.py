"""How many of 20 spans are lost when the process gets SIGKILL at once after the invocation that made them has ended.

One invocation with 19 spans inside, then SIGKILL in the very next statement; a second process of the same app starts,
has one invocation, and lives for 8 s more (up to 30 s on a busy machine, if something of ours has not come by then). The
server takes everything, always. Three candidates, five kills each, each kill with a folder for temporary files of its
own: ours as it comes; ours with flush="background", where nothing was sent before the kill, so that all has to come from
the journal; `configure_azure_monitor()`.

Prediction, before measuring: none lost and none doubled with flush="background"; as it comes none lost, and now and
then one run doubled, if the kill falls between the server's answer and the note of it. azure-monitor: all lost. Bar: 0.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from time import monotonic, sleep
from types import SimpleNamespace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import ROOT, beside, environment

SPANS, KILLS, PATIENCE, MOST = 20, 5, 8.0, 30.0
CANDIDATES = ("ours", "ours, background", "azure-monitor")


def ours(run, flush):
    from ext_opentelemetry import OpenTelemetryExtension
    from ext_sdk.function import Function, Trigger
    from ext_sdk.workers.calls import through_extensions

    OpenTelemetryExtension.configure(connection_string=os.environ["SINK"], flush=flush)

    def work(context):
        for number in range(1, SPANS):
            with context.tracer.start_as_current_span(f"kill-{run}-{number}"):
                pass

    call = through_extensions(Function(f"kill-{run}-0", "/", work, Trigger("t", "timerTrigger")))
    return lambda: call(context=SimpleNamespace(invocation_id="i", trace_context=None))


def azure_monitor(run):
    from azure.monitor.opentelemetry import configure_azure_monitor
    from opentelemetry import trace

    configure_azure_monitor(connection_string=os.environ["SINK"], enable_live_metrics=False)
    tracer = trace.get_tracer("app")

    def invoke():
        with tracer.start_as_current_span(f"kill-{run}-0"):
            for number in range(1, SPANS):
                with tracer.start_as_current_span(f"kill-{run}-{number}"):
                    pass

    return invoke


def candidate(name, run, *, last):
    invoke = (
        azure_monitor(run) if name == "azure-monitor" else ours(run, "background" if "background" in name else "auto")
    )
    if not last:
        invoke()
        os.kill(os.getpid(), signal.SIGKILL)
    invoke()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


def start(name, run, sink, folder, *more):
    os.makedirs(folder, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bench_kill", name, run, *more],
        cwd=ROOT, env=environment(SINK=sink.connection_string, TMPDIR=folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def kill(name, run, sink, folder):
    process = start(name, str(run), sink, folder)
    if process.wait(60) != -signal.SIGKILL:
        raise RuntimeError(f"{name} ended with status {process.returncode} before it was killed")
    process.stdin.close()
    process.stdout.close()


def arrived(sink):
    marks = [mark for mark in sink.counts()["marked"] if not mark.startswith("kill-9")]
    return len(set(marks)), len(marks)


def wait_for(sinks):
    """Give everybody 8 s from the last one's invocation on; ours longer, if the machine is so busy that it needs it."""
    started, all_of_them = monotonic(), SPANS * KILLS
    while (waited := monotonic() - started) < MOST:
        missing = [name for name, sink in sinks.items() if arrived(sink)[0] < all_of_them]
        if not missing or (waited > PATIENCE and missing == ["azure-monitor"]):
            return
        sleep(0.1)


def main():
    print(f"{SPANS} spans, then SIGKILL; {KILLS} times")
    sinks, processes = {}, []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in CANDIDATES:
                sinks[name] = Sink().__enter__()
                for run in range(KILLS):
                    kill(name, run, sinks[name], f"{folder}/{name}/{run}")
            before = {name: arrived(sink)[0] for name, sink in sinks.items()}
            for name in CANDIDATES:
                for run in range(KILLS):
                    processes.append(start(name, f"9{run}", sinks[name], f"{folder}/{name}/{run}", "last"))
            for process in processes:
                process.stdout.readline()
            wait_for(sinks)
            show({name: (before[name], *arrived(sink)) for name, sink in sinks.items()})
        finally:
            for process in processes:
                process.stdin.close()
                process.stdout.close()
            for process in processes:
                process.wait(20)
            for sink in sinks.values():
                sink.__exit__()


def show(found):
    for name, (before, distinct, came) in found.items():
        lost = SPANS * KILLS - distinct
        bar = "" if name == "azure-monitor" else f"   {beside(0, lost, ' lost')}"
        print(
            f"  {name:<18} lost {lost:3} of {SPANS * KILLS}   (came before the kill {before}, twice {came - distinct}){bar}"
        )
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1], sys.argv[2], last="last" in sys.argv) if len(sys.argv) > 1 else main()
