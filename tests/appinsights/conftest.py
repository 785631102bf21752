"""Channels that are closed after each test, events to send through them, and a journal of the test's own."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from ext_appinsights import Channel, envelope, replay
from tests.support.journals import TIME_NS, Journals

QUICK = {"interval": 0.02, "backoff": (0.05, 0.2), "request_timeout": 5.0}


@pytest.fixture
def journal(tmp_path):
    """The path of the journal that the test's channels have."""
    return tmp_path / "journal"


@pytest.fixture
def journals(journal):
    """A factory that gives a look into the journal's folder for a server."""
    return lambda server: Journals(journal, server.connection_string)


@pytest.fixture
def channel_to(journal):
    """A factory of channels to a server, with short intervals."""
    with ExitStack() as stack:

        def make(server, **options) -> Channel:
            channel = Channel(server.connection_string, **{**QUICK, "journal": journal, **options})
            stack.callback(channel.close, 0.0)
            return channel

        yield make


@pytest.fixture
def every_tick(monkeypatch):
    """Folders are looked into all the time."""
    monkeypatch.setattr(replay, "INTERVAL", 0.02)


@pytest.fixture
def events():
    """A factory of events with the given names."""

    def make(*names) -> list[dict]:
        return [envelope.event(time_ns=TIME_NS, name=str(name)) for name in names]

    return make
