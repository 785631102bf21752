"""The demo from its beginning to its end: start, call, wait, show, and last until somebody ends it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from ext_devkit.demo.arrival import wait_for_telemetry
from ext_devkit.demo.calls import calls
from ext_devkit.demo.signals import Signals, Stopped
from ext_devkit.demo.stage import APP, Stage, running
from ext_devkit.errors import DevkitError
from ext_devkit.insights.console import print_transaction
from ext_devkit.insights.transaction import Transaction
from ext_devkit.waiting import wait_for

if TYPE_CHECKING:
    from ext_devkit.demo.calls import Call

TIMEOUT = 30.0
"""Seconds until telemetry that has not arrived counts as lost; it usually takes one."""

PICTURE_WIDTH = 96


@dataclass(frozen=True)
class Options:
    """What the command line says; a port of None means the usual one, or a free one when that is busy."""

    once: bool
    port: int | None
    insights_port: int | None
    db: Path | None
    picture: Path | None


def play(options: Options) -> None:
    """Run the demo. Ctrl-C and SIGTERM end it in order, wherever it is; then this returns as after `once`."""
    try:
        with Signals() as signals, ExitStack() as stack:
            try:
                with signals.held():
                    stage = stack.enter_context(running(options.port, options.insights_port, options.db))
                _perform_explained(stage, options)
                if not options.once:
                    stage.log.open()
                    wait_for(threading.Event())  # until a signal raises Stopped
            finally:
                signals.ignore()
    except Stopped:
        print("\nEnded.", file=sys.stderr)


def _perform_explained(stage: Stage, options: Options) -> None:
    """Perform; show the function app's log if that fails."""
    try:
        _perform(stage, options)
    except DevkitError:
        sys.stderr.write(stage.log.getvalue())
        raise


def _perform(stage: Stage, options: Options) -> None:
    console = _console(options.picture)
    _introduce(console, stage)
    sent = calls()
    for call in sent:
        _send(console, stage, call)
    with Status("", console=Console(stderr=True)) as status:
        wait_for_telemetry(
            stage.insights.store,
            sent,
            TIMEOUT,
            lambda complete: status.update(f"Waiting for telemetry: {complete} of {len(sent)} operations are complete"),
        )
    for call in sent:
        console.print()
        print_transaction(console, Transaction.read(stage.insights.store, call.operation_id))
    if options.picture is not None:
        from ext_devkit.demo.picture import save_picture

        save_picture(console, options.picture)
    if not options.once:
        _invite(console, stage, sent)


def _console(picture: Path | None) -> Console:
    if picture is None:
        return Console(highlight=False, markup=False, emoji=False)
    return Console(highlight=False, markup=False, emoji=False, record=True, width=PICTURE_WIDTH, force_terminal=True)


def _introduce(console: Console, stage: Stage) -> None:
    for note in stage.notes:
        console.print(note, style="yellow")
    console.print(f"Local Application Insights  {stage.insights.url}")
    console.print(f"Function app                {stage.app_url}")
    console.print()


def _send(console: Console, stage: Stage, call: Call) -> None:
    try:
        answer = call.send(stage.app_port)
    except OSError as error:
        raise DevkitError(f"GET {call.path} got no answer from the function app: {error}. Its log is above.") from error
    first_line = answer.text.partition("\n")[0]
    console.print(f"GET {call.path:<16} {answer.status}  {first_line or '(no body)':<18}  # {call.shows}")
    if answer.status != call.status:
        raise DevkitError(
            f"GET {call.path} was answered with status {answer.status} in place of {call.status}. "
            "The function app's log, printed above, says why."
        )


def _invite(console: Console, stage: Stage, sent: list[Call]) -> None:
    look = f"{_typed()} transactions --db {shlex.quote(str(stage.insights.store.path.absolute()))}"
    console.print("\nEverything keeps running. Send requests:", style="bold")
    for call in sent:
        console.print(f"  curl -i {stage.app_url}{call.path}", soft_wrap=True)
    console.print("and look at what they did:", style="bold")
    console.print(f"  {look}", soft_wrap=True)
    console.print(f"  {look} {sent[0].operation_id[:8]}", soft_wrap=True)
    console.print(f"The app's code: {APP / 'function_app.py'}", soft_wrap=True)
    console.print("An app of your own reports here with", soft_wrap=True)
    console.print(
        f"  APPLICATIONINSIGHTS_CONNECTION_STRING={shlex.quote(stage.insights.connection_string)}", soft_wrap=True
    )
    console.print("Ctrl-C ends it.")


def _typed() -> str:
    """Return `azfunc-ext` as it has to be typed here: with its folder if that is not on the PATH."""
    beside_python = Path(sys.executable).with_name("azfunc-ext")
    if shutil.which("azfunc-ext") is not None or not beside_python.exists():
        return "azfunc-ext"
    return shlex.quote(os.path.relpath(beside_python))
