"""Run checks, each in a process of its own: what one breaks, hangs or crashes is no other's affair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from ext_devkit.check import catalogue
from ext_devkit.check.child import died, stuck
from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_FORKS = sys.platform == "linux"
"""Whether checks are forked from one process: with its imports done, each is there in a moment. Elsewhere a fork is not
there, or not safe once the system's libraries are in use."""

TIMEOUT = 60.0
"""Seconds that a check may take; most need less than one."""

_AT_ONCE = max(1, min(4, os.cpu_count() or 1))

_NOT_THEIRS = (
    "EXT_", "APPLICATIONINSIGHTS_", "APPINSIGHTS_", "OTEL_", "PYTEST_", "WEBSITE_", "FUNCTIONS_",
    "PYTHON_ENABLE_WORKER_EXTENSIONS", "AzureWebJobs",
)  # fmt: skip
"""Environment variables that would have an extension find settings, or an app, that are not there in a check."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class CheckFailedError(AssertionError):
    """An extension does not conform: what was seen, why that matters, and what to do."""


@dataclass(frozen=True)
class Finding:
    """How a check ended."""

    check: str
    seen: str = ""
    """What was wrong; empty if nothing was."""
    measured: str = ""
    """What was measured, if it measures something."""
    not_run: str = ""
    """Why it could not be done on this machine; empty if it was done."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.seen


@dataclass(frozen=True)
class Check:
    """One check of one extension.

    Call it: it raises CheckFailedError if the extension does not conform, and unittest.SkipTest, which pytest knows as
    well, if it cannot be done on this machine.
    """

    target: str
    entry: catalogue.Entry
    path: tuple[str, ...] = field(default=())
    settings: str = "{}"

    @property
    def name(self) -> str:
        """Its name, as in the documentation."""
        return self.entry.name

    @property
    def why(self) -> str:
        """Why it matters."""
        return self.entry.why

    def __call__(self) -> None:
        """Run it. Raises CheckFailedError."""
        finding = self.run()
        if finding.not_run:
            raise unittest.SkipTest(finding.not_run)
        if not finding.ok:
            raise CheckFailedError(
                f"{self.target} does not conform, {self.name}: {finding.seen}\n"
                f"Why it matters: {self.entry.why}\nWhat to do: {self.entry.cure}\nSee {self.entry.docs}."
            )

    def run(self, timeout: float = TIMEOUT) -> Finding:
        """Run it in a process of its own, for `timeout` seconds at most, and return how it ended."""
        started = monotonic()
        with _process([self], timeout) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                return Finding(self.name, stuck(timeout), seconds=monotonic() - started)
        answers = [one for one in map(_answer, reversed(out.splitlines())) if one is not None]
        return answers[0] if answers else Finding(self.name, died(process.returncode, err))

    def __str__(self) -> str:
        return self.name


def checks(
    target: str,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    path: Sequence[str] = (),
    configure: Mapping[str, Any] = _NOTHING,
) -> list[Check]:
    """Return the checks of an extension, named as `package.module.Class`.

    `only` and `skip` are names of checks, `path` further folders or wheels to import from, `configure` what the
    extension's `configure` is called with, or one of the function level made with: what JSON can say. Raises
    DevkitError for a name that no check has. Nothing is imported before a check is called.
    """
    known = [one.name for one in catalogue.ENTRIES]
    for name in (*only, *skip):
        if name not in known:
            raise DevkitError(f"There is no check {name!r}. There are: {', '.join(known)}.")
    chosen = [one for one in catalogue.ENTRIES if (not only or one.name in only) and one.name not in skip]
    settings = json.dumps(dict(configure))
    return [Check(target, one, tuple(map(os.path.abspath, path)), settings) for one in chosen]


def run_all(chosen: Sequence[Check], timeout: float = TIMEOUT) -> Iterator[tuple[Check, Finding]]:
    """Run the checks of one extension, some at a time, and yield how each ended, in their order.

    Each may take `timeout` seconds. If the extension cannot be imported, that is told once, and nothing else is run.
    """
    found = (_by_forks if _FORKS and len(chosen) > 1 else _by_processes)(chosen, timeout)
    for check, finding in zip(chosen, found, strict=False):
        yield check, finding
        if check.name == "import" and not finding.ok:
            return


def _by_processes(chosen: Sequence[Check], timeout: float) -> Iterator[Finding]:
    yield from (one.run(timeout) for one in chosen[:1])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda one: one.run(timeout), chosen[1:])


def _by_forks(chosen: Sequence[Check], timeout: float) -> Iterator[Finding]:
    found: dict[str, Finding] = {}
    with tempfile.TemporaryFile("w+") as err, _process(chosen, timeout, err) as process:
        assert process.stdout is not None
        for check in chosen:
            while check.name not in found:
                line = process.stdout.readline()
                answer = _answer(line)
                if answer is not None:
                    found[answer.check] = answer
                elif not line:
                    err.seek(0)
                    found[check.name] = Finding(check.name, died(process.wait(), err.read()))
            yield found[check.name]


def _process(chosen: Sequence[Check], timeout: float, err: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
    one = chosen[0]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_THEIRS)}
    found = os.pathsep.join([*one.path, *filter(None, [os.environ.get("PYTHONPATH", "")])])
    environment |= {"PYTHONPATH": found} if found else {}
    request = {
        "target": one.target, "settings": json.loads(one.settings), "checks": [each.name for each in chosen],
        "at_once": _AT_ONCE, "timeout": timeout,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "ext_devkit.check.child", json.dumps(request)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True, errors="replace",
    )  # fmt: skip


def _answer(line: str) -> Finding | None:
    return Finding(**json.loads(line)) if line.startswith('{"check": ') else None
