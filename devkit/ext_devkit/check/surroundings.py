"""An extension in another environment than it expects: switched off, without settings, given its settings late."""

from __future__ import annotations

import logging
import os
from collections import Counter
from typing import Any

from ext_devkit.check.functions import fails, says_ok
from ext_devkit.check.seen import expect
from ext_devkit.check.state import Logging, Process
from ext_devkit.check.subject import Subject
from ext_sdk.testing import run

_CALLS = 10
_REPEATED = 2
"""How often the same warning may be given in ten calls."""


def switched_off(target: str) -> None:
    """Set the app setting, and see that functions work and nothing runs."""
    os.environ["PYTHON_ENABLE_WORKER_EXTENSIONS"] = "0"
    subject = Subject.named(target)
    for where, called in subject.everywhere(lambda _: "ok"):
        got = called(0)
        expect(got.error is None and got.value == "ok", f"{where}, the function fails: {got.error!r}.")
        expect(subject.calls() == 0, f"{where}, its hooks run all the same.")


def environment(target: str) -> None:
    """Give the app its environment after the import, as a specialised worker gets it."""
    subject = Subject.named(target)
    with subject.on("runtime") as simulated:
        simulated.load(_says_ok, name="HttpTrigger")
        subject.attach()
        simulated.invoke("HttpTrigger")
        subject.accept_failures()
        simulated.reload_environment({"PYTHON_ENABLE_WORKER_EXTENSIONS": "1", "WEBSITE_SITE_NAME": "shop"})
        simulated.load(_says_ok, name="HttpTrigger")
        got = simulated.invoke("HttpTrigger")
        expect(got.error is None, f"after it the function fails: {got.error!r}.")
        subject.expect_no_failures(" after it")


def unconfigured(target: str) -> None:
    """Have no settings and no connection string: functions work, and what is missing is not said at each call."""
    subject = Subject.named(target)
    said: Counter[str] = Counter()
    with subject.ready(configured=False):
        for _ in range(_CALLS):
            done = run(says_ok)
            expect(done.error is None, f"the function fails: {done.error!r}.")
            said.update(str(one.msg) for one in done.logs if one.levelno >= logging.WARNING)
        subject.expect_no_failures(" without settings")
    for line, count in said.most_common(1):
        expect(count <= _REPEATED, f"{_CALLS} calls without settings warn {count} times: {line}")


def call_process(target: str) -> None:
    """Compare what belongs to the app, logging included, before and after invocations."""
    subject = Subject.named(target)
    os.environ.setdefault("AzureWebJobsScriptRoot", os.getcwd())
    process, logs = Process(), Logging()
    subject.settle()
    for one in (says_ok, fails):
        run(one)
    process.expect_unchanged("a call of it")
    logs.expect_unchanged("a call of it")


def _says_ok(req: Any, context: Any) -> str:  # noqa: ARG001 - as a function of an app has them
    return "ok"
