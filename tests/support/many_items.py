"""A file of the local Application Insights with as many items as a busy day has, for benchmarks of its pages.

`build(path)` writes 1,000,000 items in about half a minute, straight into the tables; `rows(...)` gives the same without
a file. Four roles call each other in twenty operations, with messages, exceptions, metrics, events, page views and
availability tests, spread over the day that ends at `until`. The same seed and end always give the same items.

The items are in no search index: a server, or whatever else indexes a file, has to be given time for that.

From the command line: `python -m tests.support.many_items FILE [ITEMS]`.
"""

from __future__ import annotations

import math
import random
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ext_devkit.insights.ingest.maps import to_json
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.store.schema import COLUMNS, INSERTS

ITEMS = 1_000_000
INSTRUMENTATION_KEY = "10ca1000-0000-4000-8000-000000000000"
DAY = timedelta(days=1)
LONGEST = timedelta(minutes=1)
"""How long before the end of the day the last transaction begins."""

TOGETHER = 20_000
"""Items of one commit."""

ITEMS_OF_A_TRANSACTION = 7.8
"""How many there are in the mean, so that the day is just full when all are made."""

COMMON_WORD = "order"
"""In about every second item."""

RARE_WORD = "flamingo"
"""In the message of one trace of each `RARE` transactions."""

RARE = 12_000
ABSENT_WORD = "unheard"
"""In none."""


class Call(NamedTuple):
    """What an operation calls: a service of ours if `operation` is one of its requests."""

    type: str
    target: str
    name: str
    data: str
    operation: str = ""


class Operation(NamedTuple):
    """One kind of request: its role, the median of its duration in ms, how often it fails, and what it does."""

    role: str
    milliseconds: float
    failing: float
    calls: tuple[Call, ...] = ()
    weight: int = 0
    """How often it is what starts a transaction."""


def _http(target, name, operation=""):
    return Call("HTTP", target, name, f"http://{target}{name.partition(' ')[2]}", operation)


def _sql(target, statement):
    return Call("SQL", f"sql.example | {target}", f"{target}: {statement.split()[0]}", statement)


RESERVE = _http("stock:80", "POST /reservations", "POST /reservations")
LEVELS = _http("stock:80", "GET /levels/{sku}", "GET /levels/{sku}")
CHARGE = _http("payments:80", "POST /charges", "POST /charges")
REFUND = _http("payments:80", "POST /refunds", "POST /refunds")
READ_ORDER = _sql("orders", "SELECT id, state, total FROM orders WHERE id = ?")
WRITE_ORDER = _sql("orders", "INSERT INTO orders (customer, total) VALUES (?, ?)")
READ_STOCK = _sql("stock", "SELECT sku, level FROM stock WHERE sku = ?")
WRITE_STOCK = _sql("stock", "UPDATE stock SET level = level - ? WHERE sku = ?")
READ_CACHE = Call("redis", "cache.example:6379", "GET", "GET basket:?")
QUEUE_MAIL = Call("Azure queue", "mails", "mails send", "mails")
BLOB = Call("Azure blob", "files.example", "PUT receipts", "https://files.example/receipts/?")
BANK = _http("bank.example", "POST /v1/payments")
SMTP = _http("mail.example", "POST /send")

OPERATIONS = {
    "GET /orders/{id}": Operation("shop", 25, 0.01, (READ_CACHE, READ_ORDER), 30),
    "GET /orders": Operation("shop", 60, 0.005, (READ_ORDER, LEVELS), 15),
    "POST /orders": Operation("shop", 220, 0.04, (WRITE_ORDER, RESERVE, CHARGE, QUEUE_MAIL), 12),
    "DELETE /orders/{id}": Operation("shop", 150, 0.03, (READ_ORDER, REFUND), 3),
    "GET /basket": Operation("shop", 8, 0.001, (READ_CACHE,), 25),
    "PUT /basket": Operation("shop", 15, 0.01, (READ_CACHE, LEVELS), 12),
    "GET /products": Operation("shop", 45, 0.002, (READ_STOCK, READ_CACHE), 25),
    "GET /products/{sku}": Operation("shop", 30, 0.02, (READ_CACHE, LEVELS), 20),
    "POST /sign-in": Operation("shop", 90, 0.12, (READ_CACHE,), 6),
    "GET /health": Operation("shop", 1.5, 0.0, (), 10),
    "GET /levels/{sku}": Operation("stock", 10, 0.01, (READ_STOCK,), 4),
    "POST /reservations": Operation("stock", 35, 0.03, (READ_STOCK, WRITE_STOCK), 1),
    "PUT /levels/{sku}": Operation("stock", 20, 0.01, (WRITE_STOCK,), 3),
    "CountStock": Operation("stock", 900, 0.02, (READ_STOCK, READ_STOCK, WRITE_STOCK), 1),
    "POST /charges": Operation("payments", 140, 0.05, (BANK,), 1),
    "POST /refunds": Operation("payments", 160, 0.04, (BANK,), 1),
    "SettlePayments": Operation("payments", 2500, 0.05, (BANK, BANK, BLOB), 1),
    "SendMail": Operation("mailer", 120, 0.06, (SMTP, BLOB), 8),
    "SendReminders": Operation("mailer", 700, 0.02, (READ_ORDER, SMTP, SMTP), 2),
    "CleanUp": Operation("mailer", 400, 0.01, (READ_ORDER,), 1),
}
"""Every kind of request; those with HTTP methods have a URL."""

MESSAGES = (
    "order {n} of customer {c} has {k} lines",
    "looking for order {n} in the cache",
    "price of sku-{s} is {c}.{k} EUR",
    "tenant {t} has {c} requests left in this window",
    "attempt {k} of order {n} took {c} ms",
    "stock of sku-{s} is {k}",
)

EXCEPTIONS = (
    ("ValueError", "order {n} has no lines", "app.orders", "read_lines"),
    ("TimeoutError", "no answer within {c} ms", "app.http", "ask"),
    ("KeyError", "'sku-{s}'", "app.stock", "level_of"),
    ("ConnectionResetError", "[Errno 104] Connection reset by peer", "app.http", "ask"),
    ("app.payments.DeclinedError", "card of customer {c} was declined", "app.payments", "charge"),
)

METRICS = (
    ("basket size", "shop", "application"),
    ("queue length", "mailer", "application"),
    ("open connections", "payments", "application"),
    ("stock reserved", "stock", "application"),
    ("requests/duration", "shop", "standard"),
    ("dependencies/duration", "shop", "standard"),
)

SLOTS = {table: {column: place for place, column in enumerate(columns)} for table, columns in COLUMNS.items()}


class Day:
    """Makes the items of a day, one transaction after the other."""

    def __init__(self, items: int, until: datetime, seed: int) -> None:
        self._random = random.Random(seed)
        self._start = until.astimezone(timezone.utc) - DAY
        self._transactions = max(1, round(items / ITEMS_OF_A_TRANSACTION))
        names = list(OPERATIONS)
        self._names = self._random.choices(names, [OPERATIONS[name].weight for name in names], k=4096)
        self._factors = [math.exp(self._random.gauss(0, 0.5)) for _ in range(4096)]
        self._made: list[tuple[str, list[object]]] = []

    def rows(self):
        """Return pairs of table and row, for as long as anybody wants them."""
        number = 0
        while True:
            share = number / self._transactions
            # Twice as many in the middle of the day as at its ends, and none past it.
            moment = self._start + (DAY - LONGEST) * min(share + 0.05 * math.sin(2 * math.pi * share), 1)
            self._transaction(number, moment)
            yield from self._made
            self._made.clear()
            number += 1

    def _transaction(self, number, moment):
        name = self._names[self._random.getrandbits(12)]
        common = {"operation_Id": f"{self._random.getrandbits(128):032x}", "operation_Name": name}
        self._request(name, moment, common, None)
        role = OPERATIONS[name].role
        if number % RARE == RARE // 2:
            self._add("traces", moment, common, role, message=f"a {RARE_WORD} in tenant {number % 40}", severityLevel=2)
        if number % 20 == 0:
            self._add("customEvents", moment, common, role, name="order placed", customDimensions=self._properties())
        if number % 25 == 0:
            self._page(moment, common)
        if number % 4 == 0:
            self._metric(moment, number)
        if number % 200 == 0:
            self._availability(moment)

    def _request(self, name, moment, common, parent):
        """Make a request and all that it does; return whether it succeeded and its duration in ms."""
        operation = OPERATIONS[name]
        span, failed = self._id(), self._random.random() < operation.failing
        milliseconds = self._duration(operation.milliseconds)
        started, inside = moment, common | {"operation_ParentId": span}
        for call in operation.calls:
            moment += timedelta(milliseconds=1)
            taken = self._call(call, moment, inside, operation, failed and call is operation.calls[-1])
            self._trace(moment, inside, operation.role, 1)
            milliseconds += taken
            moment += timedelta(milliseconds=taken)
        self._trace(moment, inside, operation.role, 3 if failed else 1 + (self._random.getrandbits(5) == 0))
        if failed or self._random.getrandbits(6) == 0:
            self._exception(moment, inside, operation.role)
        http = " /" in name
        code = ("500" if http else "1") if failed else ("200" if http else "0")
        path = (
            name.partition(" ")[2].replace("{id}", str(self._number())).replace("{sku}", f"sku-{self._number() % 500}")
        )
        self._add(
            "requests", started, common, operation.role, operation_ParentId=parent, id=span, name=name,
            duration=milliseconds, success=int(not failed), resultCode=code,
            url=f"http://{operation.role}.example{path}" if http else None, customDimensions=self._properties(),
        )  # fmt: skip
        return milliseconds

    def _call(self, call, moment, common, operation, failed):
        span = self._id()
        inside = common | {"operation_ParentId": span}
        taken = self._duration(operation.milliseconds / 4)
        if call.operation:
            taken += self._request(call.operation, moment, {**inside, "operation_Name": call.operation}, span)
        ok = "0" if call.type != "HTTP" else "200"
        self._add(
            "dependencies", moment, common, operation.role, id=span, name=call.name, duration=taken,
            success=int(not failed), resultCode="503" if failed else ok, type=call.type, target=call.target,
            data=call.data, customDimensions=self._properties(),
        )  # fmt: skip
        return taken

    def _trace(self, moment, common, role, severity):
        message = self._text(MESSAGES[self._random.getrandbits(8) % len(MESSAGES)])
        self._add("traces", moment, common, role, message=message, severityLevel=severity,
                  customDimensions=self._properties())  # fmt: skip

    def _exception(self, moment, common, role):
        kind, message, assembly, method = EXCEPTIONS[self._random.getrandbits(8) % len(EXCEPTIONS)]
        message = self._text(message)
        frame = {"level": 0, "method": method, "assembly": assembly, "fileName": "/app/code.py", "line": 42}
        details = [{"id": 1, "type": kind, "message": message, "hasFullStack": True, "parsedStack": [frame]}]
        ends = {
            f"{end}{part}": value
            for end in ("outer", "innermost")
            for part, value in (("Type", kind), ("Message", message), ("Assembly", assembly), ("Method", method))
        }
        self._add(
            "exceptions", moment, common, role, problemId=f"{kind} at {method}", severityLevel=3, type=kind,
            message=message, assembly=assembly, method=method, details=to_json(details),
            customDimensions=self._properties(), **ends,
        )  # fmt: skip

    def _metric(self, moment, number):
        name, role, origin = METRICS[number // 4 % len(METRICS)]
        count = 1 + self._random.getrandbits(4)
        total = count * self._duration(20)
        dimensions = {"tenant": f"t{number % 40}", "region": ("west", "north")[number % 8 // 4]}
        if origin == "standard":
            dimensions["_MS.IsAutocollected"] = "True"
        self._add(
            "customMetrics", moment, {}, role, name=name, value=total, valueSum=total, valueCount=count,
            valueMin=total / count / 2, valueMax=total / count * 2, origin=origin,
            customDimensions=to_json(dimensions),
        )  # fmt: skip

    def _page(self, moment, common):
        self._add("pageViews", moment, common, "browser", id=self._id(), name="Order", duration=self._duration(300),
                  url=f"https://shop.example/orders/{self._number()}")  # fmt: skip

    def _availability(self, moment):
        failed = self._random.random() < 0.01
        self._add("availabilityResults", moment, {}, "shop", id=self._id(), name="home page", success=int(not failed),
                  duration=self._duration(200), location="West Europe", message="Failed" if failed else "Passed")  # fmt: skip

    def _add(self, table, moment, common, role, **values):
        slots = SLOTS[table]
        row: list[object] = [None] * len(slots)
        if "duration" in values:
            values["duration"] = round(values["duration"], 4)  # the wire has ten millionths of a second
        for column, value in (common | values).items():
            row[slots[column]] = value
        row[slots["timestamp"]] = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        row[slots["cloud_RoleName"]] = role
        row[slots["cloud_RoleInstance"]] = f"{role}-{self._random.getrandbits(1)}"
        row[slots["sdkVersion"]] = "py3.11.7:otel1.45.1:ext0.1.0"
        row[slots["iKey"]] = INSTRUMENTATION_KEY
        row[slots["itemCount"]] = 1
        self._made.append((table, row))

    def _properties(self):
        bits = self._random.getrandbits(16)
        return f'{{"tenant":"t{bits % 40}","customer":"{bits % 5000}","region":"{("west", "north")[bits & 1]}"}}'

    def _text(self, pattern):
        bits = self._random.getrandbits(48)
        return pattern.format(n=self._number(), c=bits % 5000, k=bits % 17, s=bits % 500, t=f"t{bits % 40}")

    def _number(self):
        return 100_000 + self._random.getrandbits(19)

    def _id(self):
        return f"{self._random.getrandbits(64):016x}"

    def _duration(self, median):
        return round(median * self._factors[self._random.getrandbits(12)], 4)


def rows(items: int = ITEMS, *, until: datetime | None = None, seed: int = 1):
    """Return that many pairs of table and row (in the order of `schema.COLUMNS`), about as they would arrive.

    `until` is the end of the day, now if None.
    """
    return islice(Day(items, until or datetime.now(timezone.utc), seed).rows(), items)


def build(path: Path, items: int = ITEMS, *, until: datetime | None = None, seed: int = 1) -> Path:
    """Write that many items into a file of the present schema, which must be new or have none; return its path."""
    made = rows(items, until=until, seed=seed)
    with closing(open_for_writing(path)) as connection:
        while some := list(islice(made, TOGETHER)):
            tables: dict[str, list[list[object]]] = {}
            for table, row in some:
                tables.setdefault(table, []).append(row)
            connection.execute("BEGIN IMMEDIATE")
            for table, values in tables.items():
                connection.executemany(INSERTS[table], values)
            connection.execute("COMMIT")
    return path


if __name__ == "__main__":
    build(Path(sys.argv[1]), *map(int, sys.argv[2:]))
