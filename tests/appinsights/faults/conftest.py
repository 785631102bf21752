"""Callers whose channels are closed after the test: with a journal of the test's own, and without one."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import pytest

from tests.support.caller import Caller
from tests.support.faulty import FaultyServer


@pytest.fixture(autouse=True)
def own_log():
    """What callers listen with is gone after the test, and the level is as it was."""
    logger = logging.getLogger("ext_appinsights")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    for handler in set(logger.handlers) - set(handlers):
        logger.removeHandler(handler)


@pytest.fixture(params=["journal", "memory only"])
def journal(request, tmp_path):
    """Where a channel keeps its items."""
    return str(tmp_path / "journal") if request.param == "journal" else False


@pytest.fixture
def caller_to(journal):
    """A factory of callers with a channel to a server."""
    with ExitStack() as stack:

        def make(server: FaultyServer | str, **options) -> Caller:
            target = server if isinstance(server, str) else server.connection_string
            caller = Caller(target, **{"journal": journal, **options})
            stack.callback(caller.channel.close, 0.0)
            return caller

        yield make
