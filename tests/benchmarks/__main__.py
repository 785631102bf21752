"""`make bench`: what things cost beside their peers, as ratios from one run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

BENCHMARKS = sorted(path for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> int:
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.platform()}\n", flush=True)
    # Each in a process of its own: what one imports must not be part of another's figures.
    return max(subprocess.run([sys.executable, str(path)], check=False).returncode for path in BENCHMARKS)


sys.exit(main())
