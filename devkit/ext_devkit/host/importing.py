"""Imports of the app's code, where each way to fail becomes one line with the file, the line and the cure."""

from __future__ import annotations

import importlib
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_NATIVE_SIGNS = (
    "cannot open shared object file",
    "invalid ELF header",
    "dlopen",
    "DLL load failed",
    "undefined symbol",
)


def import_app_module(name: str, app: Path, file: str) -> ModuleType:
    """Import a module of the app; `file` is what errors call it."""
    with explained(app, file):
        return importlib.import_module(name)


@contextmanager
def explained(app: Path, file: str) -> Iterator[None]:
    """Turn what the app's code raises while it is imported into a DevkitError."""
    try:
        yield
    except (DevkitError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        raise DevkitError(_syntax_error(error, app, file)) from error
    except ModuleNotFoundError as error:
        raise DevkitError(_missing_module(error, app, file)) from error
    except ImportError as error:
        raise DevkitError(_import_error(error, app, file)) from error
    except BaseException as error:  # SystemExit and the like are no end of the host's
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DevkitError(f"{_place(error, app, file)}: {_one_line(what)}. The app could not be imported.") from error


def is_code_of(app: Path, path: Path) -> bool:
    """Say whether a file is the app's own, and not of a package that is installed inside its folder, as in `.venv`."""
    return app in path.parents and "site-packages" not in path.parts


def _syntax_error(error: SyntaxError, app: Path, file: str) -> str:
    where = _shown(error.filename, app) if error.filename else file
    line = f":{error.lineno}" if error.lineno is not None else ""
    return f"{where}{line}: syntax error: {error.msg}. Mend the line and start again."


def _missing_module(error: ModuleNotFoundError, app: Path, file: str) -> str:
    name = error.name or str(error)
    place = _place(error, app, file)
    top = name.removeprefix("__app__.").partition(".")[0]
    if (app / top).is_dir() or (app / f"{top}.py").exists() or name.startswith("__app__"):
        return f"{place}: there is no module {name!r} in the app. Check its name and its folder."
    advice = f"Run `pip install -r requirements.txt` for this Python ({sys.executable})."
    if not _is_required(top, app):
        advice = f"Add its package to requirements.txt. {advice}"
    return f"{place}: the module {name!r} is not installed. {advice}"


def _import_error(error: ImportError, app: Path, file: str) -> str:
    message = f"{_place(error, app, file)}: {_one_line(str(error))}."
    if any(sign in str(error) for sign in _NATIVE_SIGNS):
        return f"{message} A native library does not fit this machine: reinstall the package here, with pip."
    return f"{message} Check the name and the package's version."


def _is_required(module: str, app: Path) -> bool:
    try:
        text = (app / "requirements.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    names = [line.strip().lower().replace("_", "-") for line in text.splitlines()]
    return any(name.startswith(module.lower().replace("_", "-")) for name in names)


def _place(error: BaseException, app: Path, file: str) -> str:
    """Return file and line of the innermost line of the app that is in the traceback."""
    place = file
    for frame in traceback.extract_tb(error.__traceback__):
        if is_code_of(app, Path(frame.filename)):
            place = f"{_shown(frame.filename, app)}:{frame.lineno}"
    return place


def _shown(filename: str, app: Path) -> str:
    path = Path(filename)
    return path.relative_to(app).as_posix() if app in path.parents else filename


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
