"""Function apps on disk, in the v1 and the v2 programming model, from one description of their functions."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.workers.table import Row

MODULES = Path(__file__).with_name("modules")

IMPORTS = """
import asyncio, logging
import azure.functions as func
from notes import current_id, note
"""


@dataclass(frozen=True)
class Function:
    """A function with an HTTP trigger `req`. `source` defines `{def_name}`; `level` is one of the table's."""

    name: str
    source: str
    has_out: bool = False
    level: str = "app"
    own: str = "recorder.Audit"
    """The function's own extension, unless its level is `app`."""

    def v1(self) -> dict[str, str]:
        """Return its files."""
        bindings: list[dict[str, Any]] = [
            {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", "route": self.route},
            {"type": "http", "direction": "out", "name": "$return"},
        ]
        if self.has_out:
            bindings.append({"type": "queue", "direction": "out", "name": "message", "queueName": "q"})
        module = self.own.partition(".")[0]
        audit = f"import {module}\naudit = {self.own}(__file__)\n" if self.level == "file" else ""
        return {
            f"{self.name}/function.json": json.dumps({"bindings": bindings}),
            f"{self.name}/__init__.py": IMPORTS + audit + self.source.replace("{def_name}", "main"),
        }

    def v2(self, app: str) -> str:
        """Return its definition, decorated."""
        audit = f"audit_{self.name}"
        given = f'function="{self.name}"' if self.level == "named" else ""
        made = "" if self.level == "app" else f"\n{audit} = {self.own}({given})\n"
        out = f'@{app}.queue_output(arg_name="message", queue_name="q", connection="Q")\n' if self.has_out else ""
        above = f"@{audit}\n" if self.level == "above" else ""
        under = f"@{audit}\n" if self.level in ("under", "blueprint") else ""
        route = f'@{app}.route(route="{self.route}")\n'
        return made + above + route + out + under + self.source.replace("{def_name}", self.name)

    @property
    def route(self) -> str:
        return f"of/{self.name}"


def function_of(row: Row) -> Function:
    """Return the function of a row of the table."""
    head = "async def" if row.is_async else "def"
    streams = row.ends == "streams"
    parameters = ["req: Request" if streams else "req: func.HttpRequest"]
    parameters += ["context: func.Context"] * row.wants_context
    parameters += ["message: func.Out[str]"] * row.has_out
    body = 'name = "{name}"\n'.replace("{name}", row.name)
    body += 'note("function", who={who})\n'.replace("{who}", "context.invocation_id" if row.wants_context else "None")
    if row.has_out:
        body += 'message.set("from " + name)\n'
    body += (row.ending.asynchronous if row.is_async else "") or row.ending.sync
    returns = "StreamingResponse" if streams else "func.HttpResponse"
    source = f"{head} {{def_name}}({', '.join(parameters)}) -> {returns}:\n{indent(body, '    ')}\n"
    return Function(row.name, source, has_out=row.has_out, level=row.level)


def write(
    folder: Path,
    model: str,
    functions: Sequence[Function],
    *,
    extensions: Sequence[str] = ("recorder",),
    first: str = "",
) -> Path:
    """Write an app that imports the extensions from `modules/`, and before them the module `first`, if one is named."""
    folder.mkdir()
    for module in MODULES.glob("*.py"):
        shutil.copy(module, folder)
    imported = "".join(f"import {name}\n" for name in ([first] if first else []) + list(extensions))
    if "recorder" in extensions:
        imported += "from recorder import Stop\n"
    files = {"host.json": '{"version": "2.0"}'}
    if model == "v1":
        for function in functions:
            for path, text in function.v1().items():
                files[path] = text if path.endswith("json") else imported + text
    else:
        files |= _v2(functions, imported)
    return write_files(folder, files)


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of an app."""
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True, parents=True)
        (folder / path).write_text(text)
    return folder


def _v2(functions: Sequence[Function], imported: str) -> dict[str, str]:
    head = imported + IMPORTS + (STREAMING if any("StreamingResponse" in one.source for one in functions) else "")
    app = head + "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
    more = head + "blueprint = func.Blueprint()\n"
    for function in functions:
        if function.level == "blueprint":
            more += "\n" + function.v2("blueprint")
        else:
            app += "\n" + function.v2("app")
    return {
        "function_app.py": app + "\nfrom more import blueprint\napp.register_functions(blueprint)\n",
        "more.py": more,
    }


STREAMING = """
from azurefunctions.extensions.http.fastapi import Request, StreamingResponse

async def chunks(of):
    for chunk in ("one ", "two ", "three "):
        yield chunk
    note("body", of=of)
"""
