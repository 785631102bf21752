"""What the calls of ext_telemetry make of it, as it arrives at Application Insights."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from ext_telemetry import metrics, said
from tests.support.ingestion import IngestionServer


@pytest.fixture
def forgetful():
    """Nothing said yet, and no metric known; afterwards too."""
    said._said.clear()
    metrics._metrics.__init__()
    yield
    said._said.clear()
    metrics._metrics.__init__()


class Sent:
    """Items that arrived."""

    def __init__(self, extension, server):
        self._extension, self._server = extension, server

    def all(self):
        """Deliver, and return all items."""
        assert self._extension.shutdown(20.0)
        return self._server.items

    def of(self, kind):
        """Return the items of a type, such as EventData, each with its base data and tags at hand."""
        return [
            SimpleNamespace(item=item, tags=item["tags"], **item["data"]["baseData"])
            for item in self.all()
            if item["data"]["baseType"] == kind
        ]

    def one(self, kind):
        (found,) = self.of(kind)
        return found


@pytest.fixture
def sent(fresh, forgetful):
    """Have telemetry go to an ingestion endpoint in this process; what arrived is asked of the result."""
    with IngestionServer() as server:
        fresh.configure(connection_string=server.connection_string, journal=False, flush="background")
        yield Sent(fresh, server)


@pytest.fixture
def warnings_of(caplog):
    """Calling it gives what the calls said so far."""
    caplog.set_level(logging.WARNING, "ext_telemetry")
    return lambda: [one.getMessage() for one in caplog.records if one.name == "ext_telemetry"]
