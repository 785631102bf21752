"""All checks: what each is called, why it matters, what to do, and what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ext_devkit.check import at_import, calls, costs, crowds, ends, real, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Entry:
    """One check."""

    name: str
    run: Callable[[str], str | None]
    """Takes the target, raises SeenError or NotHereError, and may return what was measured."""
    why: str
    cure: str

    @property
    def docs(self) -> str:
        """Where it is described."""
        return f"docs/reference/check.md#{self.name}"


ENTRIES = [
    Entry(
        "import", at_import.imports,
        "An app that imports it must start; hooks that cannot work are errors when the class is defined.",
        "Mend what the message names. An import must not end the process.",
    ),
    Entry(
        "import-time", at_import.time,
        "Every cold start of every app pays for it.",
        "Import heavy modules inside of the functions that need them, at the first invocation.",
    ),
    Entry(
        "import-network", at_import.network,
        "A worker may have no network yet at that time, and an app that waits for it starts late or not at all.",
        "Connect at the first invocation, or in a thread of your own.",
    ),
    Entry(
        "import-threads", at_import.threads,
        "A worker may fork or be specialised after the import: threads are not there in the child.",
        "Start a thread when there is something for it to do.",
    ),
    Entry(
        "import-process", at_import.process,
        "Environment, working directory, signal handlers, warnings and the import path belong to the app.",
        "Keep your settings to yourself; use the hook shutdown() for the end.",
    ),
    Entry(
        "import-logging", at_import.logging_setup,
        "The worker sends the app's log to the host by the root logger, and the app sets its levels.",
        "Log to a logger of your own, and leave handlers that write and all levels to the app.",
    ),
    Entry(
        "import-output", at_import.output,
        "What is printed is a line in the app's log, at every start.",
        "Log it, at level DEBUG.",
    ),
    Entry(
        "reload", at_import.reload,
        "Workers import an app's modules again, and v1 apps can have a module under two names.",
        "Do nothing at import that adds to what was done before.",
    ),
    Entry(
        "real-worker", real.runtimes,
        "The other checks simulate the workers; these are the ones that Azure runs, of Python 3.13 and later.",
        "Run the function in an app of your own on this worker, and look at its log.",
    ),
    Entry(
        "result", calls.result,
        "The caller has to get what the function returned.",
        "Leave outcome.result alone, unless it is the extension's purpose to change it: then skip this check.",
    ),
    Entry(
        "exception", calls.exception,
        "Retries, status codes and alerts depend on the function's own exception.",
        "Do not swallow it, and do not put another in its place; `outcome.error` is there to be looked at.",
    ),
    Entry(
        "cancellation", calls.cancellation,
        "CancelledError and SystemExit end tasks and processes; who keeps them back hangs the worker.",
        "Catch Exception, not BaseException, and let the rest go on.",
    ),
    Entry(
        "arguments", calls.arguments,
        "The function has to receive what the host sent.",
        "Leave invocation.args alone, unless it is the extension's purpose to change them: then skip this check.",
    ),
    Entry(
        "hooks", calls.hooks,
        "A hook that fails is logged once, counted, and after five failures in a row the extension is left out.",
        "Mend the hook; test it with ext_sdk.testing.run.",
    ),
    Entry(
        "triggers", calls.triggers,
        "An app-level extension sees every function of the app, whatever starts it.",
        "Look at invocation.trigger.type before the trigger's value is read.",
    ),
    Entry(
        "hostile", calls.hostile,
        "There may be no trace context, no trigger, a Context that takes no attributes, values that cannot be shown.",
        "Expect each to be missing; never call str() or repr() of what is not yours without a net.",
    ),
    Entry(
        "threads", crowds.threads,
        "Sync functions run in several threads at once.",
        "Keep what belongs to an invocation in invocation.attributes, not in the class; hold no lock at the yield.",
    ),
    Entry(
        "coroutines", crowds.coroutines,
        "Async functions run at the same time in one thread.",
        "Keep what belongs to an invocation in invocation.attributes; a threading.local is shared by all of them.",
    ),
    Entry(
        "context-variables", crowds.context_variables,
        "What stays in a context variable is there in the next thing that the task or thread does.",
        "Reset what you set: token = variable.set(...), and variable.reset(token) after the yield.",
    ),
    Entry(
        "switched-off", surroundings.switched_off,
        "PYTHON_ENABLE_WORKER_EXTENSIONS=0 is how people find out whether an extension is at fault.",
        "Do nothing outside of hooks; what functions use on `context` has its place in `stand_ins`.",
    ),
    Entry(
        "environment", surroundings.environment,
        "A worker that was started early gets its app, and its settings, afterwards.",
        "Read app settings when they are needed, by `cls.settings()`, not at import.",
    ),
    Entry(
        "unconfigured", surroundings.unconfigured,
        "On a developer's machine, and in tests, there is no connection string; a line for each call buries the log.",
        "Do nothing without settings, and say once what is missing.",
    ),
    Entry(
        "call-process", surroundings.call_process,
        "Environment, signal handlers and logging belong to the app, also once functions are invoked.",
        "Keep your settings to yourself, log to a logger of your own; use the hook shutdown() for the end.",
    ),
    Entry(
        "blocking", costs.blocking,
        "Hooks of async functions run on the event loop: while one waits, no other invocation goes on.",
        "Hand what takes long to a thread of your own, and deliver in shutdown().",
    ),
    Entry(
        "call-cost", costs.call,
        "Every invocation pays for it.",
        "Profile a call; do what is the same for each once.",
    ),
    Entry(
        "memory", costs.memory,
        "A worker runs for days.",
        "Bound what is kept; keep no invocation, argument or exception after its end.",
    ),
    Entry(
        "call-threads", costs.threads,
        "A thread for each call exhausts the process under load.",
        "Use one thread with a bounded queue.",
    ),
    Entry(
        "descriptors", costs.descriptors,
        "A process has a thousand or so; then no connection can be made any more.",
        "Close what you open, or open it once.",
    ),
    Entry(
        "shutdown", ends.shutdown,
        "All extensions share the seconds at the end: one that takes longer than it was given takes them from others.",
        "Deliver within `timeout`, and give up then: return False.",
    ),
    Entry(
        "fork", ends.fork,
        "A child process has the locks of its parent's threads, and not the threads.",
        "Renew locks and threads with os.register_at_fork.",
    ),
    Entry(
        "sigterm", ends.sigterm,
        "The host gives a worker about five seconds.",
        "Deliver in shutdown(timeout), within the seconds that it is given.",
    ),
    Entry(
        "exit", ends.leaves,
        "A process that does not end is killed, and what it holds is lost.",
        "Make threads daemons, and deliver in shutdown(timeout).",
    ),
]  # fmt: skip
