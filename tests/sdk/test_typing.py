"""What type checkers make of `propagate`, and of hooks as authors write them."""

from __future__ import annotations

import pytest

api = pytest.importorskip("mypy.api")

PROPAGATE = """
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


HOOKS = """
import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from ext_sdk import AppExtension, FuncExtension, Invocation, Outcome


class OfApp(AppExtension):
    @dataclass(frozen=True)
    class Settings:
        slow_ms: float = 1000.0

    @classmethod
    def init(cls) -> None: ...

    @classmethod
    def post_function_load_app_level(cls, function_name: str, function_directory: str) -> None: ...

    @classmethod
    def pre_invocation_app_level(
        cls, logger: logging.Logger, context: func.Context, func_args: dict[str, Any]
    ) -> None: ...

    @classmethod
    def post_invocation_app_level(
        cls, logger: logging.Logger, context: func.Context, func_args: dict[str, object], func_ret: object
    ) -> None: ...

    @classmethod
    def invocation_failed_app_level(
        cls, logger: logging.Logger, context: func.Context, func_args: dict[str, Any], error: BaseException
    ) -> None: ...

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        yield

    @classmethod
    def shutdown(cls, timeout: float) -> bool:
        return True


class OfFunction(FuncExtension):
    def post_function_load(self, function_name: str, function_directory: str) -> None: ...

    def pre_invocation(self, logger: logging.Logger, context: func.Context, func_args: dict[str, Any]) -> None: ...

    def post_invocation(
        self, logger: logging.Logger, context: func.Context, func_args: dict[str, Any], func_ret: object
    ) -> None: ...

    def invocation_failed(
        self, logger: logging.Logger, context: func.Context, func_args: dict[str, Any], error: BaseException
    ) -> None: ...

    def shutdown(self, timeout: float) -> None: ...


class Misplaced(AppExtension):
    @classmethod
    def pre_invocation_app_level(cls, context: func.Context) -> None: ...  # type: ignore[override]


@OfFunction()
def orders(req: func.HttpRequest) -> str:
    return "done"


text: str = orders(func.HttpRequest("GET", "/", body=b""))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> str:
    """What mypy says in strict mode of both; what is wrong is found as well, as an `ignore` in vain is an error."""
    folder = tmp_path_factory.mktemp("typed")
    files = {"propagates": PROPAGATE, "hooks": HOOKS}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    paths = [str(folder / f"{name}.py") for name in files]
    out, err, _ = api.run(["--strict", "--config-file=", f"--cache-dir={folder}/cache", *paths])
    assert not err
    return out


def test_the_three_forms_keep_their_types(told):
    assert "propagates.py" not in told, told


def test_hooks_take_what_the_reference_says_and_nothing_more(told):
    assert "hooks.py" not in told, told
