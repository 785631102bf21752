"""What belongs to the app and not to an extension: compared before and after."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from typing import Any

from ext_devkit.check.seen import expect


class Process:
    """The process as it is now."""

    def __init__(self) -> None:
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        self._environment, self._folder = dict(os.environ), os.getcwd()
        self._path, self._filters = list(sys.path), list(warnings.filters)

    def expect_unchanged(self, culprit: str) -> None:
        """Raise SeenError if something is different; `culprit` has done it, such as "its import"."""
        before = self._environment
        changed = [name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)]
        expect(not changed, f"{culprit} changes the environment: {', '.join(sorted(changed))}.")
        expect(os.getcwd() == self._folder, f"{culprit} changes the working directory to {os.getcwd()}.")
        expect(sys.path == self._path, f"{culprit} changes sys.path.")
        replaced = [number.name for number, one in self._handlers.items() if _is_foreign(signal.getsignal(number), one)]
        expect(not replaced, f"{culprit} replaces the handler of {', '.join(replaced)}.")
        added: list[Any] = [one for one in warnings.filters if one not in self._filters]
        silenced = any(one[0] in ("ignore", "error") and one[1] is None and one[2] is Warning for one in added)
        expect(not silenced, f"{culprit} silences all warnings, or makes errors of them.")


class Logging:
    """What the app and its worker have set up, with a handler as the worker's is."""

    def __init__(self) -> None:
        self._root = logging.getLogger()
        self._theirs = logging.NullHandler()
        self._root.addHandler(self._theirs)
        self._handlers, self._level = list(self._root.handlers), self._root.level
        self._disabled = logging.root.manager.disable

    def expect_unchanged(self, culprit: str) -> None:
        """Raise SeenError if something is different."""
        root = self._root
        expect(self._theirs in root.handlers, f"{culprit} removes the worker's handler from the root logger.")
        writing = [one for one in root.handlers if one not in self._handlers and isinstance(one, logging.StreamHandler)]
        expect(not writing, f"{culprit} adds a handler that writes to the root logger: {writing[:1]}.")
        level = logging.getLevelName(root.level)
        expect(root.level == self._level, f"{culprit} sets the root logger's level to {level}.")
        expect(logging.root.manager.disable == self._disabled, f"{culprit} disables logging.")


def _is_foreign(now: Any, before: Any) -> bool:
    """Whether another handler is there than before, and not ext_sdk's, which passes signals on."""
    return now != before and not getattr(now, "__module__", "").startswith("ext_sdk")
