"""Candidates that cannot share a process (globals, threads, the GIL): each in one of its own, measured in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]

QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}
"""azure-monitor-opentelemetry without its own side traffic: statistics and remote control."""

_MEANT_FOR_OTHERS = (
    "APPLICATIONINSIGHTS_",
    "APPINSIGHTS_",
    "OTEL_",
    "EXT_",
    "WEBSITE_",
    "FUNCTIONS_",
    "PYTHON_ENABLE_",
)


def environment(**more):
    """Return the environment for a candidate: without settings of this machine's that change what is measured."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_MEANT_FOR_OTHERS)}
    return {**kept, **QUIET, **more}


class Candidate:
    """A process that takes one measurement each time it is asked."""

    def __init__(self, module, arguments, **variables):
        self.module, self.arguments = module, list(arguments)
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", *self.arguments],
            cwd=ROOT, env=environment(**variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self):
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.module} {' '.join(self.arguments)} ended with status {self._process.wait()}")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answer(measure):
    """In a candidate's process: measure when asked, until nobody asks any more."""
    for _ in sys.stdin:
        print(json.dumps(measure()), flush=True)


def in_turn(candidates, rounds):
    """Return what each candidate measured in each of the rounds; one more round before them warms up."""
    found = {name: [] for name in candidates}
    for _ in range(rounds + 1):
        for name, candidate in candidates.items():
            found[name].append(candidate.ask())
    return {name: taken[1:] for name, taken in found.items()}


def middle(taken, key):
    return median(one[key] for one in taken)


def ratio(taken, peer, key):
    """Return the median of the ratios of the rounds: what slows the machine for a round slows both."""
    return median(mine[key] / theirs[key] for mine, theirs in zip(taken, peer, strict=True))


def beside(bar, got, unit="x"):
    """Return the bar and whether it was reached."""
    return f"bar {bar:g}{unit}: {'reached' if got <= bar else 'bar missed'}"
