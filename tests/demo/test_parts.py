"""The parts of the demo: what it says when something is missing, and when a signal comes."""

import os
import signal
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from rich.console import Console

from ext_devkit.demo import stage
from ext_devkit.demo.arrival import wait_for_telemetry
from ext_devkit.demo.calls import Call
from ext_devkit.demo.picture import save_picture
from ext_devkit.demo.signals import Signals, Stopped
from ext_devkit.errors import DevkitError
from ext_devkit.insights.store.store import Store


def test_telemetry_that_does_not_arrive_is_named(tmp_path: Path):
    """Which request lacks what, and where to look; the progress was told on the way."""
    call = Call("/api/greet/Ada", "succeeds", 200, {"requests": 1, "dependencies": 2})
    told: list[int] = []
    store = Store(tmp_path / "empty.db")
    try:
        with pytest.raises(DevkitError) as raised:
            wait_for_telemetry(store, [call], 0.05, told.append)
    finally:
        store.close()

    assert str(raised.value) == (
        "Not all telemetry arrived within 0.05 s: GET /api/greet/Ada lacks 1 of 1 requests, 2 of 2 dependencies. "
        "The function app's log, printed above, may say why."
    )
    assert set(told) == {0}


def test_a_package_that_is_not_installed_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch):
    """Before anything is started."""

    def distribution(name: str) -> object:
        if name == "requests":
            raise PackageNotFoundError(name)
        return object()

    monkeypatch.setattr(stage, "distribution", distribution)

    with pytest.raises(DevkitError) as raised, stage.running(None, None, None):
        pass

    assert str(raised.value) == (
        "The demo's function app needs requests. Install what it needs: pip install 'azfunc-ext-devkit[demo]'"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_at_once(number: signal.Signals):
    """Outside of a step that must not be cut in two."""
    with Signals(), pytest.raises(Stopped):
        signal.raise_signal(number)


def test_a_signal_waits_for_the_end_of_a_step():
    """What the step has started is then known, and can be stopped."""
    steps = []

    with Signals() as signals, pytest.raises(Stopped):  # noqa: PT012 - the moment at which it raises is the point
        with signals.held():
            signal.raise_signal(signal.SIGTERM)
            steps.append("finished")
        steps.append("not reached")

    assert steps == ["finished"]


def test_a_signal_during_the_end_is_not_noticed():
    """Cleaning up is not interrupted by an impatient second Ctrl-C."""
    with Signals() as signals:
        signals.ignore()
        signal.raise_signal(signal.SIGINT)


def test_signals_are_as_before_afterwards():
    """A process that goes on, as a test's does, gets its own handlers back."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with Signals():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_environment_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch):
    """What would lead telemetry elsewhere is gone while the app runs, and back afterwards."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    before = dict(os.environ)

    with stage._environment("InstrumentationKey=1", "http://127.0.0.1:1/greeting"):
        inside = dict(os.environ)

    assert "OTEL_SDK_DISABLED" not in inside
    assert inside["APPLICATIONINSIGHTS_CONNECTION_STRING"] == "InstrumentationKey=1"
    assert dict(os.environ) == before


def test_the_picture_fetches_nothing(tmp_path: Path):
    """rich's own form loads a font from a content delivery network."""
    with (tmp_path / "null").open("w") as null:
        console = Console(record=True, width=40, file=null)
        console.print("an operation")
        save_picture(console, tmp_path / "demo.svg")

    svg = (tmp_path / "demo.svg").read_text("utf-8")
    assert "operation" in svg
    assert "url(http" not in svg
    assert "@font-face" not in svg
    assert 'url("http' not in svg
