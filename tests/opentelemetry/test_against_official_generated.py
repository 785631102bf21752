"""For any span our items are those of Microsoft's exporter, but for the rules of tests/support/deviations.py.

To look further than the tests do: `AGAINST_OFFICIAL=20000 pytest tests/opentelemetry/test_against_official_generated.py`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind, StatusCode

from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operation
from tests.support import deviations  # noqa: F401 - defines the rules
from tests.support.official import RULES, Case, comparable, expected

EXAMPLES = int(os.environ.get("AGAINST_OFFICIAL", "500"))
PROFILE = settings(
    max_examples=EXAMPLES,
    derandomize="AGAINST_OFFICIAL" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def some(*values):
    return st.sampled_from(values)


HOSTS = some("api.example", "10.0.0.9", "db", "Shop.example", "", "[::1]")
PORTS = some(80, 443, 5432, 8080, "443", "8080", 0, 6379)
METHODS = some("GET", "POST", "_OTHER", "", True)
SCHEMES = some("https", "http", "https", "ftp", "")
CODES = some(
    0, 200, 204, 302, 399, 400, 404, 499, 500, 503, 599, "200", "503", "x", -1, 2.5, True, (200,), float("inf"), None
)
PATHS = some("/", "/items/7", "/a b/ü", "", "/p;v=1", "/x@y", "/" + "p" * 2050)
QUERIES = some("a=b", "", "code=hunter2", "q=☃&sig=hunter2")
URLS = some(
    "https://api.example/v1/x?y=z", "http://api.example:8080/v1", "https://api.example:443/v1", "http://api.example", "",
    "https://me:hunter2@api.example/v1", "https://api.example/v1?code=hunter2&a=b", "/relative?x=y", "no url at all",
    "https://api.example/" + "u" * 2029, "https://api.example/" + "u" * 2028, "https://api.example/;p?q",
)  # fmt: skip
SHORT = some("a", "orders", "Microsoft.ServiceBus", "ü", "", 7, True, ("a", 1), "x" * 1024, "x" * 1025)


MISSING = object()


def group(**pools):
    """Most of these attributes; `__` stands for a dot."""
    values = {key.replace("__", "."): pool for key, pool in pools.items()}
    often = {key: st.one_of(pool, pool, st.just(MISSING)) for key, pool in values.items()}
    return st.fixed_dictionaries(often).map(
        lambda made: {key: value for key, value in made.items() if value is not MISSING}
    )


GROUPS = {
    "http": group(http__request__method=METHODS, http__response__status_code=CODES, url__full=URLS, url__scheme=SCHEMES, url__path=PATHS,
                  url__query=QUERIES, server__address=HOSTS, server__port=PORTS, http__route=some("/items/{id}", "", "r" * 1025)),
    "http, old": group(http__method=METHODS, http__status_code=CODES, http__url=URLS, http__scheme=SCHEMES, http__target=PATHS,
                       http__host=some("api.example", "Shop.example:443", "api.example:443", "api.example:81", ""), http__server_name=HOSTS,
                       net__host__name=HOSTS, net__host__port=PORTS, http__client_ip=HOSTS),
    "peer": group(net__peer__name=HOSTS, net__peer__ip=HOSTS, net__peer__port=PORTS, peer__service=some("stock", "", 5),
                  peer__address=HOSTS, server__address=HOSTS, server__port=PORTS, client__address=some("10.0.0.1", "", "f" * 46)),
    "database": group(db__system=some("mysql", "postgresql", "mongodb", "redis", "mssql", "sqlite", "cosmosdb", "", "h2"),
                      db__system__name=some("microsoft.sql_server", "oracle.db", "postgresql", "memcached"), db__name=SHORT,
                      db__namespace=SHORT, db__statement=some("SELECT 1 WHERE password='x'", "", "s" * 8193), db__query__text=SHORT,
                      db__operation=SHORT, db__operation__name=SHORT),
    "messaging": group(messaging__system=some("kafka", "servicebus", "", "t" * 1025), messaging__destination=SHORT,
                       messaging__destination__name=SHORT, message_bus__destination=some("bus", "")),
    "rpc": group(rpc__system=some("grpc", ""), rpc__system__name=some("connect_rpc", "grpc"), rpc__grpc__status_code=some(0, 5, "7"),
                 rpc__response__status_code=some("OK", 3, ""), rpc__method=SHORT),
    "azure": group(az__namespace=some("Microsoft.ServiceBus", "Microsoft.EventHub", "Microsoft.Storage", "")),
    "models": group(gen_ai__system=some("openai", ""), gen_ai__provider__name=some("anthropic", "openai"),
                    gen_ai__usage__input_tokens=some(5), gen_ai__input__messages=some("m" * 8193, "m" * 262_145, '[{"role":"user"}]')),
    "visitor": group(enduser__id=SHORT, enduser__pseudo__id=some("p", "p" * 129, 3), session__id=some("s", "s" * 65, 4, ""),
                     user_agent__original=some("curl", "AlwaysOn", "", "a" * 2049), http__user_agent=some("curl", "AlwaysOn test"),
                     user_agent__synthetic__type=some("bot", "test", "human", 1)),
    "sampling": st.fixed_dictionaries({}, optional={"_MS.sampleRate": some(25.0, 100, 0.5, 0, -1, 101, "50", True)}),
    "measurements": st.fixed_dictionaries({}, optional={"microsoft.custom_measurements": some(
        '{"rows": 3, "bad": "x", "flag": true}', "{}", "", '{"nan": NaN, "half": 0.5}', '{"' + "k" * 151 + '": 1}',
        '{"' + "k" * 151 + '": 1, "' + "k" * 150 + '": 2}', '{"": 1}')}),
}  # fmt: skip
TEXTS = st.text(st.characters(), max_size=12) | some(
    "plain",
    "",
    "v" * 8192,
    "v" * 8193,
    "\ud800 half",
    "☃" * 3,
    "AccountKey=hunter2;a=b",
    "me@b.example",
    "Bearer hunter2hunter2",
)
VALUES = (
    TEXTS
    | some(0, -1, 2**70, True, False, 0.5, float("inf"), None, (), ("a", "b"), (1, 2.5), b"bytes", b"\xff")
    | st.integers()
    | st.floats()
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | some(
    "tenant",
    "k" * 150,
    "k" * 151,
    "x-api-key",
    "tokens_used",
    "faas.trigger",
    "faas.name",
    "fass.name",
    "code.function",
    "thread.id",
    "error.type",
    "network.transport",
    "url.template",
    "httpx",
)
OWN = st.dictionaries(KEYS, VALUES, max_size=3)
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    x()\nValueError: no\n'
EVENTS = st.tuples(
    some("noted", "exception", "", "e" * 32_769, "☃", "Authorization: Basic bWU6aHVudGVyMg=="),
    st.builds(
        lambda own, more: own | more,
        OWN,
        group(exception__type=some("ValueError", "", "T" * 1025, 5), exception__message=some("no", "", " ", "m" * 32_769, ("a",), "pwd=hunter2"),
              exception__stacktrace=some(TRACE, "", "   at Elsewhere()", "s" * 32_769), session__id=some("t", "", 1),
              microsoft__custom_measurements=some('{"n": 1}')),
    ),
)  # fmt: skip
LINKS = st.lists(
    st.fixed_dictionaries({}, optional={"enqueuedTime": some(1_767_323_044_000, 1_999_999_999_999, "x", True)}),
    max_size=3,
).map(tuple) | some(({},) * 102, ({},) * 103)
RESOURCES = some(
    {"service.name": "shop", "service.instance.id": "one"},
    {"service.name": "shop", "service.namespace": "ns", "k8s.pod.name": "pod", "service.version": "1.2"},
    {"service.name": "unknown_service:python", "k8s.deployment.name": "deployed", "k8s.pod.name": "p" * 257},
    {
        "service.name": "unknown_service",
        "service.namespace": "ns",
        "device.id": "d",
        "device.model.name": "m",
        "device.manufacturer": "o",
    },
    {"service.name": "r" * 257},
    {"k8s.job.name": "j"},
    {},
)
COMBINATIONS = (
    ("http",), ("http, old",), ("http", "visitor"), ("http, old", "peer"), ("http", "peer"), ("database",), ("database", "peer"),
    ("messaging",), ("messaging", "peer"), ("rpc",), ("rpc", "peer"), ("azure", "messaging", "peer"), ("azure", "http"),
    ("azure", "http, old"), ("azure", "rpc"), ("models", "http"), ("models", "azure"), ("sampling", "measurements", "visitor"),
)  # fmt: skip
PLAUSIBLE = (
    {"http.request.method": "GET", "url.scheme": "https", "server.address": "api.example", "server.port": 8443, "url.path": "/v1/x",
     "url.query": "y=z", "http.response.status_code": 200},
    {"http.request.method": "GET", "url.full": "https://api.example/v1/x", "server.address": "api.example", "http.response.status_code": 503},
    {"http.method": "GET", "http.scheme": "https", "net.peer.name": "api.example", "http.target": "/v1", "http.status_code": 404},
    {"http.method": "GET", "http.scheme": "http", "net.host.name": "shop", "http.target": "/v1", "http.status_code": 500},
    {"http.method": "GET", "http.url": "https://me:hunter2@api.example/v1", "http.status_code": 201},
    {"rpc.system": "grpc", "rpc.grpc.status_code": 5, "server.address": "shop", "server.port": 50051},
    {"db.system.name": "microsoft.sql_server", "db.query.text": "SELECT 1", "db.namespace": "shop", "server.address": "db", "server.port": 1433},
    {"az.namespace": "Microsoft.ServiceBus", "messaging.destination.name": "orders", "server.address": "bus.example", "net.peer.name": "x"},
    {"az.namespace": "Microsoft.Storage", "http.method": "GET", "http.url": "https://s.blob.example/c/b", "http.status_code": 200},
    {"messaging.system": "kafka", "messaging.destination.name": "orders", "server.address": "broker", "client.address": "c"},
    {"gen_ai.provider.name": "openai", "gen_ai.system": "openai", "http.request.method": "POST", "url.full": "https://api.example/v1/chat"},
)  # fmt: skip
START = 1_767_323_045_678_901_234


@st.composite
def cases(draw) -> Case:
    attributes: dict = dict(draw(some({}, *PLAUSIBLE)))
    for chosen in draw(some((), (), *COMBINATIONS) | st.lists(some(*GROUPS), max_size=4, unique=True)):
        attributes |= draw(GROUPS[chosen])
    start = draw(some(START, START, START, 0, None) | st.integers(10**15, 4 * 10**18))
    took = draw(
        some(0, 499_999, 500_000, 59_999_500_000, 86_400_000_000_000, 1000 * 86_400_000_000_000, -5_000_000)
        | st.integers(0, 10**14)
    )
    return Case(
        name=draw(TEXTS | some("GET /a", "n" * 1024, "n" * 1025)),
        kind=draw(st.sampled_from(SpanKind)),
        attributes=attributes | draw(OWN),
        parent=draw(st.booleans()),
        links=draw(some(()) | LINKS),
        events=draw(st.lists(EVENTS, max_size=2).map(tuple)),
        status=draw(st.sampled_from(StatusCode)),
        start=start,
        end=draw(some(None)) if not start and draw(st.booleans()) else (start or 0) + took,
        resource=draw(RESOURCES),
        scope=draw(some("test", None, "opentelemetry.instrumentation.requests", "azure.core")),
    )


WITNESSES = (
    {"http.request.method": "GET", "url.full": "https://api.example/v1", "server.address": "api.example", "server.port": "443"},
    {"http.request.method": "GET", "url.full": "https://api.example/v1", "server.address": "api.example"},
    {"rpc.system.name": "grpc", "rpc.response.status_code": 5},
    {"net.peer.port": 99, "server.address": "shop", "server.port": 81},
    {"net.peer.port": 99},
    {"messaging.system": "kafka", "messaging.destination.name": "orders"},
    {"http.method": "GET", "http.url": "https://h/", "http.status_code": (200,)},
    {"http.method": "GET", "http.scheme": "https", "http.target": "/x", "net.peer.name": "h"},
    {"http.request.method": "GET", "url.scheme": "https", "url.path": "/x", "server.address": "h", "server.port": 8443},
    {"db.system": "", "x": "y"},
    {"peer.service": True},
    {"_MS.sampleRate": 101},
    {"http.method": "GET", "http.scheme": "https", "http.host": "Shop.example:443", "http.target": "/x"},
    {"az.namespace": "Microsoft.ServiceBus", "messaging.destination": "q", "server.address": "bus"},
)  # fmt: skip
"""Calls that each show what one rule is for, also when none is generated."""


AZURE_OVER_HTTP = {
    "az.namespace": "Microsoft.Storage",
    "http.method": "GET",
    "http.url": "https://s.blob.example/c",
    "http.status_code": 200,
}
SERVED = {"http.method": "GET", "http.scheme": "http", "net.host.name": "h", "http.target": "/"}
OTHERS = (
    Case(kind=SpanKind.SERVER, attributes=SERVED),
    Case(kind=SpanKind.INTERNAL, attributes=WITNESSES[1] | {"http.response.status_code": 503}),
    Case(kind=SpanKind.CLIENT, attributes=AZURE_OVER_HTTP, name=""),
    Case(kind=SpanKind.CLIENT, attributes={"http.method": "GET", "http.url": "https://[::1]:443/x"}),
)


def with_witnesses(test):
    for case in (*(Case(kind=SpanKind.CLIENT, attributes=attributes) for attributes in WITNESSES), *OTHERS):
        test = example(case)(test)
    return test


def ours(case: Case) -> list[dict]:
    span = case.span()
    return [comparable(item) for item in Mapper().envelopes(span, Operation(span))]


def differences(must: list[dict], are: list[dict]) -> dict:
    """Return the fields that are not what they must be, as (what they must be, what they are)."""
    found = {}
    for number, (one, other) in enumerate(zip(must, are, strict=True)):
        for part in one:
            if isinstance(one[part], dict):
                for key in one[part].keys() | other[part].keys():
                    if one[part].get(key) != other[part].get(key):
                        found[number, part, key] = (one[part].get(key), other[part].get(key))
            elif one[part] != other[part]:
                found[number, part] = (one[part], other[part])
    return found


seen: dict[str, list[Case]] = {}


@PROFILE
@given(cases())
@with_witnesses
def test_our_items_are_theirs_but_for_the_rules(case: Case):
    """Every field of every item."""
    must, hit = expected(case, RULES)
    for name in hit:
        if len(seen.setdefault(name, [])) < 300:
            seen[name].append(case)

    assert differences(must, ours(case)) == {}


@pytest.fixture(scope="module")
def generated():
    """Spans by the rules that did something for them; if another process ran the test above, it is run here too."""
    if not seen:
        test_our_items_are_theirs_but_for_the_rules()
    return seen


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_is_idle(rule, generated):
    """Each is needed: without it some of the spans for which it did something come out different."""
    assert rule.name in generated, "no generated span was touched by it"
    without = [one for one in RULES if one is not rule]

    def fails(case: Case) -> bool:
        try:
            return differences(expected(case, without)[0], ours(case)) != {}
        except Exception:  # their exporter, on what the rule keeps from it
            return True

    assert any(fails(case) for case in generated[rule.name])


def test_every_rule_has_a_reason():
    """For whoever asks why a query shows something else."""
    assert all(len(rule.reason) > 20 for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
