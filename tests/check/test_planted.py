"""Each planted fault is found, by the checks that are about it."""

from __future__ import annotations

import re
import unittest

import pytest

from ext_devkit.check import CheckFailedError, catalogue, checks, running
from tests.check.planted import FINE, PLANTED, SAID, around

pytestmark = pytest.mark.timeout(120)


def failing(tmp_path, source, names=(), **options):
    (tmp_path / "faulty.py").write_text(source)
    chosen = checks("faulty.Faulty", only=names, path=[str(tmp_path)])
    return {check.name: finding.seen for check, finding in running.run_all(chosen, **options) if not finding.ok}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found_by_its_checks_and_by_no_others(fault, tmp_path):
    source, expected = PLANTED[fault]
    found = failing(tmp_path, source)
    assert sorted(found) == sorted(expected), found
    for check, words in SAID.get(fault, {}).items():
        assert re.search(words, found[check]), found


def test_each_check_finds_a_fault():
    finding = {name for _, names in PLANTED.values() for name in names}
    elsewhere = {"real-worker"}  # test_command.py: it is not there on every Python
    assert {one.name for one in catalogue.ENTRIES} - finding == elsewhere


def test_there_are_more_than_fifteen():
    assert len(PLANTED) > 15


def test_an_extension_without_a_fault_conforms(tmp_path):
    assert failing(tmp_path, FINE) == {}


def test_settings_that_it_does_not_take_are_told_once(tmp_path):
    (tmp_path / "faulty.py").write_text(FINE)
    chosen = checks("faulty.Faulty", path=[str(tmp_path)], configure={"limit": 3})
    ((_, finding),) = running.run_all(chosen)
    assert finding.seen.startswith("its configure() fails: SettingsError: Faulty: unknown setting 'limit'")


OF_THE_FUNCTION_LEVEL = """
from azure.functions import FuncExtensionBase
from ext_sdk import FuncExtension

class Faulty({base}):
    def __init__(self, file_path):
        super().__init__(file_path)
    def post_invocation(self, logger, context, func_args, func_ret, *args):
        logger.info("done")
"""


@pytest.mark.parametrize("base", ["FuncExtension", "FuncExtensionBase"])
def test_one_that_is_made_by_its_path_alone_conforms(base, tmp_path):
    assert failing(tmp_path, OF_THE_FUNCTION_LEVEL.format(base=base), ["import", "hooks", "result"]) == {}


def test_one_that_uses_the_documented_attributes_conforms(tmp_path):
    source = around(before="invocation.context.app_ext_attributes['mine'] = 1")
    assert failing(tmp_path, source, ["hooks", "hostile"]) == {}


def test_checks_end_likewise_where_no_process_can_be_forked(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_FORKS", False)
    swallows, _ = PLANTED["swallows exceptions"]
    assert sorted(failing(tmp_path, swallows, ["import", "result", "exception"])) == ["exception"]
    cannot, _ = PLANTED["ends the process when it is imported"]
    assert sorted(failing(tmp_path, cannot, ["import", "result"])) == ["import"]


def test_what_is_seen_why_it_matters_and_what_to_do_is_in_the_error(tmp_path):
    (tmp_path / "faulty.py").write_text(PLANTED["swallows exceptions"][0])
    (check,) = checks("faulty.Faulty", only=["exception"], path=[str(tmp_path)])
    with pytest.raises(CheckFailedError) as caught:
        check()
    assert str(check) == "exception"
    assert str(caught.value) == (
        "faulty.Faulty does not conform, exception: sync on the worker 'classic', "
        'the function raises ValueError("the function\'s own"), '
        "and for the caller it returns None.\n"
        "Why it matters: Retries, status codes and alerts depend on the function's own exception.\n"
        "What to do: Do not swallow it, and do not put another in its place; `outcome.error` is there to be looked at.\n"
        "See docs/reference/check.md#exception."
    )


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("faulty.Other", "it cannot be imported: The module 'faulty' has no 'Other'."),
        ("faulty.os", "it cannot be imported: faulty.os is no extension: it is <module 'os'"),
        ("nothing.Faulty", "it cannot be imported: No module named 'nothing'. Install it, or name the folder or wheel that"),
        ("Faulty", "it cannot be imported: 'Faulty' names no class. Name one with its module, such as my_package.MyExtension."),
    ],
)  # fmt: skip
def test_what_is_no_extension_is_named(target, seen, tmp_path):
    (tmp_path / "faulty.py").write_text(FINE)
    (check,) = checks(target, only=["import"], path=[str(tmp_path)])
    assert check.run().seen.startswith(seen)


def test_a_check_that_does_not_return_is_ended(tmp_path):
    (tmp_path / "faulty.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")
    (check,) = checks("faulty.Faulty", only=["import"], path=[str(tmp_path)])
    assert check.run(timeout=2.0).seen == "it was not done after 2 s: something in it does not return."


def test_what_does_not_return_is_no_other_checks_affair(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_FORKS", True)
    source = around(before="quietly(time.sleep, 60) if 'x-0' in dict(invocation.args['req'].headers) else 0")
    found = failing(tmp_path, source, ["hostile", "result"], timeout=4.0)
    assert found == {"hostile": "it was not done after 4 s: something in it does not return."}


def test_a_check_that_cannot_be_done_here_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(running.Check, "run", lambda check: running.Finding(check.name, not_run="there is none here."))
    (check,) = checks("faulty.Faulty", only=["real-worker"], path=[str(tmp_path)])
    with pytest.raises(unittest.SkipTest, match="there is none here"):
        check()


def test_a_crash_in_one_of_many_is_told_with_its_last_words(tmp_path):
    crash = "sys.stderr.write('the end'); sys.stderr.flush(); os._exit(9)"
    found = failing(tmp_path, around(after=f"if outcome.error: {crash}"), ["result", "exception"])
    assert found == {"exception": "its process ended with status 9: the end"}


def test_a_crash_is_told_with_its_last_words(tmp_path):
    (tmp_path / "faulty.py").write_text("import os, sys\nprint('the end', file=sys.stderr, flush=True)\nos._exit(9)\n")
    (check,) = checks("faulty.Faulty", only=["import"], path=[str(tmp_path)])
    assert check.run().seen == "its process ended with status 9: the end"
