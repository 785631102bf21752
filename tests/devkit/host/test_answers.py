"""What becomes of a function's result or error; one host answers all these tests."""

import io
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.host import Answer, http_json, request, serving, write_app

ANY_ANSWER = """
import asyncio
import azure.functions as func

def throw(error):
    raise error

{definition} main(req):
    return eval(req.params["returns"])
"""


class Answers:
    """A host whose functions, sync and async, return the value of the expression that they are asked for."""

    def __init__(self, url: str, console: io.StringIO) -> None:
        self.url = url
        self.console = console

    def to(self, expression: str, function: str = "Sync") -> Answer:
        return request(f"{self.url}/api/{function}?returns={quote(expression)}")


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> Iterator[Answers]:
    app = write_app(
        tmp_path_factory.mktemp("answers"),
        {
            "Sync/function.json": http_json(),
            "Sync/__init__.py": ANY_ANSWER.format(definition="def"),
            "Async/function.json": http_json(),
            "Async/__init__.py": ANY_ANSWER.format(definition="async def"),
        },
    )
    console = io.StringIO()
    with serving(app, output=console) as url:
        yield Answers(url, console)


def test_binary_bodies_are_left_alone(answers: Answers):
    answer = answers.to("func.HttpResponse(bytes(range(256)), mimetype='application/octet-stream')")

    assert bytes(range(256)) == answer.body
    assert answer.header("content-type") == ["application/octet-stream"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_sent_without_one(answers: Answers, status: int):
    answers.console.truncate(0)

    answer = answers.to(f"func.HttpResponse('ignored', status_code={status})")

    assert (status, b"") == (answer.status, answer.body)
    assert "Exception" not in answers.console.getvalue()


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("None", "TypeError: unable to encode outgoing TypedData: unsupported type 'http' for Python type 'NoneType'"),
        ("{'a': 1}", "TypeError: unable to encode outgoing TypedData: unsupported type 'http' for Python type 'dict'"),
        ("b'x'", "TypeError: unable to encode outgoing TypedData: unsupported type 'http' for Python type 'bytes'"),
        ("func.HttpResponse(status_code=99)", "ValueError: the status code 99 is no final HTTP status"),
        (
            "func.HttpResponse(headers={'a b': 'c'})",
            "ValueError: the response header 'a b' cannot be written as HTTP: 'c'",
        ),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
@pytest.mark.parametrize("function", ["Sync", "Async"])
def test_a_failed_invocation_is_an_empty_500_and_the_reason_is_on_the_console(answers, function, expression, reason):
    answers.console.truncate(0)

    answer = answers.to(expression, function)

    printed = answers.console.getvalue()
    assert (answer.status, answer.body) == (500, b"")
    assert reason in printed
    assert f"Executed '{function}' (Failed, 500, Id=" in printed


@pytest.mark.parametrize("function", ["Sync", "Async"])
@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "asyncio.CancelledError()"])
def test_what_is_no_exception_fails_the_invocation_and_not_the_host(answers: Answers, function: str, error: str):
    assert answers.to(f"throw({error})", function).status == 500
    assert answers.to("'alive'", function).body == b"alive"
