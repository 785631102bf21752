"""The items that the benchmarks of the local Application Insights use are what a server makes of what is sent."""

from __future__ import annotations

from datetime import datetime, timezone

from ext_devkit.insights.ingest.document import read_items
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.moment import Window
from tests.benchmarks import sent
from tests.support import many_items

UNTIL = datetime(2026, 1, 2, tzinfo=timezone.utc)


def test_the_rows_are_those_that_are_stored_when_they_are_sent():
    """Or else `sqlite3.executemany` beside them would store something else."""
    items = list(many_items.rows(4000, until=UNTIL))
    body, _headers = sent.array(items)

    assert [read_item(item, Window(UNTIL)) for item in read_items(body)] == items


def test_the_same_seed_makes_the_same_items():
    first, second = (list(many_items.rows(1000, until=UNTIL, seed=5)) for _ in range(2))

    assert first == second
    assert first != list(many_items.rows(1000, until=UNTIL, seed=6))
