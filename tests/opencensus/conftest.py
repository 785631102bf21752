"""The extension as in a new process, an ingestion endpoint, and an exporter that remembers."""

from __future__ import annotations

import pytest
from opencensus.trace import execution_context

from ext_opencensus import OpenCensusExtension, options
from tests.support.ingestion import IngestionServer


class Memory:
    """An exporter of OpenCensus that keeps what it is given."""

    def __init__(self) -> None:
        self.spans = []

    def export(self, span_datas) -> None:
        self.spans += span_datas

    def named(self, name):
        (span,) = [one for one in self.spans if one.name == name]
        return span


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No setting of this machine reaches a test."""
    for name in ("AzureWebJobsScriptRoot", "FUNCTIONS_WORKER_DIRECTORY", "FUNCTIONS_CORETOOLS_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fresh(monkeypatch):
    """The extension as in a new process: not configured, nothing said, nothing current."""

    def forget():
        if OpenCensusExtension._pipeline is not None:
            OpenCensusExtension._pipeline.retire()
        OpenCensusExtension.configure()
        options._said.clear()
        monkeypatch.setattr(OpenCensusExtension, "_pipeline", None)
        monkeypatch.setattr(OpenCensusExtension, "_made_of", None)
        execution_context.clean()

    forget()
    yield OpenCensusExtension
    forget()


@pytest.fixture
def memory(fresh):
    """What the extension exports, in memory."""
    exporter = Memory()
    fresh.configure(exporter=exporter)
    return exporter


@pytest.fixture
def server():
    """An ingestion endpoint that accepts everything."""
    with IngestionServer() as running:
        yield running


@pytest.fixture
def sent(fresh, server):
    """What arrives: calling it delivers, and gives the items by their type and name."""
    fresh.configure(connection_string=server.connection_string, enable_local_storage=False)

    def items():
        assert fresh.shutdown(20.0)
        return server.items

    return items
