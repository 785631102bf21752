"""`--run`: the app is loaded in a process of its own, and what is active there is compared with its source.

With the Python of the app's `.venv`, if there is one: what is installed there is what the app has. The devkit need not
be; it comes along from where the doctor runs, with the few packages that its host needs and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ext_devkit.doctor.extensions import TELEMETRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding

_LOG_HANDLERS = ("opentelemetry.", "opencensus.")
"""Beginnings of the modules of handlers that export what the host stores as well."""

_OWN = (Path(".venv", "bin", "python"), Path(".venv", "Scripts", "python.exe"))
"""Where the app's own interpreter is, on Linux and on Windows."""

_LENT = ("ext_devkit", "starlette", "uvicorn", "anyio", "idna", "sniffio", "exceptiongroup", "typing_extensions",
         "click", "h11", "werkzeug", "markupsafe")  # fmt: skip
"""What the local host consists of, beside azure-functions, which has to be the app's."""

_PROBE = f"""
import json, sys
from importlib.machinery import PathFinder
paths = json.loads(sys.argv[3])
class Lent:
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, paths) if name in {_LENT} else None
sys.meta_path.append(Lent)
from ext_devkit.probe import main
main(sys.argv[1], sys.argv[2])
"""


@dataclass(frozen=True)
class Loaded:
    """What the process saw. `error` is why the app could not be loaded, `seconds` what loading took.

    `python` is the interpreter, below the app's folder if it is the app's own, `version` its version.
    """

    python: str
    version: str = ""
    error: str = ""
    hung: bool = False
    seconds: float = 0.0
    functions: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    sdk: bool = False
    handlers: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What extensions say of app settings that they do not allow."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        return asdict(self)


def load(case: Case, seconds: float) -> Loaded:
    """Load the app as the local host does, in a process of its own that is ended after so many seconds."""
    environment = {**os.environ, **(case.settings.values if case.settings.complete else {})}
    own = next((one for one in _OWN if (case.app / one).is_file()), None)
    python = str(case.app / own) if own else sys.executable
    shown = own.as_posix() if own else python
    with tempfile.TemporaryDirectory(prefix="azfunc-ext-doctor-") as folder:
        answer = Path(folder) / "answer.json"
        paths = json.dumps([str(Path(one).absolute()) for one in sys.path])
        try:
            process = subprocess.Popen(
                [python, "-c", _PROBE, str(case.app), str(answer), paths],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return Loaded(shown, error=f"{shown} cannot be started: {error.strerror}. Make .venv anew.")
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return Loaded(shown, hung=True, seconds=seconds)
        if answer.exists():
            return Loaded(shown, **json.loads(answer.read_text("utf-8")))
        last = (errors.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        if own and last.startswith("ModuleNotFoundError"):
            last += f". Install requirements.txt with {shown} -m pip; azfunc-ext-devkit too, if that is not enough."
        return Loaded(shown, error=f"the process ended with status {process.returncode}: {last}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def check_loaded(case: Case, loaded: Loaded, known: set[str]) -> Iterator[Finding]:
    """Yield what only the loaded app shows; `known` are the findings that its source has shown already."""
    place = case.modules[0].shown if case.modules else str(case.app.name)
    if loaded.hung:
        yield case.finding("import-hangs", place, f"It was ended after {loaded.seconds:g} s.")
        return
    if loaded.error:
        yield case.finding("import-fails", place, loaded.error)
        return
    for line in loaded.said:
        yield case.finding("said-at-load", place, line)
    for line in loaded.refused if "bad-app-setting" not in known else ():
        setting = next((name for name in case.settings.values if name in line), "")
        yield case.finding("bad-app-setting", case.settings.place(setting), line)
    if loaded.sdk and "extensions-switched-off" not in known:
        for key in case.found.active:
            extension = case.found.extensions.get(key)
            if extension and case.found.certain(key) and extension.name not in loaded.active:
                reason = f"{extension.name} is imported, and not among the active ones."
                yield case.finding("not-active", case.found.active[key], reason)
    exporting = [name for name in loaded.handlers if name.startswith(_LOG_HANDLERS)]
    if exporting and "logs-twice" not in known and not case.of_opentelemetry and TELEMETRY not in case.found.active:
        yield case.finding("logs-twice", place, f"The root logger has {exporting[0]}, and the host stores its lines.")
