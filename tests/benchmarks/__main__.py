"""`make bench`: what things cost beside their peers, as ratios from one run. Fails only if a script does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic

BENCHMARKS = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))

PACKAGES = (
    "azure-functions", "opentelemetry-sdk", "azure-monitor-opentelemetry", "azure-monitor-opentelemetry-exporter",
    "azure-core", "sentry-sdk", "urllib3",
)  # fmt: skip


def main() -> int:
    print(environment(), end="\n\n", flush=True)
    failed = []
    for name in BENCHMARKS:
        started = monotonic()
        # Each in a process of its own: what one imports must not be part of another's figures.
        result = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False)
        print(f"  [{name}: {monotonic() - started:.0f} s, load {_load()}]\n", flush=True)
        if result.returncode:
            failed.append(name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def environment() -> str:
    return "\n".join(
        [
            f"Python {platform.python_version()}, {platform.platform()}",
            f"{_processor()}, {os.cpu_count()} processors, load {_load()}",
            ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        ]
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _load() -> str:
    return " ".join(f"{number:.2f}" for number in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is missing"


if __name__ == "__main__":
    sys.exit(main())
