"""Apps as processes of their own: a source, run to its end, that reports what it found as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

PRELUDE = """
import json, os, signal, sys, time
arguments = json.loads(sys.argv[1])

def report(**found):
    print(json.dumps(found), flush=True)
"""


def run_app(source: str, *, within: tuple[str, ...] = (), status: int = 0, **arguments: Any) -> dict[str, Any]:
    """Run a source, which finds `arguments`, and return what it gave to `report`. `within`: a command to run it by."""
    done = subprocess.run(
        [*within, sys.executable, "-c", PRELUDE + textwrap.dedent(source), json.dumps(arguments)],
        capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.replace("Killed\n", "")) == (status, ""), done.stderr
    return json.loads(done.stdout) if done.stdout else {}
