"""What an extension does to invocations, on every generation of the worker, sync and async."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import azure.functions as func

from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import AppExtension
from ext_sdk.testing import GENERATIONS, Context, run, run_async, trigger
from ext_sdk.testing.triggers import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ext_sdk.testing import Result, Worker

_THREADS = 64
_COROUTINES = 200
_CALLS = 4


def result(target: str) -> None:
    """Compare what the function returned and what the caller gets."""
    returned = [func.HttpResponse("ok", status_code=201), "text", None, b"bytes", {"a": 1}]
    for _, called in _each(target, lambda number: returned[int(number)], range(len(returned))):
        for number, value in enumerate(returned):
            got = called(number)
            expect(got.error is None, f"the caller gets {got.error!r} where the function returned {value!r}.")
            same = got.value is value
            expect(same, f"the caller gets {got.value!r} where the function returned {value!r}.")


def exception(target: str) -> None:
    """Compare what the function raised and what the caller gets."""
    raised = [ValueError("the function's own"), KeyError(), OSError(5, "input")]

    def fails(number: int) -> None:
        raise raised[number]

    for _, called in _each(target, fails, range(len(raised))):
        for number, error in enumerate(raised):
            got = called(number)
            if got.error is not error:
                said = f"returns {got.value!r}" if got.error is None else f"raises {got.error!r}"
                raise SeenError(f"the function raises {error!r}, and for the caller it {said}.")


def cancellation(target: str) -> None:
    """Likewise for what is no Exception."""
    for raised in (asyncio.CancelledError(), SystemExit(3)):

        def ends(_: int, raised: BaseException = raised) -> None:
            raise raised

        subject = Subject.named(target)
        for form in (_sync(ends), _async(ends)):
            with subject.alone():
                got = _called(subject, form)
                kept = got.error is raised
                expect(kept, f"the function ends with {raised!r}, and for the caller with {got.error!r}.")


def arguments(target: str) -> None:
    """Compare what the host sent and what the function receives."""
    received: list[dict[str, Any]] = []

    def notes(**args: Any) -> str:
        received.append(args)
        return "ok"

    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        sent = trigger("http", method="POST", body=b"body", params={"a": "1"})
        run(notes, sent)
    (args,) = received
    expect(set(args) == {"req", "context"}, f"the function receives {sorted(args)} in place of req and context.")
    request: Any = args["req"]
    whole = isinstance(request, func.HttpRequest) and (request.method, request.get_body(), dict(request.params)) == (
        "POST", b"body", {"a": "1"},
    )  # fmt: skip
    expect(whole, f"the function receives another request than the host sent: {request!r}.")


def hooks(target: str) -> None:
    """See whether a hook fails, and whether hooks run at all."""
    calls = 0
    for subject, called in _each(target, lambda _: "ok", range(1)):
        for _ in range(_CALLS):
            called(0)
        calls += subject.calls()
        _expect_no_failures(subject)
    expect(calls or not Subject.named(target).is_ours, "it took part in no invocation.")


def triggers(target: str) -> None:
    """Have every kind of trigger."""
    subject = Subject.named(target)
    sent = [trigger(kind) for kind in KINDS]
    sent += [trigger(kind, cardinality="many", bodies=["a", "b"]) for kind in ("service_bus", "event_hub", "kafka")]
    with subject.alone():
        _attach(subject, "HttpTrigger")
        for one in sent:
            got = run(lambda **_: None, one)
            expect(got.error is None, f"a function with a {one.type} fails with {got.error!r}.")
            _expect_no_failures(subject, f" with a {one.type}")


def hostile(target: str) -> None:
    """Have what is missing, huge or malicious."""

    class Unspeakable:
        def __repr__(self) -> str:
            raise LookupError("cannot be shown")

        __str__ = __repr__

    class Bare:
        """A Context that takes no attributes, without a trace."""

        __slots__ = ()
        invocation_id, function_name, function_directory = "1", "HttpTrigger", "/app/HttpTrigger"
        trace_context = retry_context = None

    broken = Context("HttpTrigger", trace_parent="00-nonsense", trace_state="=,=")
    subject = Subject.named(target)
    cases: list[tuple[str, Any, Callable[..., Any], dict[str, Any]]] = [
        ("a Context that takes no attributes", Bare(), lambda **_: None, {}),
        ("a trace context that is nonsense", broken, lambda **_: None, {}),
        ("a body of 10 MB", None, lambda **_: "ok", {"method": "POST", "body": b"x" * 10_000_000}),
        ("a result that cannot be shown", None, lambda **_: Unspeakable(), {}),
        ("an exception that cannot be shown", None, _raises(type("Odd", (Exception,), {"__str__": _odd})()), {}),
        ("a header of a caller's that is nonsense", None, lambda **_: None, {"headers": {"x": "\x00\udcff"}}),
    ]
    with subject.alone():
        _attach(subject, "HttpTrigger")
        for what, context, function, facts in cases:
            run(function, context=context, **facts)
            _expect_no_failures(subject, f" with {what}")
        run(lambda **_: None, trigger("generic", value=None, name="", type=""))
        _expect_no_failures(subject, " without a trigger")


def threads(target: str) -> None:
    """Call a function from many threads at once; each has to get its own."""

    def echoes(req: func.HttpRequest, context: func.Context) -> tuple[str, str]:
        return req.params["n"], context.invocation_id

    subject = Subject.named(target)
    with subject.alone(), ThreadPoolExecutor(_THREADS) as pool:
        _attach(subject, "HttpTrigger")
        got = list(pool.map(lambda number: run(echoes, params={"n": str(number)}), range(_THREADS * 5)))
        _expect_own(got)
        _expect_no_failures(subject, f" with {_THREADS} threads")


def coroutines(target: str) -> None:
    """Await a function many times at once; each has to get its own."""

    async def echoes(req: func.HttpRequest, context: func.Context) -> tuple[str, str]:
        await asyncio.sleep(0.001)
        return req.params["n"], context.invocation_id

    async def all_of_them() -> list[Result]:
        return await asyncio.gather(*(run_async(echoes, params={"n": str(one)}) for one in range(_COROUTINES)))

    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        _expect_own(asyncio.run(all_of_them()))
        _expect_no_failures(subject, f" with {_COROUTINES} coroutines")


def context_variables(target: str) -> None:
    """Compare the context before the extension and after it."""
    leaked: set[str] = set()

    def probe() -> None:
        class Probe(AppExtension):
            order = -1_000_000_000

            @classmethod
            def around_invocation(cls, _invocation: Any) -> Iterator[None]:  # type: ignore[override]
                before = dict(copy_context().items())
                yield
                for variable, value in copy_context().items():
                    if not variable.name.startswith("ext_sdk") and before.get(variable) is not value:
                        leaked.add(variable.name)

    subject = Subject.named(target)
    for form in (_sync(lambda _: "ok"), _async(lambda _: "ok"), _sync(_fails), _async(_fails)):
        with subject.alone():
            probe()
            _called(subject, form)
    expect(not leaked, f"after its hooks these context variables are other than before: {', '.join(sorted(leaked))}.")


def switched_off(target: str) -> None:
    """Set the app setting, and see that functions work and nothing runs."""
    os.environ["PYTHON_ENABLE_WORKER_EXTENSIONS"] = "0"
    for subject, called in _each(target, lambda _: "ok", range(1)):
        got = called(0)
        expect(got.error is None and got.value == "ok", f"the function fails: {got.error!r}.")
        expect(subject.calls() == 0 or not subject.is_ours, "its hooks run all the same.")


def environment(target: str) -> None:
    """Give the app its environment after the import, as a specialised worker gets it."""
    subject = Subject.named(target)
    with subject.on("runtime") as simulated:
        simulated.load(_says_ok, name="HttpTrigger")
        subject.attach(simulated, "HttpTrigger")
        simulated.invoke("HttpTrigger")
        simulated.reload_environment({"PYTHON_ENABLE_WORKER_EXTENSIONS": "1", "WEBSITE_SITE_NAME": "shop"})
        simulated.load(_says_ok, name="HttpTrigger")
        got = simulated.invoke("HttpTrigger")
        expect(got.value == "ok", f"after it the function fails: {got.error!r}.")
        _expect_no_failures(subject, " after it")


def _each(
    target: str, body: Callable[[int], Any], _numbers: range
) -> Iterator[tuple[Subject, Callable[[int], Result]]]:
    """Yield the extension on each generation of the worker, around a sync and around an async function."""
    subject = Subject.named(target)
    for generation in GENERATIONS:
        with subject.on(generation) as simulated:
            for name, form in (("sync", _sync(body)), ("asynchronous", _async(body))):
                simulated.load(form, name=name)
                subject.attach(simulated, name)
                yield subject, _through(simulated, name)


def _through(simulated: Worker, name: str) -> Callable[[int], Result]:
    return lambda number: simulated.invoke(name, params={"n": str(number)})


def _sync(body: Callable[[int], Any]) -> Callable[..., Any]:
    def function(req: func.HttpRequest, context: func.Context) -> Any:  # noqa: ARG001 - as above
        return body(int(req.params.get("n", 0)))

    return function


def _async(body: Callable[[int], Any]) -> Callable[..., Any]:
    async def function(req: func.HttpRequest, context: func.Context) -> Any:  # noqa: ARG001 - as above
        await asyncio.sleep(0)
        return body(int(req.params.get("n", 0)))

    return function


def _called(subject: Subject, function: Callable[..., Any]) -> Result:
    _attach(subject, "HttpTrigger")
    return run(function)


def _attach(subject: Subject, function: str) -> None:
    """Have a function-level extension take part; one of the official kind is bound by the path of a file."""
    if subject.is_app_level:
        return
    if subject.is_ours:
        subject.extension(function=function)
    else:
        root = os.environ.get("AzureWebJobsScriptRoot", os.getcwd())  # noqa: SIM112 - the worker's spelling
        subject.extension(os.path.join(root, function, "__init__.py"))


def _raises(error: BaseException) -> Callable[..., Any]:
    def function(**_: Any) -> None:
        raise error

    return function


def _odd(_self: object) -> str:
    raise LookupError("cannot be shown")


def _says_ok(req: Any, context: Any) -> str:  # noqa: ARG001 - as a function of an app has them
    return "ok"


def _fails(_: int) -> None:
    raise ValueError("the function's own")


def _expect_own(got: list[Result]) -> None:
    for number, one in enumerate(got):
        expect(one.error is None, f"an invocation fails: {one.error!r}.")
        expect(one.value == (str(number), one.context.invocation_id), f"invocation {number} gets {one.value!r}.")


def _expect_no_failures(subject: Subject, where: str = "") -> None:
    if failures := subject.failures():
        told = ", ".join(f"{hook} {count} times" for hook, count in failures.items())
        raise SeenError(f"its hooks fail{where}: {told}. {_last_words()}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("ext_sdk").addHandler(handler)
    yield said


with _listening() as _said:
    pass


def _last_words() -> str:
    return next((one.split(". Further failures")[0] + "." for one in reversed(_said) if " failed" in one), "")
