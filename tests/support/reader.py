"""A reader who follows a page to the letter: writes its files, types its commands, looks whether it says what it shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 120.0
"""Seconds that a command may take."""

PORT = "7071"
"""What pages call the port of a function app; whoever follows them here takes a free one."""

_BLOCK = re.compile(r"^```(\{code-block\} )?(\w+)\n((?::\w+: [^\n]*\n)*)(.*?)^```$", re.DOTALL | re.MULTILINE)


class Reader:
    """Follows a page in a folder, in one shell; a context manager.

    A `console` block is typed, line by line. A code block with a caption is the whole content of that file, one with
    the class `part-of-FILE` must stand in that file. A `text` block shows lines that must have been printed since the
    last command but one; numbers may differ. A command fails if and only if what is shown of it says "failed".
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        commands = folder / ".commands"
        commands.mkdir(parents=True)
        # The Python of these tests, which need not be the one that a machine calls python3.
        (commands / "python3").write_text(f'#!/bin/sh\nexec "{sys._base_executable}" "$@"\n')  # type: ignore[attr-defined]
        (commands / "python3").chmod(0o755)
        self.folder = folder
        self._log = folder / ".run.log"
        self._printed = ""
        self._serves = False
        self._port = _free_port()
        self._shell = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**environment, "HOME": str(folder), "PATH": f"{commands}:/usr/bin:/bin", "COLUMNS": "120"},
        )  # fmt: skip

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._serves:
            self._end_serving()
        self._shell.communicate()

    def follow(self, page: Path) -> None:
        """Do all that the page says. Raises AssertionError, with what was printed, where it does not go as it says."""
        blocks = [found.groups() for found in _BLOCK.finditer(page.read_text("utf-8"))]
        for number, (_, language, options, text) in enumerate(blocks):
            following = blocks[number + 1] if number + 1 < len(blocks) else ("", "", "", "")
            if language == "console":
                fails = following[1] == "text" and " failed" in following[3]
                self._type(text, fails=fails)
            elif language == "text":
                self._compare(text)
            elif caption := re.search(r":caption: (\S+)", options):
                self.path(caption[1]).write_text(text, "utf-8")
            elif part := re.search(r":class: part-of-(\S+)", options):
                assert text in self.path(part[1]).read_text("utf-8"), f"This is not in {part[1]}:\n{text}"

    def path(self, name: str) -> Path:
        """Return the path of a file that is named from where the reader is."""
        return Path(self._do("pwd")[1].strip()) / name

    def _type(self, text: str, *, fails: bool) -> None:
        self._printed = ""
        for line in re.findall(r"^\$ (.*)", text, re.MULTILINE):
            if line.startswith("azfunc-ext run "):
                self._serve(line)
            elif line.startswith("curl "):
                url = line.split()[-1].replace(PORT, str(self._port))
                self._printed += urllib.request.urlopen(url, timeout=PATIENCE).read().decode()
            else:
                if self._serves:
                    self._end_serving()
                status, printed = self._do(line)
                self._printed += printed
                assert bool(status) == fails, f"$ {line}\n{printed}\nended with status {status}"

    def _serve(self, line: str) -> None:
        self._log.touch()  # the shell goes on before it makes it
        self._do(f"{line} --port {self._port} > {self._log} 2>&1 &")
        self._serves = True
        self._wait_for("Press Ctrl-C")

    def _end_serving(self) -> None:
        status, _ = self._do("kill %1 && wait %1")
        self._serves = False
        assert status == 0, self._log.read_text("utf-8")

    def _wait_for(self, line: str) -> None:
        ends = time.monotonic() + PATIENCE
        while _plain(line) not in _plain(self._log.read_text("utf-8")):
            assert time.monotonic() < ends, f"{line!r} is not in\n{self._log.read_text('utf-8')}"
            time.sleep(0.05)

    def _compare(self, text: str) -> None:
        for line in text.splitlines():
            if self._serves:
                self._wait_for(line)
            else:
                assert _plain(line) in _plain(self._printed), f"{line!r} is not in\n{self._printed}"

    def _do(self, line: str) -> tuple[int, str]:
        """Have the shell do something; return its status, and what was printed."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f'{line}\nended=$?; echo; echo "<ended $ended>"\n')
        self._shell.stdin.flush()
        printed = ""
        for one in self._shell.stdout:
            if ended := re.fullmatch(r"<ended (\d+)>\n", one):
                return int(ended[1]), printed.removesuffix("\n")
            printed += one
        raise AssertionError(f"The shell is gone after {line!r}:\n{printed}")


def _plain(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "0", re.sub(r"\x1b\[[0-9;]*m", "", text))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return the environment without what would have an effect on Python and pip."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}
