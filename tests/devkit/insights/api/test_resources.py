"""What the API answers of stored items; the numbers behind it: tests/devkit/insights/analysis."""

from __future__ import annotations

import json

import pytest

from ext_devkit.insights.matching import Asked
from ext_devkit.insights.server import InsightsServer
from tests.support.insights import OPERATION, TABLE_OF, ask, envelope, post

OTHER = "b" * 32


@pytest.fixture(scope="module")
def stored():
    """A server with an item of each type in one operation, and a failed request in another."""
    with InsightsServer() as server:
        post(server, [envelope(kind, tags={"ai.cloud.role": "shop"}) for kind in TABLE_OF])
        tags = {"ai.operation.id": OTHER, "ai.cloud.role": "stock"}
        post(server, [envelope(name="GET /broken", success=False, responseCode="500", tags=tags)])
        server.store.wait_until(lambda: len(get(server, "facets")["roles"]) == 2 or None, 10, "counted roles")
        yield server


def get(server, path):
    status, answer = ask(server, "GET", f"/api/{path}")
    assert status == 200, answer
    return answer


def names(items):
    return [item.get("name") or item.get("message") for item in items]


def test_it_tells_what_it_is_and_has(stored):
    about = get(stored, "about")

    assert about["items"]["requests"] == 2
    assert about["connectionString"] == stored.connection_string
    files = (stored.store.path, stored.store.path.with_name("insights.db-wal"))
    assert about["bytes"] == sum(file.stat().st_size for file in files)
    assert about["oldest"] < about["newest"]


def test_an_empty_one_has_no_times():
    with InsightsServer() as server:
        assert [get(server, "about")[end] for end in ("oldest", "newest")] == [None, None]


def test_items_are_searched_by_words_and_facts(stored):
    assert names(get(stored, "search?q=broken")["items"]) == ["GET /broken"]
    assert names(get(stored, "search?table=traces")["items"]) == ["sold out"]
    assert names(get(stored, "search?table=requests&role=shop")["items"]) == ["GET /items"]
    assert names(get(stored, "search?success=false&resultCode=500")["items"]) == ["GET /broken"]
    assert names(get(stored, f"search?operation_Id={OTHER}")["items"]) == ["GET /broken"]
    assert len(get(stored, "search?last=1h")["items"]) == 9
    assert get(stored, "search?to=2020-01-01T00:00:00Z") == {"items": [], "next": None}


def test_the_same_word_many_times_is_one(stored):
    """The index would look for each of them, and take long."""
    assert Asked.parse("a* " * 600) == Asked.parse("a*")
    assert names(get(stored, "search?q=" + "broken+" * 250)["items"]) == ["GET /broken"]


def test_pages_of_a_search_follow_each_other(stored):
    first = get(stored, "search?limit=5")
    second = get(stored, f"search?limit=5&cursor={first['next']}")

    assert (len(first["items"]), len(second["items"]), second["next"]) == (5, 4, None)
    assert len({(item["itemType"], item["itemId"]) for item in first["items"] + second["items"]}) == 9


def test_an_item_has_what_is_not_empty(stored):
    (item,) = get(stored, "search?q=broken")["items"]

    assert get(stored, f"items/requests/{item['itemId']}") == item
    assert item["success"] is False
    assert None not in item.values()
    assert "customDimensions" not in item


def test_values_are_offered_to_narrow_a_search(stored):
    facets = get(stored, "facets")

    assert facets["roles"] == [{"value": "shop", "count": 8}, {"value": "stock", "count": 1}]
    assert {"value": "500", "count": 1} in facets["resultCodes"]


def test_operations_are_listed_latest_first(stored):
    listed = get(stored, "transactions?limit=5")["items"]

    assert [(one["operation_Id"], one["success"]) for one in listed] == [(OTHER, False), (OPERATION, True)]
    assert [one["operation_Id"] for one in get(stored, "transactions?role=shop")["items"]] == [OPERATION]
    assert get(stored, "transactions?to=2020-01-01T00:00:00Z") == {"items": []}


def test_an_operation_is_a_tree(stored):
    found = get(stored, f"transactions/{OPERATION}")

    assert (found["items"], found["left_out"], len(found["tree"])) == (8, 0, 8)
    assert {"depth", "itemType", "timestamp"} <= found["tree"][0].keys()


def test_questions_about_all_items_are_answered(stored):
    assert get(stored, "performance")["overall"]["count"] == 2
    assert get(stored, "performance?kind=dependencies")["overall"]["count"] == 1
    assert names(get(stored, "performance/samples?name=GET%20/broken")["items"]) == ["GET /broken"]
    assert sum(bucket["count"] for bucket in get(stored, "performance/histogram")["buckets"]) == 2
    assert get(stored, "failures")["requests"] == {"count": 2, "failed": 1}
    assert [metric["name"] for metric in get(stored, "metrics")["metrics"]] == ["basket"]
    assert get(stored, "metrics/series?name=basket")["series"][0]["label"] == "basket"
    assert {node["name"] for node in get(stored, "map")["nodes"]} == {"shop", "stock"}


def test_tables_and_columns_are_listed_as_a_query_names_them(stored):
    tables = get(stored, "schema")["tables"]

    assert set(tables) == set(TABLE_OF.values())
    assert {"name": "duration", "type": "REAL"} in tables["requests"]


def test_a_query_is_answered(stored):
    body = json.dumps({"sql": "select name from requests where success = 0"}).encode()
    status, answer = ask(stored, "POST", "/api/query", body, {"content_type": "application/json"})

    assert status == 200
    assert (answer["columns"], answer["rows"], answer["truncated"]) == (["name"], [["GET /broken"]], False)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("search?x=1", 400, "There is no parameter 'x'. Known here: q, table,"),
        ("search?limit=0", 400, "'limit' is '0'. Expected a whole number from 1 to 500."),
        ("search?limit=1&limit=2", 400, "The parameter 'limit' is given 2 times; once is what it takes."),
        ("search?limit=%D9%A1", 400, "'limit' is '\u0661'. Expected a whole number"),
        ("search?table=logs", 400, "'table' is 'logs'. Expected one of: requests, dependencies,"),
        ("search?success=yes", 400, "'success' is 'yes'. Expected one of: true, false."),
        ("search?cursor=x", 400, "'x' is no cursor. Take the one that 'next' of a page has."),
        ("search?q=" + "a" * 2001, 400, "The parameter 'q' has 2001 characters; 2000 are allowed."),
        ("search?q=" + "+".join(map(str, range(65))), 400, "The search has 65 words; 64 are allowed. Leave some out."),
        ("search?from=noon", 400, "'from' is 'noon'. Expected a time with Z or an offset"),
        ("search?last=1y", 400, "'last' is '1y'. Expected a number and s, m, h or d"),
        ("search?last=1h&to=2026-01-01T00:00:00Z", 400, "'last' cannot be given together with 'from' or 'to'."),
        ("search?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "'from' has to be before 'to'."),
        ("items/requests/99", 404, "There is no item 99 in requests. It may have been deleted as too old."),
        ("items/secrets/1", 400, "'table' is 'secrets'. Expected one of: requests,"),
        ("transactions/nope", 404, "There is no operation 'nope'. GET /api/transactions lists the latest."),
        ("performance?kind=traces", 400, "'kind' is 'traces'. Expected one of: requests, dependencies."),
        ("metrics/series", 400, "The parameter 'name' is missing. It is the metric's name."),
        ("about?x=1", 400, "There is no parameter 'x'. There are none here."),
        ("live?table=x", 400, "'table' is 'x'. Expected one of: requests"),
        ("live?x=1", 400, "There is no parameter 'x'. Known here: table."),
        ("nowhere", 404, "Not Found. This server has / for a browser,"),
    ],
)
def test_what_cannot_be_answered_is_explained_in_one_shape(stored, path, status, message):
    answered, answer = ask(stored, "GET", f"/api/{path}")

    assert (answered, answer["ok"], answer["status"]) == (status, False, status)
    assert answer["error"].startswith(message)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"select 1", 400, "The body is not JSON."),
        (b"[" * 100_000, 400, "The body is not JSON."),
        (b"[]", 400, "The body is no object."),
        (b"{}", 400, "The field 'sql' is missing or no text."),
        (b'{"sql": "select 1", "x": 1}', 400, "There is no field 'x'. Known: sql, limit, timeout."),
        (b'{"sql": "select 1", "limit": "1"}', 400, "'limit' has to be a whole number from 1 to 10000."),
        (b'{"sql": "select 1", "limit": 0}', 400, "'limit' is 0. Expected 1 to 10000."),
        (b'{"sql": "select 1", "timeout": true}', 400, "'timeout' has to be a number of seconds, at most 30."),
        (b'{"sql": "select 1", "timeout": NaN}', 400, "'timeout' is nan. Expected more than 0"),
        (b'{"sql": "select 1\\u0000"}', 400, "The query has a NUL character."),
        (b'{"sql": "' + b" " * 500_000 + b'"}', 413, "The body is longer than"),
    ],
)
def test_a_query_that_is_not_one_is_explained(stored, body, status, message):
    answered, answer = ask(stored, "POST", "/api/query", body, {"content_type": "application/json"})

    assert (answered, answer["status"]) == (status, status)
    assert answer["error"].startswith(message)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_query_that_any_page_could_send_is_refused(stored, kind):
    """A browser lets a page of any site send these types without asking."""
    status, answer = ask(stored, "POST", "/api/query", b'{"sql": "select 1"}', {"content_type": kind})

    assert (status, answer["error"]) == (415, "The Content-Type has to be application/json.")
