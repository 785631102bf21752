"""Exceptions arrive with their frames and their causes, from the object or from its text."""

from __future__ import annotations

import json
import traceback

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ext_appinsights import envelope, stacks


class Boom(Exception):
    """With a text that cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError


def inner():
    raise KeyError("missing")


def outer():
    try:
        inner()
    except KeyError as error:
        raise ValueError("bad\norder") from error


def raised(function) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


def in_handler():
    try:
        inner()
    except KeyError:
        raise ValueError("while handling")  # noqa: B904


def hidden():
    try:
        inner()
    except KeyError:
        raise ValueError("alone") from None


def recursive(depth: int = 900):
    if depth == 0:
        raise ValueError("deep")
    recursive(depth - 1)


def shape(details: list[dict]) -> list[tuple]:
    """Type, message, (id, outer id), and method names, innermost first."""
    return [
        (d["typeName"], d["message"], (d.get("id"), d.get("outerId")), [frame["method"] for frame in d["parsedStack"]])
        for d in details
    ]


@pytest.mark.parametrize("made_from", ["object", "text"])
def test_a_cause_is_an_exception_of_its_own(made_from: str):
    """Outermost first, each inner one pointing at its outer one, frames from where it was raised."""
    error = raised(outer)
    if made_from == "object":
        details = stacks.from_exception(error)
    else:
        details = stacks.from_text("ValueError", "bad\norder", "".join(traceback.format_exception(error)))

    assert shape(details) == [
        ("ValueError", "bad\norder", (1, 0), ["outer", "raised"]),
        ("KeyError", "'missing'", (2, 1), ["inner", "outer"]),
    ]
    assert details[1]["parsedStack"][0] == {
        "level": 0,
        "method": "inner",
        "fileName": __file__,
        "line": inner.__code__.co_firstlineno + 1,
    }
    assert all(d["hasFullStack"] and "stack" not in d for d in details)


@pytest.mark.parametrize(
    ("function", "types"), [(in_handler, ["ValueError", "KeyError"]), (hidden, ["ValueError"]), (inner, ["KeyError"])]
)
def test_the_chain_is_what_a_traceback_shows(function, types: list[str]):
    """The exception being handled counts, one that `from None` hides does not; from text it is the same."""
    error = raised(function)
    text = "".join(traceback.format_exception(error))

    assert [d["typeName"] for d in stacks.from_exception(error)] == types
    assert [d["typeName"] for d in stacks.from_text(type(error).__name__, str(error), text)] == types


def test_a_missing_stack_is_left_out():
    """No text `None`, no empty list."""
    assert stacks.from_text("Timeout", "", None) == [
        {"typeName": "Timeout", "message": "Timeout", "hasFullStack": False}
    ]


def test_a_foreign_stack_is_passed_on_as_text():
    """What is not Python's own form is neither lost nor guessed at."""
    (details,) = stacks.from_text("System.Exception", "m", "   at Program.Main()\n" * 3000)

    assert details["stack"] == ("   at Program.Main()\n" * 3000)[:32768]
    assert details["hasFullStack"] is False
    assert "parsedStack" not in details


def test_a_deep_stack_loses_its_middle():
    """Both ends tell more; the service takes 32768 characters."""
    (details,) = stacks.from_exception(raised(recursive))
    frames = details["parsedStack"]

    assert sum(len(frame["method"]) + len(frame["fileName"]) for frame in frames) <= 32768
    assert details["hasFullStack"] is False
    assert frames[0]["level"] == 0
    assert (frames[-1]["method"], frames[-1]["level"]) == ("raised", 901)


def test_an_exception_that_cannot_be_printed_is_still_sent():
    """Its type alone is worth a row."""
    (details,) = stacks.from_exception(Boom())

    assert details["message"] == "<the text of this Boom could not be made>"
    assert details["typeName"].endswith("Boom")


def test_an_endless_chain_ends():
    """Causes can form a ring; at most ten exceptions are sent."""
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert [d["message"] for d in stacks.from_exception(first)] == ["1", "2"]

    error = ValueError("innermost")
    for number in range(30):
        outer_error = ValueError(str(number))
        outer_error.__cause__ = error
        error = outer_error
    assert [d["message"] for d in stacks.from_exception(error)] == [str(number) for number in range(29, 19, -1)]


def test_long_texts_are_cut():
    """Type 1024, message 32768."""
    (details,) = data = envelope.exception_details("T" * 2000, "m" * 40_000)

    assert (len(data), len(details["typeName"]), len(details["message"])) == (1, 1024, 32768)


HEAD = "Traceback (most recent call last):\n"
PIECES = st.sampled_from(
    [
        HEAD, '  File "/a/b.py", line 7, in work\n', '  File "é.py", line 1, in <module>\n', "    work()\n", "    ^^^^\n", "ValueError: bad\n",
        "  note\n", "\n", "  ", "\nThe above exception was the direct cause of the following exception:\n\n", "x" * 9000, "\ud800",
        "  + Exception Group Traceback (most recent call last):\n", "  [Previous line repeated 3 more times]\n",
    ]
)  # fmt: skip
TEXTS = st.sampled_from(["", " ", "ValueError", "bad", 'a "quoted" one', "é", "m" * 40_000])


@given(
    TEXTS,
    TEXTS,
    st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(lambda p: HEAD + "".join(p)),
)
@example("ValueError", "bad", HEAD + '  File "a.py", line 1, in work\n' * 700 + "ValueError: bad\n")
@example("ValueError", "bad", HEAD + "ValueError: bad\n")
def test_what_is_written_at_once_is_the_same(kind: str, said: str, stack: str):
    quick = stacks.as_json(kind, said, stack)

    assert quick is None or json.loads(quick) == stacks.from_text(kind, said, stack)


def test_a_common_traceback_is_written_at_once():
    error = raised(inner)
    text = "".join(traceback.format_exception(error))

    assert json.loads(stacks.as_json("KeyError", "'missing'", text) or "") == stacks.from_text(
        "KeyError", "'missing'", text
    )
