"""Examples in the documentation run as they stand there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.docs import Block, blocks

THEIRS = ("APPLICATIONINSIGHTS_", "OTEL_", "EXT_", "PYTHON", "AZURE_")


OF_OTHERS = ["-W", "ignore:datetime.datetime.utcnow:DeprecationWarning"]
"""Warnings of libraries in examples: OpenCensus's own spans, on Python 3.12 and later."""


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_example_runs_in_a_fresh_interpreter(block: Block, tmp_path: Path):
    """Alone, in an empty folder, with warnings as errors. A fragment is marked `{code-block} python` instead."""
    example = tmp_path / "example.py"
    example.write_text(block.text, "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(THEIRS)}

    done = subprocess.run(
        [sys.executable, "-W", "error", *OF_OTHERS, str(example)],
        cwd=tmp_path, env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip

    assert done.returncode == 0, f"The example at {block} fails:\n{done.stderr}"


def test_there_are_examples():
    """A mistake in finding them would pass every test of this file."""
    assert blocks("python")
    assert blocks("console")
