"""SQL can only read, ends in time, and takes no more memory than it may."""

from __future__ import annotations

import time

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.insights import sql, sql_process
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.sql import query
from tests.support.insights import envelope, post


@pytest.fixture(scope="module")
def store():
    with InsightsServer() as server:
        post(server, [envelope(name="GET /items"), envelope("MessageData")])
        yield server.store


@pytest.mark.parametrize(
    "sql",
    [
        "insert into requests (timestamp) values ('x')", "update requests set name = 'x'", "delete from requests",
        "drop table requests", "create table x (y)", "create temp table x (y)", "alter table requests rename to x",
        "attach database '/tmp/x.db' as x", "attach database ':memory:' as x", "detach database main", "vacuum",
        "vacuum into '/tmp/x.db'", "pragma journal_mode", "pragma query_only = 0", "select * from pragma_database_list",
        "reindex", "analyze", "begin", "commit", "savepoint x", "select load_extension('x')",
     "create virtual table x using fts5 (y)",
        "with x as (select 1) delete from requests",
    ],
)  # fmt: skip
def test_nothing_but_reading_is_allowed(store, sql):
    with pytest.raises(DevkitError, match="Only reading is allowed here"):
        query(store, sql)
    assert store.count("requests") == 1


@pytest.mark.parametrize(
    "sql", ["select readfile('/etc/passwd')", "select writefile('/tmp/x', 'y')", "select edit('x')"]
)
def test_no_file_is_read_or_written(store, sql):
    with pytest.raises(DevkitError):
        query(store, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n",
        "select count(*) from (with recursive n(x) as (select 1 union all select x + 1 from n limit 100000) select * from n) a "
        "join (with recursive n(x) as (select 1 union all select x + 1 from n limit 100000) select * from n) b",
    ],
    ids=["endless", "product"],
)
def test_what_does_not_end_is_ended(store, sql):
    began = time.monotonic()

    with pytest.raises(DevkitError, match=r"The query took longer than 0\.5 s\. Limit it by time"):
        query(store, sql, timeout=0.5)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive n(x) as (select 'aaaaaaaaaaaaaaaa' union all select x || x from n) select max(length(x)) from n",
        "select length(hex(zeroblob(500000000)))",
        "with recursive n(x) as (select 1 union all select x + 1 from n limit 1000) "
        "select length(group_concat(hex(zeroblob(500000)))) from n",
    ],
)
def test_what_fills_the_memory_is_refused(store, sql):
    with pytest.raises(DevkitError, match=r"String or blob too big|needs more memory than it may have|took longer"):
        query(store, sql, timeout=5)


def test_memory_is_bounded_where_lengths_cannot_be(store, monkeypatch, tmp_path):
    """Python 3.10 has no setlimit."""
    script = tmp_path / "older.py"
    script.write_text(
        "import json, runpy, sqlite3, sys\n"
        "sys.version_info = (3, 10)\n"
        f"runpy.run_path({sql_process.__file__!r}, run_name='__main__')"
    )
    monkeypatch.setattr(sql_process, "__file__", str(script))

    with pytest.raises(DevkitError, match="needs more memory than it may have"):
        query(store, "select length(zeroblob(400000000) || 'x')", timeout=20)


def test_what_becomes_longer_as_json_counts_as_that(store):
    """A character beyond the first 65536 is twelve bytes there."""
    found = query(
        store,
        "with recursive n(x) as (select 1 union all select x + 1 from n limit 200) "
        "select replace(hex(zeroblob(15000)), '0', char(128512)) from n",
        timeout=20,
    )

    assert found["truncated"]
    assert len(found["rows"]) < 50


def test_rows_are_limited(store):
    numbers = "with recursive n(x) as (select 1 union all select x + 1 from n limit 50) select x from n"

    assert (len(query(store, numbers, limit=10)["rows"]), query(store, numbers, limit=10)["truncated"]) == (10, True)
    assert (len(query(store, numbers, limit=50)["rows"]), query(store, numbers, limit=50)["truncated"]) == (50, False)


def test_all_of_an_answer_has_an_end(store):
    found = query(
        store,
        "with recursive n(x) as (select 1 union all select x + 1 from n limit 5000) select hex(zeroblob(20000)) from n",
        limit=5000, timeout=20,
    )  # fmt: skip

    assert found["truncated"]
    assert 100 < len(found["rows"]) < 1000


def test_a_long_value_is_cut_and_others_are_shown_as_json_can(store):
    ((text, blob, infinite, nothing),) = query(
        store, "select hex(zeroblob(100000)), x'00ff', 9e999, null"
    )["rows"]  # fmt: skip

    assert (len(text), text[-1]) == (65537, "…")
    assert (blob, infinite, nothing) == ("x'00ff'", "inf", None)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", r"The query is empty\. Write a statement, for example: select \* from requests limit 10"),
        ("select * from nowhere", r"No such table: nowhere\."),
        ("selct", r'Near "selct": syntax error\.'),
        ("select 1; select 2", r"You can only execute one statement at a time\."),
        ("-- nothing", r"Nothing was selected\. Write a statement that begins with SELECT or WITH\."),
    ],
)
def test_a_mistake_is_explained(store, sql, message):
    with pytest.raises(DevkitError, match=message):
        query(store, sql)


def test_json_can_be_looked_into(store):
    assert query(store, "select json_extract('{\"a\": 1}', '$.a')")["rows"] == [[1]]
    assert query(store, "select key, value from json_each('{\"a\": 1}')")["rows"] == [["a", 1]]
    assert query(store, "select count(*) from traces, json_tree(customDimensions)")["rows"] == [[0]]


def test_text_that_is_none_is_explained(store):
    with pytest.raises(DevkitError, match=r"Could not decode to UTF-8"):
        query(store, "select cast(x'ff' as text)")


def test_a_query_reads_beside_a_server_that_writes(store):
    assert query(store, "select count(*) from requests")["rows"] == [[1]]


def test_half_characters_are_replaced(store):
    assert query(store, "select '\ud800'")["rows"] == [["?"]]


def test_what_does_not_end_by_itself_is_killed(store, monkeypatch, tmp_path):
    """One step of SQLite's machine can take long, and nobody is asked in it whether to go on."""
    script = tmp_path / "never.py"
    script.write_text("import time\ntime.sleep(600)")
    monkeypatch.setattr(sql_process, "__file__", str(script))
    monkeypatch.setattr(sql, "GRACE_SECONDS", 0.1)

    with pytest.raises(DevkitError, match=r"The query took longer than 0\.1 s"):
        query(store, "select 1", timeout=0.1)
