"""The process of a check, or the one that has all checks forked from it: `python -m ext_devkit.check.child REQUEST`.

REQUEST is JSON: the `target`, its `settings`, the `checks` by name, how many run `at_once`, and the `timeout` of each
in seconds. What each ended with is printed as a line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ext_devkit.check import catalogue, subject
from ext_devkit.check.seen import NotHereError, SeenError
from ext_devkit.check.subject import NoSubjectError
from ext_sdk.errors import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOOK = 0.005


def main(request: str) -> None:
    """Run the checks that are asked for."""
    asked = json.loads(request)
    subject.settings.update(asked["settings"])
    # Kept for the answers: what the extension prints goes where it always goes.
    answers = os.fdopen(os.dup(1), "w")
    names = asked["checks"]
    if len(names) == 1:
        found: Iterable[dict[str, Any]] = [_answer(asked["target"], names[0])]
    else:
        found = _forked([_Fork(asked["target"], name, asked["timeout"]) for name in names], asked["at_once"])
    for answer in found:
        print(json.dumps(answer), file=answers, flush=True)
    # Not by way of the interpreter's exit, which is a check of its own.
    os._exit(0)


def _answer(target: str, name: str) -> dict[str, Any]:
    """Run a check in this process, and tell what was seen; nothing if the extension conforms."""
    answer: dict[str, Any] = {"check": name, "seen": ""}
    started = time.monotonic()
    try:
        entry = next(one for one in catalogue.ENTRIES if one.name == name)
        answer["measured"] = entry.run(target) or ""
    except SeenError as error:
        answer["seen"] = str(error)
    except NotHereError as error:
        answer["not_run"] = str(error)
    except (NoSubjectError, ModuleNotFoundError) as error:
        answer["seen"] = f"it cannot be imported: {error}"
    except BaseException as error:
        answer["seen"] = f"{type(error).__name__}: {said(error)}"
    return answer | {"seconds": time.monotonic() - started}


def _forked(waiting: list[_Fork], at_once: int) -> Iterator[dict[str, Any]]:
    """Run each check in a fork of this process, which has imported all but the extension.

    The first one alone if it is the import: what cannot be imported fails everything else too.
    """
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        if waiting[0].name == "import":
            (first,) = _each(waiting[:1], 1, folder)
            yield first
            waiting = [] if first["seen"] else waiting[1:]
        yield from _each(waiting, at_once, folder)


def _each(waiting: list[_Fork], at_once: int, folder: str) -> Iterator[dict[str, Any]]:
    running: list[_Fork] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(waiting.pop(0))
            running[-1].start(Path(folder))
        time.sleep(_LOOK)
        for one in list(running):
            answer = one.answer()
            if answer is not None:
                running.remove(one)
                yield answer


@dataclass
class _Fork:
    """A check in a process of its own."""

    target: str
    name: str
    limit: float
    folder: Path = Path()
    pid: int = 0
    started: float = 0.0

    def start(self, folder: Path) -> None:
        self.folder = folder
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid:
            return
        said = os.open(self._file("said"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.close(said)
        answer = _answer(self.target, self.name)
        self._file("answer").write_text(json.dumps(answer), "utf-8")
        os._exit(0)

    def answer(self) -> dict[str, Any] | None:
        """Return what it answered once it has; it has an end after the time that its check may take."""
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        took = time.monotonic() - self.started
        if ended and self._file("answer").exists():
            found: dict[str, Any] = json.loads(self._file("answer").read_text("utf-8"))
            return found
        if ended:
            seen = died(os.waitstatus_to_exitcode(status), self._file("said").read_text("utf-8", "replace"))
        elif took > self.limit:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            seen = stuck(self.limit)
        else:
            return None
        return {"check": self.name, "seen": seen, "seconds": took}

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"


def died(status: int | None, said: str) -> str:
    """Return what to say of a process that gave no answer."""
    last = (said.strip().splitlines() or ["nothing was said"])[-1]
    return f"its process ended with status {status}: {last}"


def stuck(limit: float) -> str:
    """Return what to say of a check that took longer than it may."""
    return f"it was not done after {limit:g} s: something in it does not return."


if __name__ == "__main__":
    main(sys.argv[1])
