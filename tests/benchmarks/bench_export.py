"""What it takes to bring ended spans to Application Insights, beside azure-monitor-opentelemetry-exporter.

Batches of 512 spans (tests/benchmarks/mix.py) go through `export` until a server in another process has answered for
each item. Each exporter has a process of its own, and they are asked in turn. `CPU` is the process time of the whole
exporting process, all threads, per span; `sent` all bytes of the HTTP requests per span, headers included, as the
server counts them. The peer runs as it comes (with its folder for offline storage), without statistics and control
plane. An exception counts with its span: both make an item of its own of it. Two batches that are not timed go before
each that is: a core is slower for 10 ms or so after it was idle, which is all of a batch of ours.

Prediction, before measuring: today 45 us for mapping, JSON and gzip of a span, beside 180 us of the peer, so 0.25x;
150 bytes beside 1,070, so 0.14x. With the journal, 15 us more. With lines of JSON that are written at once, a third
of that. Bars: 0.1x CPU, 0.17x bytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import cycle
from time import perf_counter, process_time

from opentelemetry import trace

from tests.benchmarks.sink import Sink
from tests.benchmarks.turns import Candidate, answer, beside, in_turn, middle, ratio

SPANS, BATCHES, WARM, ROUNDS = 512, 4, 2, 40
NAMES = ("azure-monitor", "journal off", "journal on")


def exporter_of(name):
    if name == "azure-monitor":
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        return AzureMonitorTraceExporter(connection_string=os.environ["SINK"])
    from ext_opentelemetry import AppInsightsSpanExporter

    journal = os.environ["TMPDIR"] if name == "journal on" else False
    return AppInsightsSpanExporter(os.environ["SINK"], journal=journal)


def candidate(name):
    from tests.benchmarks.mix import provider, spans

    trace.set_tracer_provider(provider)  # the peer looks there for the resource
    exporter, batches = exporter_of(name), cycle([spans(SPANS, seed) for seed in range(BATCHES)])

    def export():
        batch, cpu, wall = next(batches), process_time(), perf_counter()
        assert exporter.export(batch).name == "SUCCESS"
        assert exporter.force_flush(20_000) is not False
        return {"cpu": (process_time() - cpu) / SPANS, "wall": (perf_counter() - wall) / SPANS}

    def measure():
        for _ in range(WARM):
            export()
        return export()

    answer(measure)


def main():
    found, counts = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        sinks = {name: Sink() for name in NAMES}
        try:
            for name, sink in sinks.items():
                found[name] = Candidate("bench_export", [name], SINK=sink.__enter__().connection_string, TMPDIR=folder)
            taken = in_turn(found, ROUNDS)
            counts = {name: sink.counts() for name, sink in sinks.items()}
        finally:
            for one in found.values():
                one.close()
            for sink in sinks.values():
                sink.__exit__()
    show(taken, counts)


def show(taken, counts):
    spans = SPANS * (WARM + 1) * (ROUNDS + 1)
    print(f"Spans to Application Insights, batches of {SPANS} (median of {ROUNDS} rounds, in turn)")
    peer, sent_by_peer = taken["azure-monitor"], counts["azure-monitor"]["bytes"]
    for name, mine in taken.items():
        cpu, sent = ratio(mine, peer, "cpu"), counts[name]["bytes"] / sent_by_peer
        bars = "" if name == "azure-monitor" else f"   {beside(0.1, cpu)}; {beside(0.17, sent)}"
        print(
            f"  {name:<14} CPU {middle(mine, 'cpu') * 1e6:6.1f} us {cpu:5.2f}x   wall {middle(mine, 'wall') * 1e6:6.1f} us"
            f"   sent {counts[name]['bytes'] / spans:6.0f} bytes {sent:5.2f}x"
            f"   {counts[name]['items'] / spans:.3f} items per span{bars}"
        )
    print(flush=True)


if __name__ == "__main__":
    candidate(sys.argv[1]) if len(sys.argv) > 1 else main()
