"""What a cold start took: in processes of their own, for a process has one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CALL = """
import json, logging, time
import app
from ext_sdk import extensions
from tests.support.lifecycle import invoke

lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append((record.getMessage(), record.custom_dimensions))
logging.getLogger("Function.HttpTrigger").addHandler(handler)
logging.getLogger("Function.HttpTrigger").setLevel("INFO")
for _ in range(2):
    invoke(app.main)
facts = next(one.facts for one in extensions() if "functions" in one.facts)
print(json.dumps([lines, facts.get("cold_start")]))
"""

APP = """
import time
from ext_timing import TimingExtension

TimingExtension.configure(slow_ms=60000)
time.sleep(0.2)

def main():
    time.sleep(0.05)
"""


@pytest.fixture
def call(tmp_path):
    """Import an app in a new process and call its function twice; return the lines and the facts."""

    def run(app, program=CALL, **modules):
        for name, text in {"app": app, **modules}.items():
            (tmp_path / f"{name}.py").write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=50,
            env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        )  # fmt: skip
        return json.loads(done.stdout)

    return run


def test_it_is_told_as_import_configuration_extensions_and_first_call(call):
    ((first, second), facts) = call(APP)
    assert " (cold start: import " in first[0]
    assert "cold start" not in second[0]
    assert list(facts) == ["import_ms", "configure_ms", "extensions_ms", "first_call_ms"]
    assert first[1]["cold_start.import_ms"] == facts["import_ms"]


def test_the_import_is_that_of_the_whole_module_from_the_extension_on(call):
    _, facts = call(APP)
    assert 200 <= facts["import_ms"] < 5000


def test_the_import_does_not_include_what_comes_after(call):
    _, facts = call(APP, CALL.replace("import app\n", "import app\ntime.sleep(2)\n"))
    assert facts["import_ms"] < 2000


def test_the_import_is_that_of_the_module_furthest_out(call):
    """An app may import the extension in a file of its own."""
    _, facts = call("import shared\nimport time\ntime.sleep(0.2)\nmain = shared.main", shared=APP)
    assert 400 <= facts["import_ms"] < 5000


def test_the_first_call_is_the_functions_own_time(call):
    _, facts = call(APP)
    assert 50 <= facts["first_call_ms"] < 200


def test_what_extensions_set_up_at_the_first_call_is_told(call):
    slow = """
import time
from ext_sdk import AppExtension

class Slow(AppExtension):
    order = -100

    @classmethod
    def around_invocation(cls, invocation):
        time.sleep(0.1)
        yield
"""
    _, facts = call(f"import other\n{APP}", other=slow)
    assert facts["extensions_ms"] >= 100
    assert facts["first_call_ms"] < 100


def test_configuration_is_that_of_all_extensions(call):
    slow = """
import time
from dataclasses import dataclass
from ext_sdk import AppExtension

class Slow(AppExtension):
    @dataclass
    class Settings:
        some: int = 0

        def __post_init__(self):
            time.sleep(0.1)

Slow.configure(some=1)
"""
    _, facts = call(f"{APP}\nimport other\n", other=slow)
    assert facts["configure_ms"] >= 100
    assert facts["import_ms"] >= 200


def test_the_import_is_left_out_where_it_is_not_known(call):
    """As in a process that imports nothing when it imports the extension."""
    program = CALL.replace(
        "import app\n", "exec(open('app.py').read())\nfrom types import SimpleNamespace as S\napp = S(main=main)\n"
    )
    ((first, _), facts) = call(APP, program)
    assert " (cold start: configure " in first[0]
    assert list(facts) == ["configure_ms", "extensions_ms", "first_call_ms"]


def test_the_modules_spec_is_an_ordinary_one_again(call):
    program = CALL.replace(
        "print(", "assert type(app.__spec__) is type(json.__spec__)\nassert not app.__spec__._initializing\nprint("
    )
    call(APP, program)


def test_an_import_that_fails_is_told_as_it_was(tmp_path):
    (tmp_path / "app.py").write_text(f"{APP}\nraise KeyError('mine')", "utf-8")
    program = "try:\n    import app\nexcept KeyError as error:\n    print(repr(error))"
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, env=environment, check=True
    )
    assert (done.stdout, done.stderr) == ("KeyError('mine')\n", "")


def test_the_timer_of_one_function_tells_it_as_well(call):
    app = """
from ext_timing import FunctionTimer
timer = FunctionTimer(function="HttpTrigger")
def main(): pass
"""
    ((first, _), _) = call(app)
    assert " (cold start: import " in first[0]
