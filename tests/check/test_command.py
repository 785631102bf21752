"""`azfunc-ext check`."""

from __future__ import annotations

import json
import re
import sys

import pytest
from click.testing import CliRunner

from ext_devkit.check import catalogue
from ext_devkit.cli import main
from tests.check.planted import FINE, PLANTED, around
from tests.support.docs import DOCS

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def check(tmp_path):
    def run(source, *arguments):
        (tmp_path / "faulty.py").write_text(source)
        return CliRunner().invoke(main, ["check", "faulty.Faulty", "--path", str(tmp_path), *arguments])

    return run


def times_out(text):
    return re.sub(r" +[\d.]+ s\b", " N s", text)


MEASURING = ["import-time", "blocking", "call-cost", "memory", "call-threads", "descriptors", "shutdown"]


def test_it_tells_of_each_check_and_ends_with_0(check):
    done = check(FINE, "--only", "result", "--only", "exception")
    assert times_out(done.output) == (
        "ok     result N s\nok     exception N s\n\nfaulty.Faulty conforms (2 checks, N s).\n".replace(", N s", ", N s")
    )
    assert done.exit_code == 0


def test_it_tells_what_failed_why_and_what_to_do_and_ends_with_1(check):
    done = check(PLANTED["swallows exceptions"][0], "--only", "result", "--only", "exception")
    assert done.exit_code == 1
    assert times_out(done.output).splitlines()[1:] == [
        "failed exception N s",
        "       sync on the worker 'classic', the function raises ValueError(\"the function's own\"), and for the caller it "
        "returns None.",
        "       Why: Retries, status codes and alerts depend on the function's own exception.",
        "       Do:  Do not swallow it, and do not put another in its place; `outcome.error` is there to be looked at.",
        "       See: docs/reference/check.md#exception",
        "",
        "faulty.Faulty does not conform: 1 of 2 checks failed (2 checks, N s).",
    ]


def test_what_cannot_be_imported_is_told_once(check):
    done = check("import nothing_like_it")
    assert done.exit_code == 1
    assert "it cannot be imported: No module named 'nothing_like_it'" in done.output
    assert "1 of 1 checks failed" in done.output


def test_it_writes_json(check):
    done = check(PLANTED["changes the result"][0], "--json", "--only", "result", "--only", "exception")
    report = json.loads(done.output)
    assert (report["target"], report["conforms"], done.exit_code) == ("faulty.Faulty", False, 1)
    assert [(one["check"], one["ok"]) for one in report["checks"]] == [("result", False), ("exception", True)]
    assert set(report["checks"][0]) == {"check", "ok", "seconds", "seen", "why", "cure", "docs"}
    assert report["checks"][0]["docs"] == "docs/reference/check.md#result"


def test_it_tells_what_was_measured(check):
    only = [part for name in MEASURING for part in ("--only", name)]
    told = {one["check"]: one["measured"] for one in json.loads(check(FINE, "--json", *only).output)["checks"]}
    assert list(told) == MEASURING
    assert re.fullmatch(r"[\d.]+ s, [\d.]+ times what azure.functions takes, \d+ modules", told["import-time"])
    assert re.fullmatch(r"\d+ us more than the \d+ us with an extension that does nothing", told["call-cost"])
    assert (told["memory"], told["call-threads"]) == ("0 bytes a call", "0 in all")
    assert told["blocking"] in check(FINE, "--only", "blocking").output or "ms" in told["blocking"]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the runtimes are there from Python 3.13 on")
def test_it_tells_what_could_not_be_done_here(check):
    why = "azure_functions_runtime is not installed; it needs Python 3.13."
    done = check(FINE, "--only", "real-worker")
    assert (done.exit_code, times_out(done.output).splitlines()[0]) == (0, f"not    real-worker N s  {why}")
    assert "(1 check, 1 not run, " in done.output
    (told,) = json.loads(check(FINE, "--only", "real-worker", "--json").output)["checks"]
    assert (told["ok"], told["not_run"]) == (True, why)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the runtimes need Python 3.13")
def test_it_runs_on_the_real_runtimes_where_they_are(check):
    done = check(FINE, "--only", "real-worker")
    assert done.exit_code == 0
    assert re.search(r"^ok     real-worker .* azure-functions-runtime [\d.]+, azure-functions-runtime-v1 ", done.output)
    done = check(around(before="assert invocation.function_name != 'awaits', 'mine'"), "--only", "real-worker")
    assert done.exit_code == 1
    assert "on azure_functions_runtime, with a v2 app, its hooks fail: around_invocation once." in done.output


def test_an_extension_can_be_configured(check):
    source = FINE.replace(
        "class Faulty(AppExtension):",
        "class Faulty(AppExtension):\n    @dataclass\n    class Settings:\n        limit: int = 0\n        name: str = ''\n",
    ).replace("outcome = yield", "assert cls.settings() == cls.Settings(3, 'tea')\n        outcome = yield")
    given = ("--configure", "limit=3", "--configure", "name=tea")
    assert check(source, "--only", "hooks", *given).exit_code == 0
    assert check(source, "--only", "hooks").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "Error: Missing argument 'PACKAGE.CLASS', such as my_package.MyExtension."),
        (["a.B", "--configure", "x"], 2, "Error: Invalid value for --configure: 'x' is not NAME=VALUE."),
        (["a.B", "--only", "speed"], 2, "Error: There is no check 'speed'. There are: import, import-time,"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments, status, said):
    done = CliRunner().invoke(main, ["check", *arguments])
    assert done.exit_code == status
    assert said in done.output


def test_it_lists_the_checks():
    names = [one.name for one in catalogue.ENTRIES]
    listed = CliRunner().invoke(main, ["check", "--list"]).output.splitlines()
    assert [line.split()[0] for line in listed] == names
    as_json = json.loads(CliRunner().invoke(main, ["check", "--list", "--json"]).output)
    assert [one["check"] for one in as_json] == names


def test_the_documentation_has_every_check():
    text = (DOCS / "reference" / "check.md").read_text("utf-8")
    assert re.findall(r"^### (\S+)$", text, re.MULTILINE) == [one.name for one in catalogue.ENTRIES]
    for one in catalogue.ENTRIES:
        assert one.why in text
        assert one.cure in text
