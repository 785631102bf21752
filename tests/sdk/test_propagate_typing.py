"""What type checkers make of `propagate`."""

from __future__ import annotations

import pytest

api = pytest.importorskip("mypy.api")

CONSUMER = """
import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from typing_extensions import assert_type

from ext_sdk import propagate


def add(a: int, b: int = 1) -> str:
    return str(a + b)


async def fetch(url: str) -> bytes:
    return url.encode()


pool = propagate(ThreadPoolExecutor(8))
assert_type(pool, ThreadPoolExecutor)
assert_type(pool.submit(add, 1), Future[str])
assert_type(propagate(add)(1, b=2), str)


async def main() -> None:
    assert_type(await propagate(fetch)("u"), bytes)
    assert_type(await asyncio.create_task(propagate(fetch)("u")), bytes)
    asyncio.get_running_loop().set_default_executor(pool)


propagate(add)("one")  # type: ignore[arg-type]
propagate(3)  # type: ignore[call-overload]
"""


def test_the_three_forms_keep_their_types_under_mypy_strict(tmp_path):
    """Also what is wrong is found: an `ignore` that is not needed is an error."""
    consumer = tmp_path / "consumer.py"
    consumer.write_text(CONSUMER)

    out, err, status = api.run(["--strict", "--config-file=", f"--cache-dir={tmp_path}/cache", str(consumer)])

    assert (status, err) == (0, ""), out
