"""The sample app, loaded as `azfunc-ext run sample_app` loads it: what a user of the package sees."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ext_devkit.apptest import AppUnderTest

SAMPLE_APP = Path(__file__).parents[1] / "sample_app"


@pytest.fixture
def app(function_app: Callable[[Path], AppUnderTest]) -> AppUnderTest:
    return function_app(SAMPLE_APP)


def test_a_fast_function_answers_and_nothing_is_said(app: AppUnderTest) -> None:
    answer = app.invoke("fast")

    assert (answer.status, answer.text, answer.messages) == (200, "at once", [])


def test_a_slow_function_answers_and_is_warned_of(app: AppUnderTest) -> None:
    answer = app.invoke("slow")

    assert (answer.status, answer.text) == (200, "at last")
    (warning,) = answer.messages
    assert warning.startswith("slow took ")
    assert warning.endswith(" ms, more than 100")


def test_slow_calls_are_counted(app: AppUnderTest) -> None:
    before = app.invoke("counted").json().get("slow", 0)

    app.invoke("slow")

    assert app.invoke("counted").json()["slow"] == before + 1
