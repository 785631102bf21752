"""The test kit: run functions and hooks as the workers do, without a worker.

For any test runner; the devkit's pytest plugin has fixtures on top of it.
"""

from ext_sdk.testing.clock import Clock, frozen
from ext_sdk.testing.recording import Call, recorder
from ext_sdk.testing.running import Context, Result, invocation, run, run_async
from ext_sdk.testing.simulated import GENERATIONS, Worker, worker
from ext_sdk.testing.state import isolated, reset
from ext_sdk.testing.triggers import TriggerValue, trigger

__all__ = [
    "GENERATIONS",
    "Call",
    "Clock",
    "Context",
    "Result",
    "TriggerValue",
    "Worker",
    "frozen",
    "invocation",
    "isolated",
    "recorder",
    "reset",
    "run",
    "run_async",
    "trigger",
    "worker",
]
