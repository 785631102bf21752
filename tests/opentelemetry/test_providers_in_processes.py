"""Meters and loggers from the start of a process to its end, and in those that it forks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest


def run(code: str, **settings: str) -> list[str]:
    """Run a program of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PREPARED + textwrap.dedent(code)],
        env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


PREPARED = """
import atexit, os, sys, threading
from ext_appinsights import Channel
from ext_opentelemetry import providers

def exporter():
    from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter
    return AppInsightsMetricExporter(channel=channel)

def processor():
    from ext_opentelemetry.log_exporter import ChannelLogRecordProcessor
    return ChannelLogRecordProcessor(channel)

def resource():
    from opentelemetry.sdk.resources import Resource
    return Resource({"service.name": "shop"})

def loaded():
    return [name for name in ("metrics", "_logs") if "opentelemetry.sdk." + name in sys.modules]

def threads():
    return sorted(one.name for one in threading.enumerate() if one not in before)

before = threading.enumerate()

channel = Channel(os.environ["TARGET"], journal=False, exit_timeout=0.0)
put = providers.set_up(metric_exporter=exporter, log_processor=processor, resource=resource)
from opentelemetry import _logs, metrics
"""


def test_nothing_is_imported_and_no_thread_made_before_somebody_asks(server):
    """A meter costs the thread of its reader, a logger none."""
    lines = run(
        """
        print(loaded(), threads(), put.flush(1.0))
        _logs.get_logger("l")
        print(loaded(), threads())
        metrics.get_meter("m")
        print(loaded(), threads())
        """,
        TARGET=server.connection_string,
    )
    assert lines == ["[] [] True", "['_logs'] []", "['metrics', '_logs'] ['OtelPeriodicExportingMetricReader']"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_measures_and_logs_on_its_own(server):
    run(
        """
        counter = metrics.get_meter("m").create_counter("orders")
        counter.add(1, {"who": "parent"})
        assert put.flush(20.0)
        child = os.fork()
        if not child:
            counter.add(1, {"who": "child"})
            delivered = put.flush(20.0)
            os._exit(0 if delivered and "OtelPeriodicExportingMetricReader" in threads() else 1)
        assert os.waitpid(child, 0)[1] == 0
        """,
        TARGET=server.connection_string,
    )
    assert [item["data"]["baseData"]["properties"]["who"] for item in server.items] == ["parent", "child"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_another_thread_makes_the_provider_does_not_block_the_child(server):
    run(
        """
        making, go_on = threading.Event(), threading.Event()

        def slow():
            making.set()
            go_on.wait(30.0)
            return exporter()

        put = providers.set_up(metric_exporter=slow, log_processor=processor, resource=resource)
        thread = threading.Thread(target=metrics.get_meter, args=("m",))
        thread.start()
        making.wait(30.0)
        child = os.fork()
        if not child:
            providers.set_up(metric_exporter=exporter, log_processor=processor, resource=resource)
            metrics.get_meter("m").create_counter("orders").add(1)
            os._exit(0 if put.flush(20.0) else 1)
        assert os.waitpid(child, 0)[1] == 0
        go_on.set()
        thread.join()
        """,
        TARGET=server.connection_string,
    )
    assert len(server.items) == 1


def test_at_the_end_of_the_interpreter_all_is_delivered(server):
    """Python 3.12 and later start no thread there."""
    run(
        """
        metrics.get_meter("m").create_counter("orders").add(1)
        atexit.register(lambda: put.flush(20.0))
        """,
        TARGET=server.connection_string,
    )
    assert len(server.items) == 1
