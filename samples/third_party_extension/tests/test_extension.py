"""The extension by itself: functions run with it around them, while time passes only when a test says so."""

from collections.abc import Iterator

import azure.functions as func
import pytest
from ext_sdk import SettingsError
from ext_sdk.testing import frozen, isolated, run

from slow_calls import SlowCallsExtension


@pytest.fixture(autouse=True)
def only_this_extension() -> Iterator[None]:
    with isolated(SlowCallsExtension):
        yield


def messages_of_a_call_of(seconds: float) -> list[str]:
    with frozen() as clock:

        def orders(req: func.HttpRequest) -> str:
            clock.advance(seconds)
            return "done"

        result = run(orders, "http", function_name="orders")

    assert result.value == "done"
    return result.messages


def test_a_slow_call_is_warned_of() -> None:
    assert messages_of_a_call_of(1.5) == ["orders took 1500 ms, more than 1000"]


def test_nothing_is_said_of_a_fast_call() -> None:
    assert messages_of_a_call_of(0.5) == []


def test_the_limit_can_be_set_in_code() -> None:
    SlowCallsExtension.configure(slow_ms=200)

    assert messages_of_a_call_of(0.5) == ["orders took 500 ms, more than 200"]


def test_the_limit_can_be_set_with_an_app_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXT_SLOWCALLS_SLOW_MS", "200")

    assert messages_of_a_call_of(0.5) == ["orders took 500 ms, more than 200"]


def test_a_limit_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"slow_ms'? is 0.*Allowed: a number above 0"):
        SlowCallsExtension.configure(slow_ms=0)


def test_a_slow_call_that_fails_is_warned_of_and_fails_as_before() -> None:
    with frozen() as clock:

        def orders(req: func.HttpRequest) -> str:
            clock.advance(1.5)
            raise LookupError("no such order")

        result = run(orders, "http", function_name="orders")

    assert isinstance(result.error, LookupError)
    assert result.messages == ["orders took 1500 ms, more than 1000"]
