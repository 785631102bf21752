"""What storing costs beside raw SQLite: batches posted to the local Application Insights, the same rows to executemany.

Both write into the same schema with the same pragmas, one commit per batch, each into a file of its own. Ours has to
take the batch over HTTP, decode and check it besides. Bar: 0.35x of the peer's items per second, so a time of 2.86x or
less. Prediction: decoding the JSON alone costs about as much as the peer, checking and mapping as much again, so about
3x; what is left for HTTP is a matter of a few percent.
"""

from __future__ import annotations

import http.client
import json
import secrets
import tempfile
from datetime import datetime, timezone
from itertools import cycle
from pathlib import Path

from ext_devkit.insights.ingest.document import read_items
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.moment import Window
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.schema import INSERTS
from tests.benchmarks.measure import compare

ITEMS = 512
"""An exporter's usual batch."""

DATA = {
    "RequestData": {
        "name": "GET /items/{id}",
        "duration": "0.00:00:00.125",
        "responseCode": "200",
        "success": True,
        "url": "http://127.0.0.1:7071/api/items/7",
    },
    "RemoteDependencyData": {
        "name": "GET /stock",
        "duration": "0.00:00:00.025",
        "resultCode": "200",
        "success": True,
        "type": "HTTP",
        "target": "stock:80",
        "data": "http://stock/stock",
    },
    "MessageData": {"message": "sold out", "severityLevel": 2},
}


def item(base_type, operation, parent):
    span = secrets.token_hex(8)
    return {
        "name": f"Microsoft.ApplicationInsights.{base_type.removesuffix('Data')}",
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "iKey": "10ca1000-0000-4000-8000-000000000000",
        "sampleRate": 100,
        "tags": {
            "ai.cloud.role": "shop",
            "ai.cloud.roleInstance": "host",
            "ai.internal.sdkVersion": "py3.11.7:otel1.45.1:ext0.1.0",
            "ai.operation.id": operation,
            "ai.operation.parentId": parent,
            "ai.operation.name": "GET /items/{id}",
        },
        "data": {
            "baseType": base_type,
            "baseData": {
                "ver": 2,
                "id": span,
                **DATA[base_type],
                "properties": {"tenant": "a", "faas.trigger": "http"},
            },
        },
    }


def batch():
    items = []
    while len(items) < ITEMS:
        operation, parent = secrets.token_hex(16), secrets.token_hex(8)
        items += [item(base_type, operation, parent) for base_type in DATA]
    return json.dumps(items[:ITEMS]).encode()


def rows_of(body):
    window, rows = Window(), {}
    for one in read_items(body):
        table, row = read_item(one, window)
        rows.setdefault(table, []).append(row)
    return rows


def raw(path, bodies):
    connection, batches = open_for_writing(path), cycle([rows_of(body) for body in bodies])

    def store():
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in next(batches).items():
            connection.executemany(INSERTS[table], rows)
        connection.execute("COMMIT")

    return store


def posted(server, bodies):
    connection, batches = http.client.HTTPConnection("127.0.0.1", server.port), cycle(bodies)

    def store():
        connection.request("POST", "/v2.1/track", next(batches))
        answer = json.loads(connection.getresponse().read())
        assert answer["itemsAccepted"] == ITEMS

    return store


def main():
    bodies = [batch() for _ in range(50)]
    with tempfile.TemporaryDirectory() as folder, InsightsServer(db=Path(folder) / "insights.db") as server:
        candidates = {
            "sqlite3.executemany of the same rows": raw(Path(folder) / "raw.db", bodies),
            "azfunc-ext insights, over HTTP": posted(server, bodies),
        }
        compare(f"Storing a batch of {ITEMS} items", candidates, rounds=25, calls=8)


main()
