"""What is too old, or too much, goes: the oldest first, in small parts, and the file becomes smaller."""

from __future__ import annotations

import signal
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from ext_devkit.cli.insights import command as insights
from ext_devkit.errors import DevkitError
from ext_devkit.insights.search import Search
from ext_devkit.insights.store import indexing, retention
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.retention import Retention
from ext_devkit.insights.store.schema import INSERTS
from ext_devkit.insights.store.store import Store
from tests.support import many_items

MEGABYTE = 1_000_000


@pytest.fixture
def connection(tmp_path):
    with closing(open_for_writing(tmp_path / "items.db")) as connection:
        yield connection


@pytest.fixture
def reader(tmp_path, connection):
    with Reader(tmp_path / "items.db") as reader:
        yield reader


def store(connection, days_ago, message, table="traces"):
    moment = datetime.now(timezone.utc) - timedelta(days=days_ago)
    columns = {"traces": "message", "customEvents": "name"}[table]
    connection.execute(
        f"INSERT INTO {table} (timestamp, itemCount, {columns}) VALUES (?, 1, ?)",
        (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), message),
    )


def keep(connection, **bounds):
    """Do all that there is to do; return in how many parts."""
    kept, parts = Retention(**bounds), 0
    while kept.step(connection):
        parts += 1
    return parts


def index(connection):
    while indexing.step(connection):
        pass


def test_items_go_when_they_are_older_than_they_are_kept(connection, reader):
    """Of each table, whether or not they are indexed."""
    store(connection, 3, "old")
    index(connection)
    store(connection, 2.5, "old too")
    store(connection, 2.1, "old event", "customEvents")
    store(connection, 1.9, "young")
    keep(connection, keep_days=2)

    assert [row["message"] for row in reader.rows("traces")] == ["young"]
    assert reader.count("customEvents") == 0
    assert Search("old").page(reader)["items"] == []


@pytest.mark.parametrize("bounds", [{}, {"keep_days": None, "max_bytes": None}])
def test_nothing_goes_for_its_age_unless_that_is_asked_for(connection, reader, bounds):
    """It may have been imported because somebody wants to look at it."""
    store(connection, 100_000, "very old")
    keep(connection, **bounds)

    assert reader.count("traces") == 1


def test_any_number_of_days_is_understood(connection, reader):
    """More than there were since the year 1, and a part of one."""
    store(connection, 0.2, "some hours old")
    keep(connection, keep_days=1e9)
    assert reader.count("traces") == 1
    keep(connection, keep_days=0.1)

    assert reader.count("traces") == 0


def test_the_oldest_go_when_the_file_is_too_large_and_it_becomes_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "LEAST_BYTES", 0)
    monkeypatch.setattr(retention, "FEW_PAGES", 16)
    monkeypatch.setattr(indexing, "TOGETHER", 200)
    monkeypatch.setattr(indexing, "SHELF", 200)
    path = many_items.build(tmp_path / "many.db", 2000)
    with closing(open_for_writing(path)) as connection, Reader(path) as reader:
        index(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before, newest = path.stat().st_size, reader.rows("requests")[-1]
        assert before > MEGABYTE
        parts = keep(connection, max_bytes=MEGABYTE)
        # More than it must, so that it need not begin again with the next item.
        assert retention.used_bytes(connection) <= 0.9 * MEGABYTE
        left = Search().page(reader, 500)["items"]

        assert parts > 1
        assert path.stat().st_size < MEGABYTE < before
        assert reader.query("SELECT 1 FROM requests WHERE itemId = ?", [newest["itemId"]])
        assert left[-1]["timestamp"] >= indexing.oldest_time(connection)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_values_are_no_longer_offered_when_their_items_are_gone(connection, reader):
    row = next(row for table, row in many_items.rows(100, until=many_items_end()) if table == "requests")
    connection.execute(INSERTS["requests"], row)
    index(connection)
    assert reader.query("SELECT 1 FROM _values")
    keep(connection, keep_days=1)

    assert reader.query("SELECT * FROM _values") == []


def many_items_end():
    return datetime.now(timezone.utc) - timedelta(days=5)


def test_a_running_server_deletes_what_is_old(tmp_path):
    with closing(open_for_writing(tmp_path / "items.db")) as connection:
        store(connection, 3, "old")
    with closing(Store(tmp_path / "items.db", keep_days=2)) as running:
        rows = running.wait_until(lambda: [] if running.count("traces") == 0 else None, 10, "the end of the old item")

    assert rows == []


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"keep_days": 0}, "Items cannot be kept for 0 days. Use more than 0, as in 0.5 for half a day."),
        ({"keep_days": float("nan")}, "Items cannot be kept for nan days. Use more than 0, as in 0.5 for half a day."),
        ({"max_bytes": 5}, "A file of 5 bytes is too small. Use 100000000 (100 MB) or more."),
    ],
)
def test_bounds_within_which_nothing_could_be_kept_are_refused(bounds, message, tmp_path):
    with pytest.raises(DevkitError) as caught:
        Store(tmp_path / "items.db", **bounds)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500MB", 500_000_000),
        ("2GiB", 2 * 1024**3),
        ("1.5 gb", 1_500_000_000),
        (" 123 ", 123),
        ("4096B", 4096),
        ("NONE", None),
    ],
)
def test_sizes_are_read_as_they_are_written(text, expected):
    assert retention.size(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-1", "1 apple", "1e9", "1iB", "\u0661MB"])
def test_what_is_no_size_is_named(text):
    with pytest.raises(DevkitError) as caught:
        retention.size(text)

    assert str(caught.value) == (f"'{text}' is no size. Use a number with MB, GB, MiB or GiB, as in 500MB, or none.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep-days", "0", "--max-size", "1GB"], r"Items cannot be kept for 0 days\."),
        (["--max-size", "99MB"], r"A file of 99000000 bytes is too small\."),
        (["--max-size", "1GBytes"], r"'1GBytes' is no size\."),
    ],
)
def test_the_command_takes_both_bounds(options, message, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of the tests stay
    with pytest.raises(DevkitError, match=message):
        CliRunner().invoke(insights, ["--port", "0", *options], catch_exceptions=False)
