"""Run checks, each in a process of its own: what one breaks, hangs or crashes is no other's affair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ext_devkit.check import catalogue
from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

TIMEOUT = 30.0
"""Seconds that a check may take. The slowest ones here take five."""

DOCS = "docs/reference/check.md"

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class CheckFailedError(AssertionError):
    """An extension does not conform: what was seen, why that matters, and what to do."""


@dataclass(frozen=True)
class Finding:
    """How a check ended."""

    check: str
    ok: bool
    seen: str = ""
    """What was wrong; empty if nothing was."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Check:
    """One check of one extension. Call it: it raises CheckFailedError if the extension does not conform."""

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
        if not finding.ok:
            raise CheckFailedError(
                f"{self.target} does not conform, {self.name}: {finding.seen}\n"
                f"Why it matters: {self.entry.why}\nWhat to do: {self.entry.cure}\nSee {DOCS}#{self.name}."
            )

    def run(self, timeout: float = TIMEOUT) -> Finding:
        """Run it in a process of its own and return how it ended."""
        started = monotonic()
        seen = _in_child(self, timeout)
        return Finding(self.name, not seen, seen, monotonic() - started)

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
    extension's `configure` is called with: what JSON can say. Raises DevkitError for a name that no check has. Nothing
    is imported before a check is called.
    """
    known = [one.name for one in catalogue.ENTRIES]
    for name in (*only, *skip):
        if name not in known:
            raise DevkitError(f"There is no check {name!r}. There are: {', '.join(known)}.")
    chosen = [one for one in catalogue.ENTRIES if (not only or one.name in only) and one.name not in skip]
    settings = json.dumps(dict(configure))
    return [Check(target, one, tuple(map(os.path.abspath, path)), settings) for one in chosen]


def _in_child(check: Check, timeout: float) -> str:
    """Return what is wrong; nothing if the extension conforms."""
    environment = {
        key: value for key, value in os.environ.items()
        if not key.startswith(("EXT_", "APPLICATIONINSIGHTS_", "APPINSIGHTS_", "OTEL_", "PYTEST_", "WEBSITE_"))
    }  # fmt: skip
    found = os.pathsep.join([*check.path, *filter(None, [os.environ.get("PYTHONPATH", "")])])
    environment |= {"PYTHONPATH": found} if found else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "ext_devkit.check.child", check.target, check.name, check.settings],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"it was not done after {timeout:g} s: something in it does not return."
    answer = _answer(out)
    if answer is None:
        last = (err.strip().splitlines() or ["nothing was said"])[-1]
        return f"its process ended with status {process.returncode}: {last}"
    return answer


def _answer(out: str) -> str | None:
    """Return what the child said at last; None if it said nothing."""
    for line in reversed(out.splitlines()):
        if line.startswith('{"seen": '):
            seen: str = json.loads(line)["seen"]
            return seen
    return None
