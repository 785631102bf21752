"""The table of the conformance suite: which functions there are, and what has to be seen of each on every worker.

A row is a function of an app; its columns are the fields of `Row`. `ENDINGS` says, once for all rows, how a function
ends and what that means for its caller and for its extensions; `why_absent` says which rows there cannot be, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

KINDS = ("classic", "runtime", "proxy", "devkit")
"""The workers. `runtime` is two: azure-functions-runtime for v2 apps, azure-functions-runtime-v1 for v1 apps."""

MODELS = ("v1", "v2")
LEVELS = ("app", "file", "named", "under", "above", "blueprint")
"""Which extensions a function has: the app's alone, or one of its own as well, and how that was given to it.

`file` is Audit(__file__), `named` is Audit(function="name"), `under` is @audit under @app.route, `above` is above it,
and `blueprint` is @audit under @blueprint.route.
"""


@dataclass(frozen=True)
class Ending:
    """How a function ends. `sync` and `asynchronous` are the last lines of its body, where the two differ."""

    sync: str
    asynchronous: str = ""
    error: str = ""
    """What the host reports as the function's error; empty if it returns."""

    raised: str = "None"
    """What the extensions see as `outcome.error`."""

    answered: bool = True
    """Whether the real workers answer the host at all."""

    result: str = "HttpResponse"
    """The type of what it returns."""

    body: str = "{name} {q}"


ENDINGS = {
    "returns": Ending("return func.HttpResponse(f\"{name} {req.params['q']}\")"),
    "raises": Ending('raise ValueError("boom")', error="ValueError: boom", raised="ValueError('boom')"),
    "cancelled": Ending(
        "raise asyncio.CancelledError",
        "asyncio.current_task().cancel()\nawait asyncio.sleep(60)",
        error="CancelledError: ",
        raised="CancelledError()",
        answered=False,
    ),
    "stops": Ending('raise Stop("boom")', error="Stop: boom", raised="Stop('boom')", answered=False),
    "streams": Ending(
        "return StreamingResponse(chunks(current_id()))", result="StreamingResponse", body="one two three "
    ),
}
"""`cancelled` and `stops` raise what is no Exception: the workers catch none of it and never answer the host
(azure_functions_worker/dispatcher.py `_handle__invocation_request`, azure_functions_runtime/handle_event.py
`invocation_request`); the devkit's host answers that the function failed."""


@dataclass(frozen=True)
class Row:
    """One function."""

    model: str
    level: str
    is_async: bool
    ends: str
    wants_context: bool
    has_out: bool

    @property
    def name(self) -> str:
        parts = [self.ends, "async" if self.is_async else "sync", self.level]
        parts += ["context"] * self.wants_context + ["out"] * self.has_out
        return "_".join(parts)

    @property
    def ending(self) -> Ending:
        return ENDINGS[self.ends]

    @property
    def hooks(self) -> list[str]:
        """What has to happen in an invocation, in this order and once each."""
        last = "failed" if self.ending.error else "post"
        inside = ["function"]
        if self.level != "app":
            inside = ["audit pre", "audit in", "function", "audit out", f"audit {last}"]
        produced = ["body"] if self.ends == "streams" else []
        return ["pre", "in", *inside, "out", last, *produced]

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments that the extensions see."""
        return ["req", *["context"] * self.wants_context, *["message"] * self.has_out]


def why_absent(row: Row) -> str:
    """Return why there is no such function; nothing if there is."""
    if row.model == "v1" and row.level in ("named", "under", "above", "blueprint"):
        return "the v1 model has no decorators, and a function's folder names it: Audit(__file__)"
    if row.model == "v2" and row.level == "file":
        return "in the v2 model one file holds many functions, so __file__ names none"
    if row.model == "v1" and row.ends == "streams":
        return (
            "HTTP streaming is of the v2 model: runtime-v1 has none, and the classic worker looks for FastAPI types "
            "when it indexes, which it does not do for v1 apps"
        )
    return ""


COMBINATIONS = [
    Row(*fields) for fields in product(MODELS, LEVELS, (False, True), ENDINGS, (False, True), (False, True))
]
ROWS = [row for row in COMBINATIONS if not why_absent(row)]


def rows(model: str, *, streams: bool = False) -> list[Row]:
    """Return the rows of one app; FastAPI types change how a worker serves a whole app, so they have one of their own."""
    return [row for row in ROWS if row.model == model and (row.ends == "streams") == streams]


def plain(model: str, *endings: str) -> list[Row]:
    """Return rows for what is not about the table's columns: sync and async, with context, the app's extensions alone."""
    return [Row(model, "app", is_async, ends, True, False) for ends in endings for is_async in (False, True)]
