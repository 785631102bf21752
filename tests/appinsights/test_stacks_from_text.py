"""A traceback's text, which is all that a span's event has, is taken apart as the exception itself would be."""

from __future__ import annotations

import sys
import traceback
from multiprocessing.pool import ExceptionWithTraceback, RemoteTraceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights import stacks

MESSAGES = (
    "plain",
    "",
    "two\nlines",
    "first\n  indented\nlast: with a colon",
    '\n  File "elsewhere.py", line 7, in remote\n    call()\nValueError: told by another process',
    "said\n\nThe above exception was the direct cause of the following exception:\n\nand no more",
    "Ünïcödé ☃",
)


class Own(Exception):
    pass


def chain(kinds: list[tuple[type, str, str]]) -> BaseException:
    """Return the last of exceptions raised one after another, each related to the one before as told."""
    error: BaseException | None = None
    for kind, message, relation in kinds:
        try:
            try:
                if error is not None and relation == "context":
                    raise error
                raise kind(message) from (error if relation == "cause" else None)
            except BaseException as handled:
                if handled is not error:
                    raise
                raise kind(message)  # noqa: B904
        except BaseException as raised:
            error = raised
    assert error is not None
    return error


LINKS = st.tuples(
    st.sampled_from([ValueError, Own, RuntimeError]),
    st.sampled_from(MESSAGES),
    st.sampled_from(["cause", "context", "none"]),
)


def shape(details: list[dict]) -> list[tuple]:
    """Type, message, links, and every frame."""
    return [
        (
            one["typeName"],
            one["message"].strip(),
            one.get("id"),
            one.get("outerId"),
            one.get("parsedStack", []),
            one["hasFullStack"],
        )
        for one in details
    ]


@given(st.lists(LINKS, min_size=1, max_size=5))
def test_the_text_tells_what_the_exception_tells(kinds):
    """Types, messages, links and frames, whatever the messages look like."""
    error = chain(kinds)
    text = "".join(traceback.format_exception(error))

    told = stacks.from_text(stacks.qualified_name(type(error)), str(error), text)

    assert shape(told) == shape(stacks.from_exception(error))


def test_a_syntax_error_has_the_frames_of_whoever_compiled():
    """What looks like its last frame is where the mistake is, without a function."""
    try:
        compile("a b", "<input>", "exec")
    except SyntaxError as error:
        (details,) = stacks.from_text("SyntaxError", str(error), traceback.format_exc())

    assert [frame["method"] for frame in details["parsedStack"]] == [
        "test_a_syntax_error_has_the_frames_of_whoever_compiled"
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with 3.11")
def test_notes_stay_with_the_cause_that_has_them():
    """They stand below its message."""
    try:
        try:
            raise ValueError("bad")
        except ValueError as error:
            error.add_note("seen at night")
            raise RuntimeError("worse") from error
    except RuntimeError:
        _, cause = stacks.from_text("RuntimeError", "worse", traceback.format_exc())

    assert (cause["typeName"], cause["message"]) == ("ValueError", "bad\nseen at night")


def test_a_traceback_from_another_process_keeps_its_words():
    """multiprocessing hands it over as the message of a cause that was never raised here."""
    try:
        raise ValueError("there")
    except ValueError as error:
        wrapped = ExceptionWithTraceback(error, error.__traceback__)
    remote = wrapped.exc
    remote.__cause__ = RemoteTraceback(wrapped.tb)
    try:
        raise remote
    except ValueError:
        outer, cause = stacks.from_text("ValueError", "there", traceback.format_exc())

    assert [frame["method"] for frame in outer["parsedStack"]][-1:] == [
        "test_a_traceback_from_another_process_keeps_its_words"
    ]
    assert cause["typeName"] == "multiprocessing.pool.RemoteTraceback"
    assert "parsedStack" not in cause
    assert 'raise ValueError("there")' in cause["message"]


@pytest.mark.parametrize("text", ["ValueError: never raised\n", "ValueError: never raised"])
def test_what_was_never_raised_has_no_stack(text: str):
    """Its text is type and message once more."""
    assert stacks.from_text("ValueError", "never raised", text) == [
        {"typeName": "ValueError", "message": "never raised", "hasFullStack": False}
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with 3.11")
def test_a_groups_members_point_at_their_group():
    """The group, its members, then the cause; the text of one is passed on whole."""
    try:
        try:
            raise KeyError("before")
        except KeyError:
            raise ExceptionGroup("several", [ValueError("a"), ExceptionGroup("inner", [OSError("b")])])  # noqa: B904, F821
    except ExceptionGroup as error:  # noqa: F821
        group = error
    text = "".join(traceback.format_exception(group))

    assert [(one["typeName"], one["id"], one["outerId"]) for one in stacks.from_exception(group)] == [
        ("ExceptionGroup", 1, 0), ("ValueError", 2, 1), ("ExceptionGroup", 3, 1), ("OSError", 4, 3), ("KeyError", 5, 1),
    ]  # fmt: skip
    (details,) = stacks.from_text("ExceptionGroup", str(group), text)
    assert (details["stack"], details["hasFullStack"]) == (text, True)


@pytest.mark.parametrize(
    "stack",
    [
        "java.lang.IllegalStateException: no\n\tat a.B.c(B.java:3)\nCaused by: java.io.IOException: x\n\t... 2 more\n",
        "Error: no\n    at Object.<anonymous> (/app/index.js:3:9)",
        "   at Program.Main() in c:\\app\\Program.cs:line 3",
        "anything at all",
    ],
)
def test_the_stack_of_another_language_stays_as_it_is(stack: str):
    """Neither lost nor guessed at."""
    (details,) = stacks.from_text("Error", "no", stack)

    assert (details["stack"], details["hasFullStack"], details.get("parsedStack")) == (stack, True, None)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=300) | st.none())
def test_no_text_is_too_odd(type_name, message, stack):
    """Whatever an instrumentation writes, an exception arrives with a type and a message."""
    details = stacks.from_text(type_name, message, stack)

    assert all(one["typeName"].strip() and one["message"].strip() for one in details)
