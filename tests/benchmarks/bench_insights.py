"""What the local Application Insights takes for a million items: to store them, to find them, and in memory.

Storing: batches of 512 items of tests/support/many_items.py are posted to `azfunc-ext insights` in a process of its own
(lines in gzip, and arrays), over one connection and over four, each waiting for its answer. Beside it
`sqlite3.executemany` of the same rows, in this process, into a file with the same schema, indexes and pragmas, one
commit a batch. The raw side has all of the tables' own indexes; it has no HTTP, no JSON, no checks and no full-text
search. `stored` counts until the last answer; `searchable` until the full-text index has all of it as well. The client
takes its share of the same processors.

Memory: the most that the server's process ever had in memory, after a million items came over HTTP.

Finding: the first page of a search, and what a transaction's page and the others are made of, in a file of a million
indexed items, beside a bare scan of one table. And the same search while as many items are not indexed yet as a server lets wait.

Prediction, before measuring: one connection 0.38x stored, four 0.40x, as the parser holds the GIL; searchable 0.15x
with an index that takes 45 us an item (as it then did; now 13). 120 MB. Searches 2 to 10 ms, 100 ms where the beginning
of a word is one letter; a transaction 2 ms. Performance 400 ms, as its
percentiles come from an index in the order of durations. Bars: 0.35x, 300 MB, 150 ms, 50 ms, 500 ms.

`python -m tests.benchmarks.bench_insights [ITEMS]` for another number of items.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from ext_devkit.insights.analysis.application_map import application_map
from ext_devkit.insights.analysis.failures import failures
from ext_devkit.insights.analysis.metrics import metrics
from ext_devkit.insights.analysis.performance import histogram, performance
from ext_devkit.insights.analysis.window import Window
from ext_devkit.insights.search import Search
from ext_devkit.insights.store import indexing
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.schema import INSERTS
from ext_devkit.insights.store.store import Store
from ext_devkit.insights.transaction import Transaction
from tests.benchmarks import sent
from tests.support import many_items
from tests.support.insights import insights_process

TOGETHER, DISTINCT = 512, 200
ROUNDS, BATCHES = 5, 40
REPEATS = 11

QUESTIONS = {
    "everything": {},
    "a common word": {"q": many_items.COMMON_WORD},
    "a rare word": {"q": many_items.RARE_WORD},
    "a word that is nowhere": {"q": many_items.ABSENT_WORD},
    "common words never side by side": {"q": '"customer order"'},
    "the beginning of a word": {"q": "ord*"},
    "one digit and a star": {"q": "1*"},
    "failed calls of a role": {"success": False, "having": {"cloud_RoleName": "payments"}},
    "a common word in warnings": {"q": many_items.COMMON_WORD, "severity": 2},
    "a rare word of another role": {"q": many_items.RARE_WORD, "having": {"cloud_RoleName": "nobody"}},
}

ALL_TIME = Window()
PAGES = {
    "performance": lambda reader: performance(reader, ALL_TIME),
    "performance of dependencies": lambda reader: performance(reader, ALL_TIME, kind="dependencies"),
    "durations as a histogram": lambda reader: histogram(reader, ALL_TIME),
    "failures": lambda reader: failures(reader, ALL_TIME),
    "metrics": lambda reader: metrics(reader, ALL_TIME),
    "application map": lambda reader: application_map(reader, ALL_TIME),
    "latest operations": lambda reader: reader.recent_operations(50),
}
BARS = {"performance": 500}


def batches():
    made = many_items.rows(TOGETHER * DISTINCT)
    return [list(islice(made, TOGETHER)) for _ in range(DISTINCT)]


def raw(path, made):
    """Return a function that stores the next batches by `executemany` alone."""
    connection, tables = open_for_writing(path), []
    for batch in made:
        rows = {}
        for table, row in batch:
            rows.setdefault(table, []).append(row)
        tables.append(rows)
    following = cycle(tables)

    def store():
        for _ in range(BATCHES):
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in next(following).items():
                connection.executemany(INSERTS[table], rows)
            connection.execute("COMMIT")

    return store


class Client:
    """Posts bodies over some connections, each of which waits for its answers."""

    def __init__(self, port, connections):
        self._connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for _ in range(connections)]
        self._pool = ThreadPoolExecutor(connections)

    def post(self, bodies):
        shares = [bodies[number :: len(self._connections)] for number in range(len(self._connections))]
        list(self._pool.map(self._post, self._connections, shares))

    @staticmethod
    def _post(connection, bodies):
        for body, headers in bodies:
            connection.request("POST", "/v2.1/track", body, headers)
            answer = json.loads(connection.getresponse().read())
            assert answer["itemsAccepted"] == TOGETHER, answer

    def close(self):
        for connection in self._connections:
            connection.close()
        self._pool.shutdown()


def port_of(printed):
    return int(printed["url"].rpartition(":")[2])


def unindexed(reader):
    with reader.snapshot() as connection:
        return sum(indexing.waiting(connection))


def seconds(call, *arguments):
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def settle(reader, patience=600):
    started = time.perf_counter()
    while unindexed(reader):
        if time.perf_counter() - started > patience:
            raise TimeoutError(f"{unindexed(reader)} items are still not indexed")
        time.sleep(0.01)


def storing(folder):
    made = batches()
    store, form = raw(folder / "raw.db", made), {"lines in gzip": sent.lines, "arrays": sent.array}
    print(f"Items stored per second beside sqlite3.executemany (medians of {ROUNDS} rounds, in turn)")
    file = folder / "posted.db"
    with insights_process("--port", 0, "--db", file) as (_process, printed), Reader(file) as reader:
        for name, write in form.items():
            bodies = [write(batch) for batch in made]
            for connections in (1, 4):
                with closing(Client(port_of(printed), connections)) as client:
                    beside(f"{name}, {connections} connection(s)", store, client, cycle(bodies), reader)
    print(flush=True)


def beside(title, store, client, bodies, reader):
    items, taken = BATCHES * TOGETHER, []
    for _ in range(ROUNDS + 1):
        peer, some = seconds(store), list(islice(bodies, BATCHES))
        stored = seconds(client.post, some)
        behind = unindexed(reader)
        taken.append((peer, stored, stored + seconds(settle, reader), behind))
    peers, stored, searchable, behind = (median(values) for values in zip(*taken[1:], strict=True))
    ratios = [median(one[0] / one[part] for one in taken[1:]) for part in (1, 2)]
    print(
        f"  {title:<32} raw {items / peers:8,.0f}  stored {items / stored:8,.0f} {ratios[0]:5.2f}x (bar 0.35x)  "
        f"searchable {items / searchable:8,.0f} {ratios[1]:5.2f}x  not yet searchable at the end: {behind:,.0f}",
        flush=True,
    )


def memory(folder, items):
    bodies = cycle([sent.lines(batch) for batch in batches()])
    with insights_process("--port", 0, "--db", folder / "many.db") as (process, printed):
        with closing(Client(port_of(printed), 4)) as client, Reader(folder / "many.db") as reader:
            taken = seconds(client.post, list(islice(bodies, items // TOGETHER)))
            behind = unindexed(reader)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    most = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(
        f"Memory while {items:,} items came in {taken:.0f} s: at most {most:.0f} MB (bar 300 MB); "
        f"not yet searchable at the end: {behind:,}\n",
        flush=True,
    )


def middle(call):
    return median(seconds(call) for _ in range(REPEATS)) * 1000


def finding(folder, items):
    path = many_items.build(folder / "day.db", items)
    with closing(Store(path)) as store:
        taken = seconds(settle, store)
        size = path.stat().st_size / 1e6
        print(f"Indexing {items:,} items: {taken:.0f} s, {taken / items * 1e6:.0f} us an item; {size:.0f} MB")
        scan = middle(lambda: store.query("SELECT count(*) FROM traces WHERE message LIKE '%flamingo%'"))
        print(f"First page among {items:,} items (medians of {REPEATS}); a bare scan of the traces takes {scan:.0f} ms")
        for title, asked in QUESTIONS.items():
            report(title, middle(lambda asked=asked: Search(**asked).page(store, 50)), scan, 150)
        newest = store.query("SELECT operation_Id AS id FROM requests ORDER BY itemId DESC LIMIT 1")[0]["id"]
        report("one transaction", middle(lambda: Transaction.read(store, newest).items()), scan, 50)
        print("What the other pages are made of, of all time")
        for title, ask in PAGES.items():
            report(title, middle(lambda ask=ask: ask(store)), scan, BARS.get(title))
    late = many_items.rows(indexing.MOST_WAITING, seed=2)
    with closing(open_for_writing(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table, row in late:
            connection.execute(INSERTS[table], row)
        connection.execute("COMMIT")
    with Reader(path) as reader:
        print(f"The same while {unindexed(reader):,} items are not indexed yet")
        for title in ("everything", "a common word", "a rare word", "a word that is nowhere"):
            report(title, middle(lambda title=title: Search(**QUESTIONS[title]).page(reader, 50)), scan, 150)


def report(title, milliseconds, scan, bar):
    told = f"  (bar {bar} ms)" if bar else ""
    print(f"  {title:<32} {milliseconds:8.1f} ms  {milliseconds / scan:6.3f}x of the scan{told}", flush=True)


def main():
    items = int(sys.argv[1]) if len(sys.argv) > 1 else many_items.ITEMS
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        storing(Path(folder))
        memory(Path(folder), items)
        finding(Path(folder), items)


if __name__ == "__main__":
    main()
