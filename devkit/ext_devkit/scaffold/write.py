"""Writes the files of a new package: all of them or none, and never over one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write files, by path and text, into a folder that does not exist or has at most `.git` in it.

    Raises DevkitError if there is something else, or if it cannot be written; what was made by then is taken away.
    """
    made: list[Path] = []
    try:
        check_empty(folder)
        for name, text in files.items():
            path = folder / name
            _make(path.parent, made)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        _take_away(made)
        if isinstance(error, OSError):
            raise DevkitError(
                f"{error.filename or folder} cannot be written: {error.strerror or error}. Nothing was left behind; "
                "name another folder with --output."
            ) from error
        raise


def check_empty(folder: Path) -> None:
    """Raise DevkitError if a package cannot be written there, because of what is there already."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise DevkitError(f"{folder} exists and is no folder. Name another with --output, or take it away.")
    there = sorted(entry.name for entry in folder.iterdir() if entry.name != ".git")
    if there:
        named = ", ".join(there[:3]) + (" and more" if there[3:] else "")
        raise DevkitError(
            f"{folder} has {named} in it, and nothing is written over. Name another folder with --output."
        )


def _make(folder: Path, made: list[Path]) -> None:
    if not folder.is_dir():
        _make(folder.parent, made)
        folder.mkdir()
        made.append(folder)


def _take_away(made: list[Path]) -> None:
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() else path.unlink()
        except OSError:
            continue  # somebody else has put a file there meanwhile, which stays
