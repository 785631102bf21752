"""The function apps of these tests, written out in the v1 and the v2 programming model from one table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent


@dataclass(frozen=True)
class Case:
    """A function: how it is defined and what it does."""

    is_async: bool = False
    raises: bool = False
    wants_context: bool = True

    @property
    def name(self) -> str:
        parts = ["async" if self.is_async else "sync", "raises" if self.raises else "returns"]
        return "_".join(parts if self.wants_context else [*parts, "bare"])


AUDITED = """
from recorder import Audit
audit = Audit({target})
{decorator}def {name}(req: func.HttpRequest) -> func.HttpResponse:
    if req.params["q"] == "raise":
        raise ValueError("boom")
    return func.HttpResponse(audit.attributes["user"])
"""
"""A function with a function-level extension of its own, whose attributes it reads."""

CASES = [Case(a, r, c) for a in (False, True) for r in (False, True) for c in (False, True)]

RECORDER = '''
"""Extensions that write down what they see, one JSON line a hook."""
import json, os, sys
{before_import}
from ext_sdk import AppExtension, FuncExtension

def note(hook, **facts):
    with open(os.environ["RECORD"], "a") as file:
        print(json.dumps(dict(hook=hook, **facts)), file=file)

class Recorder(AppExtension):
    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory):
        note("load", function=function_name, directory=function_directory)
    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args):
        note("pre", id=context.invocation_id, args=sorted(func_args))
    @classmethod
    def around_invocation(cls, invocation):
        note("in", id=invocation.id, function=invocation.function_name, directory=invocation.function_directory,
             trigger=[invocation.trigger.name, invocation.trigger.type, invocation.trigger.binding.get("route")],
             traceparent=invocation.trace_context.trace_parent, is_async=invocation.is_async)
        outcome = yield
        note("out", ok=outcome.ok, error=repr(outcome.error))
    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret):
        note("post", result=func_ret.get_body().decode())
    @classmethod
    def invocation_failed_app_level(cls, logger, context, func_args, error):
        note("failed", error=repr(error))
    @classmethod
    def shutdown(cls, timeout):
        note("shutdown", seconds=round(timeout))

class Audit(FuncExtension):
    def post_function_load(self, function_name, function_directory):
        note("audit load", function=function_name)
    def around_invocation(self, invocation):
        self.attributes["user"] = invocation.id
        note("audit in", id=invocation.id)
        outcome = yield
        note("audit out", ok=outcome.ok)

class Broken(AppExtension):
    """Raises in every hook."""
    @classmethod
    def post_function_load_app_level(cls, *args): raise RuntimeError("load")
    @classmethod
    def pre_invocation_app_level(cls, *args): raise RuntimeError("pre")
    @classmethod
    def around_invocation(cls, invocation):
        yield
        raise RuntimeError("around")
    @classmethod
    def post_invocation_app_level(cls, *args): raise RuntimeError("post")
    @classmethod
    def invocation_failed_app_level(cls, *args): raise RuntimeError("failed")
'''

UNFAMILIAR = """
# A worker of the future: its registry is asked with one argument more.
for name, module in list(sys.modules.items()):
    if name.endswith(".functions") and hasattr(module, "Registry") and hasattr(module, "FunctionInfo"):
        def patched(lookup):
            return lambda self, function_id, revision=None: lookup(self, function_id)
        module.Registry.get_function = patched(module.Registry.get_function)
"""


def write_v1(folder: Path, *, unfamiliar: bool = False) -> Path:
    """Write an app with a folder and a function.json for each case."""
    _write_common(folder, unfamiliar=unfamiliar)
    sources = {case.name: _source(case, "main") for case in CASES}
    sources["audited"] = AUDITED.format(target="__file__", decorator="", name="main")
    for name, source in sources.items():
        (folder / name).mkdir()
        bindings = [
            {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", "route": f"of/{name}"},
            {"type": "http", "direction": "out", "name": "$return"},
        ]
        (folder / name / "function.json").write_text(json.dumps({"bindings": bindings}))
        (folder / name / "__init__.py").write_text(_imports() + source)
    return folder


def write_v2(folder: Path, *, unfamiliar: bool = False) -> Path:
    """Write an app with a function_app.py that holds all cases."""
    _write_common(folder, unfamiliar=unfamiliar)
    source = _imports() + "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
    for case in CASES:
        source += f'\n@app.route(route="of/{case.name}")\n' + _source(case, case.name)
    decorator = '@app.route(route="of/audited")\n'
    source += AUDITED.format(target='function="audited"', decorator=decorator, name="audited")
    (folder / "function_app.py").write_text(source)
    return folder


def _write_common(folder: Path, *, unfamiliar: bool) -> None:
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "recorder.py").write_text(RECORDER.format(before_import=UNFAMILIAR if unfamiliar else ""))


def _imports() -> str:
    return "import azure.functions as func\nfrom recorder import note\n"


def _source(case: Case, name: str) -> str:
    head = "async def" if case.is_async else "def"
    parameters = "req: func.HttpRequest" + (", context: func.Context" if case.wants_context else "")
    who = "context.invocation_id" if case.wants_context else "'?'"
    body = f'note("function")\nwho = {who}\n'
    body += 'raise ValueError("boom")\n' if case.raises else 'return func.HttpResponse(who + " " + req.params["q"])\n'
    return f"{head} {name}({parameters}) -> func.HttpResponse:\n" + indent(dedent(body), "    ")
