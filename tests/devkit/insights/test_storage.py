"""What is stored, and that it stays."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.insights.search import Search
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store import indexing, migrations
from ext_devkit.insights.store.database import default_path, open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.schema import COLUMNS, TABLES
from ext_devkit.insights.store.store import Store
from tests.support.insights import OPERATION, ago, envelope, insights_process, post


def port_of(printed):
    return SimpleNamespace(port=int(printed["url"].rpartition(":")[2]))


def only(server, table, item):
    assert post(server, item)[0] == 200
    (row,) = server.wait_for(table)
    return {name: value for name, value in row.items() if value not in (None, {})}


def test_a_request_is_stored_as_application_insights_shows_it(server):
    """The whole row: what is absent is null."""
    item = envelope(
        source="web",
        url="http://x/items",
        properties={"tenant": "a"},
        measurements={"size": 2},
        tags={
            "ai.operation.parentId": "b7ad6b7169203331",
            "ai.operation.name": "GET /items",
            "ai.cloud.role": "shop",
            "ai.cloud.roleInstance": "host",
            "ai.internal.sdkVersion": "py3:x1",
            "ai.location.ip": "127.0.0.1",
            "ai.session.id": "s",
            "ai.unheard.of": "x",
        },
    ) | {"time": (moment := envelope()["time"]), "sampleRate": 25}

    assert only(server, "requests", item) == {
        "itemId": 1,
        "itemType": "request",
        "timestamp": moment,
        "operation_Id": OPERATION,
        "operation_ParentId": "b7ad6b7169203331",
        "operation_Name": "GET /items",
        "cloud_RoleName": "shop",
        "cloud_RoleInstance": "host",
        "sdkVersion": "py3:x1",
        "client_IP": "127.0.0.1",
        "session_Id": "s",
        "iKey": "00000000-0000-0000-0000-000000000000",
        "itemCount": 4,
        "customDimensions": {"tenant": "a"},
        "customMeasurements": {"size": 2.0},
        "id": "00f067aa0ba902b7",
        "name": "GET /items",
        "duration": 125.0,
        "success": True,
        "resultCode": "200",
        "url": "http://x/items",
        "source": "web",
    }


def test_an_exception_chain_is_stored_with_its_ends_and_its_stacks(server):
    outer = {
        "id": 1,
        "typeName": "RuntimeError",
        "message": "outer",
        "hasFullStack": True,
        "parsedStack": [{"level": 0, "method": "main", "assembly": "app", "fileName": "app.py", "line": 7}],
    }
    inner = {"id": 2, "outerId": 1, "typeName": "ValueError", "message": "inner", "stack": "Traceback"}

    row = only(server, "exceptions", envelope("ExceptionData", exceptions=[outer, inner], severityLevel="Error"))

    assert {name: row[name] for name in row.keys() - COLUMNS["customEvents"] - {"itemId"}} == {
        "itemType": "exception",
        "severityLevel": 3,
        "problemId": "RuntimeError at main",
        "type": "RuntimeError",
        "message": "outer",
        "assembly": "app",
        "method": "main",
        "outerType": "RuntimeError",
        "outerMessage": "outer",
        "outerAssembly": "app",
        "outerMethod": "main",
        "innermostType": "ValueError",
        "innermostMessage": "inner",
        "details": [
            {
                "id": 1,
                "type": "RuntimeError",
                "message": "outer",
                "hasFullStack": True,
                "parsedStack": [{"level": 0, "method": "main", "assembly": "app", "fileName": "app.py", "line": 7}],
            },
            {"id": 2, "outerId": 1, "type": "ValueError", "message": "inner", "rawStack": "Traceback"},
        ],
    }


def test_a_stack_that_is_one_text_is_kept_as_such(server):
    """As OpenCensus sends the stack that a web framework's middleware put on the span."""
    exception = {"typeName": "ValueError", "message": "", "hasFullStack": True, "parsedStack": "Traceback"}

    row = only(server, "exceptions", envelope("ExceptionData", exceptions=[exception]))

    assert row["details"] == [{"type": "ValueError", "message": "", "hasFullStack": True, "rawStack": "Traceback"}]


def test_a_problem_id_that_is_given_is_kept(server):
    assert only(server, "exceptions", envelope("ExceptionData", problemId="p"))["problemId"] == "p"


def test_only_the_first_data_point_of_a_metric_is_stored(server):
    points = [
        {"name": "a", "value": 10, "count": 4, "min": 1, "max": 5, "stdDev": 2, "ns": "n"},
        {"name": "b", "value": 1},
    ]

    row = only(server, "customMetrics", envelope("MetricData", metrics=points))

    assert {name: row[name] for name in row if name in ("name", "namespace") or name.startswith("value")} == {
        "name": "a",
        "namespace": "n",
        "value": 10.0,
        "valueSum": 10.0,
        "valueCount": 4,
        "valueMin": 1.0,
        "valueMax": 5.0,
        "valueStdDev": 2.0,
    }


def test_a_single_measurement_is_its_own_minimum_and_maximum(server):
    row = only(server, "customMetrics", envelope("MetricData"))

    assert (row["valueCount"], row["valueMin"], row["valueMax"]) == (1, 3.0, 3.0)


@pytest.mark.parametrize(
    ("name", "properties", "origin"),
    [
        ("basket", {}, "application"),
        ("_OTELRESOURCE_", {"service.name": "x"}, "resource"),
        ("Item_Success_Count", {"language": "python", "version": "1"}, "statistics"),
        ("Request Success Count", {"language": "python", "version": "1"}, "statistics"),
        ("Request_Duration", {"region": "x"}, "application"),
        ("requests/duration", {"_MS.IsAutocollected": "True"}, "standard"),
    ],
)
def test_metrics_of_an_sdk_are_told_from_those_of_the_application(server, name, properties, origin):
    item = envelope("MetricData", metrics=[{"name": name, "value": 1}], properties=properties)

    assert only(server, "customMetrics", item)["origin"] == origin


@pytest.mark.parametrize("field", ["referrerUri", "referredUri"])
def test_both_spellings_of_the_referrer_are_taken(server, field):
    assert only(server, "pageViews", envelope("PageViewData", **{field: "http://x"}))["referrerUri"] == "http://x"


def test_the_migrated_file_has_the_columns_that_rows_bring():
    """The frozen migrations and the present schema say the same."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(connection)

    for table in TABLES:
        names = [name for _, name, *_ in connection.execute(f"PRAGMA table_xinfo({table})")]
        assert names == ["itemId", "itemType", *COLUMNS[table]]
    applied = list(connection.execute("SELECT number, name FROM _migrations"))
    assert applied == [(1, "eight_tables"), (2, "full_text"), (3, "analysis"), (4, "metrics_by_time")]
    connection.close()


def test_a_transaction_is_looked_up_by_index(server):
    for table in TABLES:
        plan = server.store.query(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE operation_Id = ?", ("x",))
        assert f"USING INDEX {table}_by_operation" in plan[0]["detail"]


def test_migrating_twice_at_the_same_time_is_safe(tmp_path):
    """As when two servers start on a new file."""
    start = threading.Barrier(4)

    def open_it(db):
        start.wait()
        open_for_writing(db).close()

    for n in range(20):
        db = tmp_path / f"new{n}.db"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(open_it, [db] * 4))

        with Reader(db) as reader:
            assert reader.query("SELECT count(*) AS n FROM _migrations", ()) == [{"n": migrations.LATEST}]


def test_what_was_acknowledged_survives_sigkill(tmp_path):
    """Killed at once after the answer."""
    db = tmp_path / "insights.db"
    with insights_process("--port", 0, "--db", db) as (process, printed):
        status, _ = post(port_of(printed), [envelope() for _ in range(100)])
        process.kill()
        process.wait()

    assert status == 200
    with Reader(db) as reader:
        assert reader.count("requests") == 100


def test_sigkill_in_the_middle_of_everything_loses_nothing_that_was_acknowledged(tmp_path):
    """While four clients send, items are indexed and old ones deleted; then a server goes on with the same file."""
    db, acknowledged = tmp_path / "insights.db", []
    with insights_process("--port", 0, "--db", db, "--keep-days", 1) as (process, printed):
        old = envelope("MessageData", message="old") | {"time": ago(hours=30)}

        def send(client):
            for number in range(10_000):
                names = [f"c{client}n{number}i{item}" for item in range(200)]
                try:
                    status, _ = post(port_of(printed), [envelope(name=name) for name in names] + [old] * 50)
                except OSError:
                    return
                assert status == 200
                acknowledged.extend(names)

        with ThreadPoolExecutor(4) as pool:
            sending = [pool.submit(send, client) for client in range(4)]
            with Reader(db) as reader:
                while not (reader.query("SELECT 1 FROM _shelves") and len(acknowledged) > 6000):
                    assert not any(one.done() for one in sending)
                    time.sleep(0.02)
            process.kill()
        for one in sending:
            one.result()

    with closing(Store(db, keep_days=1)) as store:
        stored = {row["name"] for row in store.query("SELECT name FROM requests")}
        assert set(acknowledged) <= stored
        assert store.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        store.wait_until(lambda: [] if indexing_is_done(store) else None, 30, "the end of indexing")
        assert len(Search(acknowledged[-1]).page(store)["items"]) == 1
        assert len(Search(acknowledged[0]).page(store)["items"]) == 1


def indexing_is_done(store):
    with store.snapshot() as connection:
        return not any(indexing.waiting(connection))


def test_another_process_reads_while_the_server_writes(server):
    post(server, envelope())
    script = "import sys, sqlite3; print(*sqlite3.connect(sys.argv[1]).execute('SELECT name, success FROM requests'))"

    done = subprocess.run([sys.executable, "-c", script, server.store.path], capture_output=True, text=True, check=True)

    assert done.stdout == "('GET /items', 1)\n"


def test_two_servers_share_one_file(tmp_path):
    """Each waits for the other's commits; nothing is lost."""
    db = tmp_path / "insights.db"
    with InsightsServer(db=db) as one, InsightsServer(db=db) as two, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda server: post(server, [envelope()] * 20), [one, two] * 10))
        stored = one.store.count("requests")

    assert {status for status, _ in answers} == {200}
    assert stored == 400


def test_items_that_cannot_be_stored_are_to_be_sent_again(server):
    """A full disk, for one: 503 with Retry-After, and only for what was valid."""
    server.store._writer._connection.execute("PRAGMA max_page_count = 1")

    status, answer = post(server, [envelope("EventData", properties={str(n): "x" * 8000 for n in range(50)}), 5])

    assert status == 503
    assert answer["itemsAccepted"] == 0
    assert answer["errors"] == [
        {
            "index": 0,
            "statusCode": 503,
            "message": f"The items could not be stored in {server.store.path}: database or disk is full. Send them again later.",
        },
        {
            "index": 1,
            "statusCode": 400,
            "message": "106: Field 'item' on type 'Body' is of incorrect type. Expected: object, Actual: number",
        },
    ]


@pytest.mark.parametrize("replacement", [None, b"Dear diary"])
def test_items_for_a_file_that_is_gone_are_not_said_to_be_stored(tmp_path, replacement):
    """SQLite would go on writing where nobody looks."""
    db = tmp_path / "insights.db"
    with InsightsServer(db=db) as server:
        post(server, envelope())
        db.rename(tmp_path / "elsewhere.db")
        if replacement is not None:
            db.write_bytes(replacement)

        status, answer = post(server, envelope())

    assert status == 503
    assert answer["errors"][0]["message"] == (
        f"The items could not be stored in {db}: the file was moved, deleted or replaced; start the server again. "
        "Send them again later."
    )


def test_a_file_of_another_program_is_left_alone(tmp_path):
    db = tmp_path / "other.db"
    with sqlite3.connect(db) as connection:
        connection.execute("CREATE TABLE requests (id)")
    connection.close()

    with pytest.raises(DevkitError) as caught:
        Store(db)

    assert str(caught.value) == f"{db} is the database of another program. Name another file with --db."


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    db = tmp_path / "newer.db"
    connection = open_for_writing(db)
    connection.execute("INSERT INTO _migrations VALUES (77, 'future', 'now')")
    connection.close()

    with pytest.raises(DevkitError) as caught:
        Store(db)

    assert str(caught.value) == (
        f"{db} was written by a newer azfunc-ext (schema 77, this one knows {migrations.LATEST}). "
        "Upgrade azfunc-ext-devkit, or name another file with --db."
    )


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    db = tmp_path / "notes.txt"
    db.write_text("Dear diary, " * 100)

    with pytest.raises(DevkitError) as caught:
        Store(db)

    assert str(caught.value) == f"{db} is not an SQLite file. Name another file with --db."
    assert db.read_text() == "Dear diary, " * 100


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    db = tmp_path / "file" / "insights.db"

    with pytest.raises(DevkitError) as caught:
        Store(db)

    assert str(caught.value) in {
        f"Cannot use {db} as the database: {why}. Make it writable, or name another file with --db."
        for why in ("File exists", "Not a directory")
    }


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DevkitError) as caught:
        Store(tmp_path)

    assert str(caught.value) == (
        f"Cannot use {tmp_path} as the database: unable to open database file. "
        "Make it writable, or name another file with --db."
    )


def test_the_default_file_is_in_the_users_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    assert default_path() == tmp_path / ".local/state/azfunc-ext/insights.db"


@pytest.mark.parametrize(("value", "used"), [("/somewhere", True), ("relative", False), ("", False)])
def test_xdg_state_home_is_respected(monkeypatch, value, used):
    monkeypatch.setenv("XDG_STATE_HOME", value)

    assert (default_path() == Path("/somewhere/azfunc-ext/insights.db")) is used


def test_a_file_of_an_older_version_keeps_its_items(tmp_path, monkeypatch):
    """A server brings it up to date and indexes what is there; who only reads says that this is needed."""
    db = tmp_path / "older.db"
    with monkeypatch.context() as before:
        before.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        connection = open_for_writing(db)
        connection.execute(
            "INSERT INTO traces (timestamp, itemCount, message) VALUES ('2026-01-02T03:04:05.000000Z', 1, 'of old')"
        )
        connection.close()
    with pytest.raises(
        DevkitError, match=r"older\.db was written by an older azfunc-ext\. Start 'azfunc-ext insights'"
    ):
        Reader(db)

    with closing(Store(db)) as store:
        store.wait_until(lambda: store.query("SELECT 1 FROM _shelves") or None, 10, "an indexed item")
        assert [row["message"] for row in Search("old").page(store)["items"]] == ["of old"]
