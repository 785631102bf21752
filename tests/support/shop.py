"""Telemetry of a small shop, as its services would send it: for the tests of the web UI, and for pictures of it."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone

from tests.support.insights import envelope, post

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
"""What does something as soon as any page takes it for markup."""

TRACEBACK = """Traceback (most recent call last):
  File "/home/site/wwwroot/.python_packages/lib/site-packages/azure_functions_worker/dispatcher.py", line 525, in run
    result = await self._loop.run_in_executor(
  File "/home/site/wwwroot/orders/__init__.py", line 41, in main
    reserve(article, amount)
  File "/home/site/wwwroot/shared/stock.py", line 17, in reserve
    raise SoldOutError(f"{article} is sold out")
shared.stock.SoldOutError: tea pot is sold out: 0 left, 2 wanted"""

QUERY = "SELECT amount, reserved\n  FROM stock\n WHERE article = $1\n ORDER BY amount DESC"

FRAMES = [
    {"level": 0, "method": "reserve", "assembly": "shared.stock", "fileName": "/home/site/wwwroot/shared/stock.py", "line": 14},
    {"level": 1, "method": "__getitem__", "fileName": "/usr/local/lib/python3.11/collections/__init__.py", "line": 1004},
]  # fmt: skip


class Operation:
    """Builds the items of one operation; times are milliseconds after its beginning."""

    def __init__(self, number, moment, name, role="shop"):
        self.id = f"{number:032x}"
        self.items = []
        self._moment, self._name, self._role = moment, name, role

    def add(self, base_type, at, parent="", role=None, **data):
        """Add one item; return the id under which others can lie."""
        own = f"{len(self.items) + 1:016x}"
        tags = {
            "ai.operation.id": self.id,
            "ai.operation.parentId": parent,
            "ai.operation.name": self._name,
            "ai.cloud.role": role or self._role,
            "ai.cloud.roleInstance": f"{role or self._role}-1",
        }
        calls = ("RequestData", "RemoteDependencyData", "PageViewData", "AvailabilityData")
        item = envelope(base_type, tags=tags, **({"id": own} if base_type in calls else {}), **data)
        item["time"] = (self._moment + timedelta(milliseconds=at)).isoformat().replace("+00:00", "Z")
        self.items.append(item)
        return own


def span(milliseconds):
    """Return a duration as items have it."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"00:{int(minutes):02}:{rest / 1000:09.6f}"


def order(number, moment, scale=100.0, *, sold_out=False):
    """An order: the shop asks the stock service, which asks its database; it can be sold out."""
    name = "POST /api/orders/{article}"
    operation = Operation(number, moment, name)
    add, good = operation.add, not sold_out
    request = add(
        "RequestData", 0, name=name, duration=span(scale * 2), responseCode="500" if sold_out else "201", success=good,
        url="http://localhost:7071/api/orders/tea%20pot", measurements={"basket.value": 42.5},
        properties={"tenant": "contoso", "basket": json.dumps({"article": "tea pot", "amount": 2})},
    )  # fmt: skip
    add("MessageData", 2, request, message="an order of tea pot", severityLevel=1, properties={"article": "tea pot"})
    check = add(
        "RemoteDependencyData", 5, request, name="check the stock", duration=span(scale), type="InProc", success=good
    )
    code = "503" if sold_out else "200"
    call = add(
        "RemoteDependencyData", 8, check, name="GET /stock/{article}", duration=span(scale * 0.8), type="HTTP",
        target="stock:8080", data="http://stock:8080/stock/tea%20pot", resultCode=code, success=good,
    )  # fmt: skip
    stock = add(
        "RequestData",
        11,
        call,
        "stock",
        name="GET /stock/{article}",
        duration=span(scale * 0.7),
        responseCode=code,
        success=good,
    )
    add(
        "RemoteDependencyData", 14, stock, "stock", name="SELECT stock", duration=span(scale * 0.3), type="SQL",
        target="db | stock", data=QUERY, success=True,
    )  # fmt: skip
    add("MessageData", 13, stock, "stock", message="cache miss for 'tea pot', asking the database", severityLevel=0)
    (fail if sold_out else succeed)(operation, scale, request, check, stock)
    return operation


def fail(operation, scale, request, check, stock):
    """Add what is told of a failure: a warning, an exception with its cause, an error."""
    add = operation.add
    add(
        "MessageData",
        scale * 0.6,
        stock,
        "stock",
        message="pool exhausted: waited 2.0 s for a connection",
        severityLevel=2,
    )
    message = "tea pot is sold out: 0 left, 2 wanted"
    cause = {"id": 2, "outerId": 1, "typeName": "KeyError", "message": "'tea pot'", "parsedStack": FRAMES}
    outer = {
        "id": 1,
        "typeName": "shared.stock.SoldOutError",
        "message": message,
        "hasFullStack": True,
        "stack": TRACEBACK,
    }
    add("ExceptionData", scale * 1.05, check, exceptions=[outer, cause], severityLevel=3)
    add("MessageData", scale * 1.2, request, message="the order could not be placed", severityLevel=3)


def succeed(operation, scale, request, check, stock):
    """Add what follows when all went well."""
    add = operation.add
    add(
        "RemoteDependencyData",
        scale * 1.3,
        request,
        name="orders send",
        duration=span(scale * 0.3),
        type="Azure Service Bus",
        target="orders",
    )
    add(
        "RemoteDependencyData",
        scale * 1.7,
        request,
        name="SET order",
        duration=span(scale * 0.05),
        type="redis",
        target="cache:6379",
    )
    add(
        "EventData",
        scale * 1.9,
        request,
        name="order placed",
        properties={"article": "tea pot"},
        measurements={"price": 17.5},
    )


def listing(number, moment, scale=100.0):
    """A list of articles: one query."""
    operation = Operation(number, moment, "GET /api/articles")
    request = operation.add(
        "RequestData", 0, name="GET /api/articles", duration=span(scale), responseCode="200", success=True
    )
    operation.add(
        "RemoteDependencyData",
        3,
        request,
        name="SELECT articles",
        duration=span(scale * 0.6),
        type="SQL",
        target="db | shop",
    )
    return operation


def hostile(number, moment):
    """An operation whose every text tries to do something."""
    operation = Operation(number, moment, HOSTILE, role=HOSTILE)
    properties = {
        HOSTILE: HOSTILE, "__proto__": "x", "constructor": "y", "link": "javascript:alert(3)", "reversed": "\u202egnp.exe",
        "page": "https://example.com/?q=<b>", "long": "A" * 8000,
    }  # fmt: skip
    request = operation.add(
        "RequestData", 0, name=HOSTILE, duration=span(120), responseCode="200", success=True, url="javascript:alert(4)",
        properties=properties,
    )  # fmt: skip
    exception = {"typeName": HOSTILE, "message": HOSTILE, "hasFullStack": True, "stack": f"{HOSTILE}\n{'x' * 3000}"}
    operation.add("ExceptionData", 10, request, exceptions=[exception], problemId=HOSTILE)
    operation.add("MessageData", 20, request, message=f"{HOSTILE} bell\u0007 \u200b", severityLevel=3)
    operation.add(
        "RemoteDependencyData", 30, request, name=HOSTILE, duration=span(20), type=HOSTILE, target=HOSTILE, data=HOSTILE,
        resultCode=HOSTILE, success=False,
    )  # fmt: skip
    operation.add("EventData", 40, request, name=HOSTILE, properties={"style": "}</style><script>alert(5)</script>"})
    operation.add(
        "MetricData", 50, request, metrics=[{"name": HOSTILE, "value": 1, "ns": HOSTILE}], properties={HOSTILE: "1"}
    )
    return operation


def long_import(number, moment, count=10_000):
    """One operation of many items, calls within calls."""
    operation = Operation(number, moment, "import")
    above = [
        operation.add(
            "RequestData", 0, name="POST /api/import", duration=span(count * 3), responseCode="200", success=True
        )
    ]
    for at in range(1, count):
        kind = at % 3
        if kind == 1:
            parent = above[-1] if len(above) < 8 else above[0]
            call = operation.add(
                "RemoteDependencyData",
                at * 3,
                parent,
                name=f"import row {at}",
                duration=span(20),
                type="SQL",
                success=at % 301 != 0,
            )
            above = [above[0], call] if len(above) >= 8 else [*above, call]
        elif kind == 2:
            operation.add("MessageData", at * 3, above[-1], message=f"row {at} read", severityLevel=1)
        else:
            operation.add("EventData", at * 3, above[-1], name="row stored")
    return operation


def send(server, *operations):
    """Send the items of operations, and insist that all are stored."""
    items = [item for operation in operations for item in operation.items]
    for begin in range(0, len(items), 500):
        status, answer = post(server, items[begin : begin + 500])
        assert status == 200, answer


def fill(server, operations=60, minutes=50):
    """Send what a shop does in that many minutes up to now: the same each time, some of it failing."""
    chance = random.Random(7)
    now = datetime.now(timezone.utc)
    sent = []
    for number in range(1, operations + 1):
        moment = now - timedelta(minutes=minutes * chance.random(), seconds=5)
        scale = chance.lognormvariate(4.2, 0.7)
        made = listing(number, moment, scale) if number % 2 else order(number, moment, scale, sold_out=number % 6 == 0)
        sent.append(made)
    probe = Operation(0, now - timedelta(seconds=30), "")
    for at in range(20):
        probe.add(
            "AvailabilityData",
            -60_000 * at,
            name="ping shop",
            duration=span(80),
            success=at % 9 != 4,
            runLocation="here",
        )
        probe.add(
            "MetricData", -60_000 * at, metrics=[{"name": "baskets", "value": chance.random() * 50, "ns": "shop"}]
        )
    send(server, probe, *sent)
