"""Items are found by words, by what they are and by time, newest first, whether or not they are indexed yet."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.facets import facets
from ext_devkit.insights.ingest.maps import to_json
from ext_devkit.insights.search import Search
from ext_devkit.insights.store import indexing, retention
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.schema import COLUMNS, INSERTS, TABLES

REQUIRED = {
    "requests": {"id": "a", "duration": 1.0, "success": 1, "resultCode": "200"},
    "dependencies": {"name": "", "duration": 1.0, "success": 1},
    "traces": {"message": ""},
    "exceptions": {"details": "[]"},
    "customEvents": {"name": ""},
    "customMetrics": {"name": "", "value": 1, "valueCount": 1, "valueSum": 1, "origin": "application"},
    "pageViews": {"id": "a", "name": ""},
    "availabilityResults": {"id": "a", "name": "", "duration": 1.0, "success": 1},
}


def time_of(second):
    return f"2026-01-02T03:{second // 60:02}:{second % 60:02}.000000Z"


class File:
    """A file with items of the test's own, and a reader of it."""

    def __init__(self, path):
        self.connection = open_for_writing(path)
        self.reader = Reader(path)

    def store(self, table, second=0, **values):
        """Store an item of that second."""
        row = {"timestamp": time_of(second), "itemCount": 1} | REQUIRED[table] | values
        return self.connection.execute(INSERTS[table], [row.get(column) for column in COLUMNS[table]]).lastrowid

    def index(self):
        while indexing.step(self.connection):
            pass

    def delete_before(self, second):
        retention.delete(self.connection, time_of(second))

    def found(self, q="", **asked):
        return [self.name(row) for row in Search(q, **asked).page(self.reader, 500)["items"]]

    @staticmethod
    def name(row):
        return row.get("name") or row.get("message")

    def close(self):
        self.reader.close()
        self.connection.close()


@pytest.fixture
def file(tmp_path):
    with closing(File(tmp_path / "items.db")) as file:
        yield file


@pytest.fixture(params=["indexed", "stored only"])
def settle(request, file):
    """Called when all is stored: what follows holds whether or not there was time to index it."""
    return file.index if request.param == "indexed" else (lambda: None)


def test_words_are_found_wherever_they_stand(file, settle):
    file.store("requests", 1, name="GET /orders", url="http://localhost/orders/17?full=yes")
    file.store("traces", 2, message="Order 17 was sold")
    file.store("dependencies", 3, name="SELECT", data="select * from orders", customDimensions='{"tenant": "Zoë"}')
    file.store("exceptions", 4, outerType="ValueError", message="no such order", problemId="ValueError at sell")
    settle()

    assert file.found("orders") == ["SELECT", "GET /orders"]
    assert file.found("17") == ["Order 17 was sold", "GET /orders"]
    assert file.found("17 SOLD") == ["Order 17 was sold"]
    assert file.found("tenant") == file.found("zoe") == ["SELECT"]
    assert file.found("valueerror") == ["no such order"]
    assert file.found("order*") == ["no such order", "SELECT", "Order 17 was sold", "GET /orders"]
    assert file.found('"such order"') == ["no such order"]
    assert file.found('"order such"') == []
    assert file.found("orders/17") == ["GET /orders"]


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "'",
        "*",
        "AND",
        "NOT x",
        "a AND OR",
        "words:a",
        "((",
        "-a",
        "^a",
        "{a}",
        "\0",
        "\ud800",
        "NEAR(a b)",
        '"" *',
    ],
)
def test_no_question_is_malformed(file, settle, q):
    file.store("traces", message="nothing of it")
    settle()

    assert file.found(q) in ([], ["nothing of it"])


def test_signs_alone_ask_for_nothing(file):
    file.store("traces", message="hello")

    assert file.found('* - "') == ["hello"]


def test_items_are_filtered_by_what_they_are(file, settle):
    file.store("requests", 1, name="ok", cloud_RoleName="shop")
    file.store("requests", 2, name="bad", success=0, resultCode="500", cloud_RoleName="shop")
    file.store("dependencies", 3, name="slow", success=0, cloud_RoleName="stock", operation_Id="abc")
    file.store("traces", 4, message="warned", severityLevel=2)
    file.store("traces", 5, message="failed", severityLevel=3, operation_Id="abc")
    settle()

    assert file.found(success=False) == ["slow", "bad"]
    assert file.found(success=True) == ["ok"]
    assert file.found(severity=2) == ["failed", "warned"]
    assert file.found(severity=3) == ["failed"]
    assert file.found(tables=["requests", "traces"]) == ["failed", "warned", "bad", "ok"]
    assert file.found(having={"cloud_RoleName": "shop"}) == ["bad", "ok"]
    assert file.found(having={"cloud_RoleName": "shop", "resultCode": "500"}) == ["bad"]
    assert file.found(having={"operation_Id": "abc"}, tables=["dependencies"]) == ["slow"]
    assert file.found("failed", success=False) == []


def test_times_limit_it_and_the_end_is_left_out(file, settle):
    for second in range(5):
        file.store("traces", second, message=str(second))
    settle()

    assert file.found(since="2026-01-02T03:00:01.000000Z", until="2026-01-02T03:00:04.000000Z") == ["3", "2", "1"]


def test_pages_follow_each_other_while_more_is_stored(file):
    for second in range(7):
        file.store("traces", second, message=str(second))
    file.index()
    first = Search().page(file.reader, 3)
    file.store("traces", 9, message="new")
    second = Search().page(file.reader, 3, first["next"])
    file.index()
    third = Search().page(file.reader, 3, second["next"])

    pages = [[row["message"] for row in page["items"]] for page in (first, second, third)]
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert third["next"] is None


def test_items_of_one_moment_are_all_found(file, settle):
    for number in range(600):
        file.store("traces", message=str(number))
    settle()

    seen, cursor = [], None
    while True:
        page = Search().page(file.reader, 250, cursor)
        seen += [row["message"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert sorted(map(int, seen)) == list(range(600))


def test_what_is_deleted_is_found_no_more(file):
    """Though it stays in the index as long as other items of its shelf are there."""
    file.store("traces", 1, message="old news", customDimensions='{"a": "b"}')
    file.store("requests", 2, name="old request")
    file.store("traces", 3, message="new")
    file.index()
    file.delete_before(3)
    file.store("requests", 4, name="newest")
    file.index()

    assert file.found() == ["newest", "new"]
    assert file.found("old") == file.found("b") == []
    assert file.found("newest") == ["newest"]


def test_who_gets_the_number_of_a_deleted_item_is_indexed_as_well(file):
    """SQLite gives the largest number of a table again."""
    file.store("requests", 9, name="stays")
    first = file.store("traces", 1, message="old")
    file.index()
    file.delete_before(2)
    assert file.store("traces", 1, message="fresh") == first
    assert file.found("fresh") == ["fresh"]
    file.index()

    assert file.found("fresh") == ["fresh"]
    assert file.found("fresh", since=time_of(1), until=time_of(2)) == ["fresh"]


def test_the_index_is_dropped_with_the_last_of_its_items(file, monkeypatch):
    monkeypatch.setattr(indexing, "SHELF", 2)
    for second in range(6):
        file.store("traces", second, message=f"number {second}")
        file.index()
    assert [shelf.number for shelf in indexing.shelves(file.connection)] == [3, 2, 1]
    file.delete_before(3)

    assert [shelf.number for shelf in indexing.shelves(file.connection)] == [3, 2]
    assert file.connection.execute("SELECT 1 FROM sqlite_master WHERE name LIKE '_search_1%'").fetchall() == []
    assert file.found("number") == ["number 5", "number 4", "number 3"]


def test_a_python_without_full_text_search_finds_and_deletes_as_well(file, tmp_path):
    """Also what another Python has indexed; here the index is of a kind that no SQLite knows."""
    for second in range(4):
        file.store("traces", second, message=f"number {second}", severityLevel=second)
        file.index() if second < 2 else None
    file.connection.execute("PRAGMA writable_schema = ON")
    file.connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts9') WHERE name = '_search_1'")
    file.close()
    with closing(File(tmp_path / "items.db")) as file:
        with pytest.raises(sqlite3.OperationalError, match="no such module: fts9"):
            file.index()
        assert file.found("number") == ["number 3", "number 2", "number 1", "number 0"]
        assert file.found("numb*", severity=2) == ["number 3", "number 2"]
        file.delete_before(9)

        assert file.found() == file.found("number") == []


def test_what_is_not_indexed_is_looked_at_by_number_alone(file):
    """An index that has the columns asked for would be read from end to end, though there are only a few new items."""
    file.store("requests", 1, name="old", success=0, cloud_RoleName="shop")
    file.index()
    file.store("requests", 2, name="new", success=0, cloud_RoleName="shop")
    statements = []
    with file.reader.snapshot() as connection:
        connection.set_trace_callback(statements.append)
    assert file.found(success=False, having={"cloud_RoleName": "shop"}, tables=["requests"]) == ["new", "old"]

    (scan,) = [sql for sql in statements if "FROM requests NOT INDEXED" in sql]
    plan = file.reader.query(f"EXPLAIN QUERY PLAN {scan}")
    assert "SEARCH requests USING INTEGER PRIMARY KEY (rowid>?)" in plan[0]["detail"]


def test_several_shelves_are_one_index(file, monkeypatch):
    """Also where items arrive in another order than that of their times, and page by page."""
    monkeypatch.setattr(indexing, "SHELF", 3)
    for second in (5, 1, 9, 3, 7, 2, 8, 4, 6, 0):
        file.store("traces", second, message=f"number {second}")
        file.index()
    pages, cursor = [], None
    while pages == [] or cursor:
        page = Search("number", severity=None).page(file.reader, 4, cursor)
        pages.append([row["message"][-1] for row in page["items"]])
        cursor = page["next"]

    assert pages == [["9", "8", "7", "6"], ["5", "4", "3", "2"], ["1", "0"]]


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]
)
def test_any_time_can_be_stored(file, settle, time):
    file.store("traces", timestamp=time, message="far away")
    settle()

    assert file.found("away") == ["far away"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tables": ["logs"]}, "There is no table 'logs'. Known: requests, dependencies, traces,"),
        ({"severity": 5}, r"There is no severity 5. Use 0 \(verbose\) to 4 \(critical\)."),
        ({"having": {"url": "x"}}, "Items cannot be filtered by 'url'. Known: name, cloud_RoleName,"),
    ],
)
def test_a_question_about_what_there_is_not_is_refused(file, asked, message):
    with pytest.raises(DevkitError, match=message):
        file.found(**asked)


def test_a_foreign_cursor_is_refused(file):
    with pytest.raises(DevkitError, match=r"'-1' is no cursor\. Take the one that 'next' of a page has\."):
        Search().page(file.reader, cursor="-1")


def test_a_running_server_indexes_what_it_stores(server):
    from tests.support.insights import envelope, post

    post(server, [envelope("MessageData", message="find me")])
    server.store.wait_until(lambda: server.store.query("SELECT 1 FROM _shelves") or None, 10, "an indexed item")

    assert [row["message"] for row in Search("find").page(server.store)["items"]] == ["find me"]


WORDS = st.sampled_from(
    ["line\nbreak", 'C:\\new "quoted"', "order", "Orders", "é", "sold", "17", "x_y", "a-b", "ÉTÉ", "日本"]
)
ITEMS = st.lists(st.tuples(st.sampled_from(TABLES), st.integers(0, 3), st.lists(WORDS, max_size=3)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(ITEMS, st.lists(WORDS, max_size=2), st.integers(0, 12))
def test_the_index_finds_what_a_look_at_each_item_finds(tmp_path_factory, items, asked, indexed):
    expected = []
    with closing(File(tmp_path_factory.mktemp("search") / "items.db")) as file:
        for number, (table, second, texts) in enumerate(items):
            if number == indexed:
                file.index()
            item = file.store(table, second, customDimensions=to_json({"text": " ".join(texts)}))
            if set(_tokens(" ".join(asked))) <= set(_tokens(" ".join(texts))):
                expected.append((table, item))
        found = Search(" ".join(asked)).page(file.reader)["items"]

    times = [row["timestamp"] for row in found]
    assert times == sorted(times, reverse=True)
    assert sorted((TABLE[row["itemType"]], row["itemId"]) for row in found) == sorted(expected)


TABLE = {"dependency": "dependencies"} | {table.removesuffix("s"): table for table in TABLES}


def _tokens(text):
    """Return a text's words as they are compared."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))
    return re.findall(r"[^\W_]+", plain)


def test_values_are_counted_as_long_as_their_items_are_there(file):
    for second, role in enumerate(["shop", "stock", "shop"]):
        file.store("requests", second, name="GET /", cloud_RoleName=role)
    file.store("traces", 5, message="hello", cloud_RoleName="shop")
    file.index()
    shop, stock = ({"value": role, "count": count} for role, count in (("shop", 3), ("stock", 1)))
    assert facets(file.reader)["roles"] == [shop, stock]
    assert facets(file.reader)["names"] == [{"value": "GET /", "count": 3}]
    assert facets(file.reader)["resultCodes"] == [{"value": "200", "count": 3}]

    file.delete_before(2)
    assert facets(file.reader)["roles"] == [{"value": "shop", "count": 2}]
