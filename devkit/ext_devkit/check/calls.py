"""What an extension does to an invocation: its arguments, its result, its exception."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

import azure.functions as func

from ext_devkit.check.functions import coroutine, fails, raising, says_ok, sync
from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk.testing import Context, run, trigger
from ext_sdk.testing.triggers import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable


def result(target: str) -> None:
    """Compare what the function returned and what the caller gets; a response may get further headers."""
    answer = func.HttpResponse("ok", status_code=201, headers={"X-Own": "1"}, mimetype="text/x-own")
    returned: list[Any] = [answer, "text", None, b"bytes", {"a": [1]}]
    before = [_shown(one) for one in returned]
    for where, called in Subject.named(target).everywhere(lambda number: returned[number]):
        for number, value in enumerate(returned):
            got = called(number)
            expect(got.error is None, f"{where}, the caller gets {got.error!r} where the function returned {value!r}.")
            same = got.value is value and _shown(value) == before[number]
            expect(same, f"{where}, the caller gets {_shown(got.value)!r}: the function returned {before[number]!r}.")


def exception(target: str) -> None:
    """Compare what the function raised and what the caller gets."""
    raised: list[Exception] = []

    def of(number: int) -> None:
        raised.append((ValueError("the function's own"), KeyError(), OSError(5, "input"))[number])
        raise raised[-1]

    for where, called in Subject.named(target).everywhere(of):
        for number in range(3):
            got = called(number)
            expect(raised, f"{where}, the function is not called.")
            error = raised.pop()
            if got.error is not error:
                said = f"returns {got.value!r}" if got.error is None else f"raises {got.error!r}"
                raise SeenError(f"{where}, the function raises {error!r}, and for the caller it {said}.")


def cancellation(target: str) -> None:
    """Likewise for what is no Exception."""
    subject = Subject.named(target)
    for raised in (asyncio.CancelledError(), SystemExit(3)):
        for form in (sync, coroutine):
            with subject.alone():
                subject.attach()
                got = run(form(lambda _, raised=raised: raising(raised)()))  # type: ignore[misc]
                kept = got.error is raised
                expect(kept, f"the function ends with {raised!r}, and for the caller with {got.error!r}.")


def arguments(target: str) -> None:
    """Compare what the host sent and what the function receives, for every kind of trigger."""
    received: list[dict[str, Any]] = []

    def notes(**args: Any) -> None:
        received.append(args)

    subject = Subject.named(target)
    with subject.alone():
        subject.attach()
        for sent in [trigger("http", method="POST", body=b"body", params={"a": "1"}), *map(trigger, KINDS)]:
            received.clear()
            done = run(notes, sent)
            expect(received, f"the function is not called, with a {sent.type}; the caller gets {done.error!r}.")
            names, wanted = sorted(received[0]), sorted([sent.name, "context"])
            expect(names == wanted, f"the function receives {' and '.join(names)} in place of {' and '.join(wanted)}.")
            same = _shown(received[0][sent.name]) == _shown(sent.value)
            expect(same, f"the function receives another {sent.name} than the host sent, with a {sent.type}.")


def hooks(target: str) -> None:
    """See whether a hook fails, and whether hooks run at all."""
    subject = Subject.named(target)
    calls = 0
    expect(
        subject.is_ours or not subject.astray,
        f"it defines {', '.join(subject.astray)}, which no worker calls: they are hooks of the other level.",
    )
    expect(subject.does_something, "it has no hook that a worker calls.")
    for body, which in ((lambda _: "ok", "returns"), (fails, "raises")):
        for where, called in subject.everywhere(body):
            called(0)
            called(0)
            calls += subject.calls()
            subject.expect_no_failures(f" around a function that {which}, {where}")
    expect(calls or not subject.takes_part, "it takes part in no invocation.")


def triggers(target: str) -> None:
    """Have every kind of trigger, and batches."""
    subject = Subject.named(target)
    sent = [trigger(kind) for kind in KINDS]
    sent += [trigger(kind, cardinality="many", bodies=["a", "b"]) for kind in ("service_bus", "event_hub", "kafka")]
    with subject.ready():
        for one in sent:
            got = run(lambda **_: None, one)
            expect(got.error is None, f"a function with a {one.type} fails with {got.error!r}.")
            subject.expect_no_failures(f" with a {one.type}")


def hostile(target: str) -> None:
    """Have what is missing, huge or malicious."""
    broken = Context("HttpTrigger", trace_parent="00-nonsense", trace_state="=,=")
    odd = type("Odd", (Exception,), {"__str__": _odd, "__repr__": _odd})()
    cases: list[tuple[str, Any, Callable[..., Any], dict[str, Any]]] = [
        ("a Context that takes no attributes, without a trace", _Bare(), says_ok, {}),
        ("a trace context that is nonsense", broken, says_ok, {}),
        ("a body of 10 MB", None, says_ok, {"method": "POST", "body": b"x" * 10_000_000}),
        ("a result that cannot be shown", None, lambda **_: _Unspeakable(), {}),
        ("an exception that cannot be shown", None, raising(odd), {}),
        ("a caller's header that is nonsense", None, says_ok, {"headers": {"x": "\x00\udcff", "traceparent": "x"}}),
        ("1000 headers", None, says_ok, {"headers": {f"x-{number}": "x" * 100 for number in range(1000)}}),
    ]
    subject = Subject.named(target)
    with subject.ready():
        for what, context, function, facts in cases:
            run(function, context=context, **facts)
            subject.expect_no_failures(f" with {what}")
        run(says_ok, trigger("generic"))
        subject.accept_failures()
        run(says_ok, trigger("generic", value=_Unspeakable()))
        subject.expect_no_failures(" with an argument that cannot be shown")
        run(says_ok, trigger("generic", value=None, name="", type=""))
        subject.expect_no_failures(" without a trigger")


class _Unspeakable:
    def __repr__(self) -> str:
        raise LookupError("cannot be shown")

    __str__ = __repr__


class _Bare:
    """A Context that takes no attributes but ext_sdk's own, without a trace."""

    __slots__ = ("app_ext_attributes",)
    invocation_id, function_name, function_directory = "1", "HttpTrigger", "/app/HttpTrigger"
    trace_context = retry_context = None


def _odd(_self: object) -> str:
    raise LookupError("cannot be shown")


def _shown(value: Any) -> Any:
    """Return what is compared of a value; of a response's headers the function's own."""
    if isinstance(value, func.HttpResponse):
        return "HttpResponse", value.status_code, value.get_body(), value.mimetype, value.headers.get("X-Own")
    if isinstance(value, func.HttpRequest):
        return "HttpRequest", value.method, value.url, value.get_body(), dict(value.params), dict(value.headers)
    if hasattr(value, "get_body"):
        return type(value).__name__, value.get_body()
    return copy.deepcopy(value) if isinstance(value, (dict, list, str, bytes, type(None))) else type(value).__name__
