"""Each planted fault is found, by the checks that are about it."""

from __future__ import annotations

import pytest

from ext_devkit.check import CheckFailedError, checks
from tests.check.planted import BESIDE, FINE, PLANTED

pytestmark = pytest.mark.timeout(120)


def failing(tmp_path, source, names):
    (tmp_path / "faulty.py").write_text(source)
    found = {}
    for check in checks("faulty.Faulty", only=names, path=[str(tmp_path)]):
        finding = check.run()
        if not finding.ok:
            found[check.name] = finding.seen
    return found


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found_by_its_checks(fault, tmp_path):
    source, expected = PLANTED[fault]
    beside = [] if expected == ["import"] else BESIDE
    found = failing(tmp_path, source, {*beside, *expected})
    assert sorted(found) == sorted(expected), found


def test_there_are_more_than_fifteen():
    assert len(PLANTED) > 15


def test_an_extension_without_a_fault_conforms(tmp_path):
    assert failing(tmp_path, FINE, ()) == {}


def test_what_is_seen_why_it_matters_and_what_to_do_is_in_the_error(tmp_path):
    (tmp_path / "faulty.py").write_text(PLANTED["swallows exceptions"][0])
    (check,) = checks("faulty.Faulty", only=["exception"], path=[str(tmp_path)])
    with pytest.raises(CheckFailedError) as caught:
        check()
    assert str(check) == "exception"
    assert str(caught.value) == (
        'faulty.Faulty does not conform, exception: the function raises ValueError("the function\'s own"), '
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
        ("nothing.Faulty", "it cannot be imported: No module named 'nothing'"),
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


def test_a_crash_is_told_with_its_last_words(tmp_path):
    (tmp_path / "faulty.py").write_text("import os, sys\nprint('the end', file=sys.stderr, flush=True)\nos._exit(9)\n")
    (check,) = checks("faulty.Faulty", only=["import"], path=[str(tmp_path)])
    assert check.run().seen == "its process ended with status 9: the end"
