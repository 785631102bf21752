"""A file with rows of the test's own."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.schema import COLUMNS, INSERTS

DAY = "2026-01-02T"
REQUIRED = {
    "requests": {"id": "1", "name": "GET /", "duration": 1.0, "success": True, "resultCode": "200"},
    "dependencies": {"id": "2", "name": "GET", "duration": 1.0, "success": True, "type": "HTTP", "target": "x"},
    "exceptions": {"type": "ValueError", "problemId": "ValueError at f", "message": "no", "details": []},
    "customMetrics": {"name": "m", "value": 1, "valueCount": 1, "valueSum": 1, "origin": "application"},
}


class Rows:
    """Stores rows and reads them."""

    def __init__(self, path):
        self._connection = open_for_writing(path)
        self.reader = Reader(path)

    def add(self, table, at="00:00:00", **values):
        """Store a row of a day's time."""
        row = {"timestamp": time(at), "itemCount": 1} | REQUIRED[table] | values
        texts = {name: json.dumps(value) for name, value in row.items() if isinstance(value, (dict, list))}
        self._connection.execute(INSERTS[table], [(row | texts).get(column) for column in COLUMNS[table]])

    def clear(self):
        """Delete all rows."""
        for table in REQUIRED:
            self._connection.execute(f"DELETE FROM {table}")

    def close(self):
        """Close both connections."""
        self.reader.close()
        self._connection.close()


def time(at):
    """Return a time of the day as it is stored: `03:04:05`, or with a fraction."""
    whole, _, fraction = at.partition(".")
    return f"{DAY}{whole}.{fraction.ljust(6, '0')}Z"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A file for many tests, each of which clears it."""
    with closing(Rows(tmp_path_factory.mktemp("rows") / "insights.db")) as rows:
        yield rows


@pytest.fixture
def rows(shared):
    """An empty file."""
    shared.clear()
    return shared
