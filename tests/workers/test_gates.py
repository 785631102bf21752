"""On every worker: a critical extension's failure is the invocation's, and extensions can change what the caller gets."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.workers import apps, drive


class Wish(NamedTuple):
    """What the extensions of modules/gates.py are asked to do (`q`), and what comes of it."""

    q: str
    called: bool
    """Whether the function runs."""

    status: int = 0
    body: str = ""
    error: str = ""
    seen: str = "None"
    """The type of error that the outermost extension sees."""


def critical(hook: str, q: str) -> str:
    return f"ExtensionError: {hook} failed and is critical, so function '{{name}}' fails: PermissionError: {q}"


WISHES = [
    Wish("nothing", called=True, status=200, body="own"),
    Wish("pre", called=False, error=critical("Gate.pre_invocation_app_level", "pre"), seen="ExtensionError"),
    Wish("before", called=False, error=critical("Gate.around_invocation", "before"), seen="ExtensionError"),
    Wish("after", called=True, error=critical("Gate.around_invocation", "after"), seen="ExtensionError"),
    Wish("post", called=True, error=critical("Gate.post_invocation_app_level", "post"), seen="ExtensionError"),
    Wish("own", called=False, error=critical("Turnstile.around_invocation", "own"), seen="ExtensionError"),
    Wish("raise+after", called=True, error="ValueError: the function's", seen="ValueError"),
    Wish("respond", called=False, status=203, body="instead"),
    Wish("result", called=True, status=202, body="forced"),
    Wish("exception", called=True, error="LookupError: forced", seen="LookupError"),
]

SOURCE = """
{head} {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    note("function")
    if req.params["q"].startswith("raise"):
        raise ValueError("the function's")
    return func.HttpResponse("own")
"""


@pytest.fixture(scope="module")
def worker(kind, model, new_app):
    level = "file" if model == "v1" else "under"
    functions = [
        apps.Function(name, SOURCE.replace("{head}", head), level=level, own="gates.Turnstile")
        for name, head in (("sync", "def"), ("coroutine", "async def"))
    ]
    with drive.Worker(kind, new_app(functions, extensions=["gates"])) as worker:
        yield worker


@pytest.mark.parametrize("function", ["sync", "coroutine"])
@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.q)
def test_an_extension_decides_what_the_caller_gets(worker, function, wish):
    answer = worker.invoke(function, q=wish.q)

    if wish.error:
        assert (answer["ok"], answer["error"]) == (False, wish.error.replace("{name}", function))
    else:
        assert (answer["ok"], answer["status"], answer["body"]) == (True, wish.status, wish.body)
    assert worker.hooks(answer["id"]) == ["function"] * wish.called + ["seen"]
    assert worker.records(answer["id"])[-1]["error"] == wish.seen
