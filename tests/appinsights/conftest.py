"""Channels that are closed after each test, and events to send through them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from ext_appinsights import Channel, envelope

QUICK = {"interval": 0.02, "backoff": (0.05, 0.2), "request_timeout": 5.0}


@pytest.fixture
def channel_to():
    """A factory of channels to a server, with short intervals."""
    with ExitStack() as stack:

        def make(server, **options) -> Channel:
            channel = Channel(server.connection_string, **{**QUICK, **options})
            stack.callback(channel.close, 0.0)
            return channel

        yield make


@pytest.fixture
def events():
    """A factory of events with the given names."""

    def make(*names) -> list[dict]:
        return [envelope.event(time_ns=1_767_323_045_000_000_000, name=str(name)) for name in names]

    return make
