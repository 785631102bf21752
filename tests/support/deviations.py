"""What our items have in common with those of azure-monitor-opentelemetry-exporter, and where they differ, and why.

A rule says what Microsoft's exporter would have to do for its items to be ours: it changes what that exporter is shown
(`see`), or what it made of it (`fix`). Where no rule changes anything the items are equal; where one does, ours must be
exactly what the rule makes of theirs.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from opentelemetry.trace import SpanKind

from ext_appinsights.envelope import exception_details
from ext_appinsights.fields import TAG_LIMITS, duration, timestamp, value_text
from ext_appinsights.redaction import DEFAULT, REDACTED
from ext_opentelemetry.resource import _sdk_version
from tests.support.official import REQUESTS, Attributes, Case, Items, fixes, official, sees, theirs

# What their exporter is shown

_NUMBERS = ("http.response.status_code", "http.status_code", "server.port", "net.peer.port", "net.host.port")
_CODES = ("rpc.response.status_code", "rpc.grpc.status_code")
_TEXTS = (
    "http.request.method", "http.method", "http.route", "url.full", "http.url", "url.scheme", "http.scheme", "url.path", "url.query",
    "http.target", "http.host", "http.server_name", "net.host.name", "server.address", "client.address", "http.client_ip",
    "net.peer.name", "net.peer.ip", "peer.service", "peer.address", "user_agent.original", "http.user_agent", "enduser.id",
    "enduser.pseudo.id", "session.id", "db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text",
    "db.operation", "db.operation.name", "messaging.system", "messaging.destination", "messaging.destination.name", "rpc.system",
    "rpc.system.name",
)  # fmt: skip


@sees("an attribute without content tells nothing", of_events=True)
def empty_attributes(case: Case, attributes: Attributes) -> None:
    for key in (*_TEXTS, *_NUMBERS, *_CODES, "az.namespace", "gen_ai.system"):
        if key in attributes and attributes[key] in (None, "", 0) and not (key in _CODES and attributes[key] == 0):
            del attributes[key]


@sees("values that are no text are written as JSON, not as Python's repr", of_events=True)
def odd_texts(case: Case, attributes: Attributes) -> None:
    for key in _TEXTS:
        if key in attributes and not isinstance(attributes[key], str):
            attributes[key] = value_text(attributes[key])


@sees("a status that is no number is none; theirs fails, and the span is lost")
def odd_numbers(case: Case, attributes: Attributes) -> None:
    for key in ("http.response.status_code", "http.status_code"):
        try:
            int(attributes.get(key, 0))
        except ValueError:
            pass
        except (TypeError, OverflowError):
            attributes[key] = "none"


@sees("a port is the same whether it is a number or a text")
def ports_as_text(case: Case, attributes: Attributes) -> None:
    for key in ("server.port", "net.peer.port", "net.host.port"):
        if isinstance(attributes.get(key), str) and attributes[key].isdigit():
            attributes[key] = int(attributes[key])


@sees("a rate that is no percentage is none")
def odd_rates(case: Case, attributes: Attributes) -> None:
    rate = attributes.get("_MS.sampleRate", 100.0)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= 100:
        del attributes["_MS.sampleRate"]


@sees("the stable names for destinations count everywhere, not only for Azure SDKs")
def stable_destinations(case: Case, attributes: Attributes) -> None:
    for key in ("messaging.destination.name", "messaging.destination", "message_bus.destination"):
        if attributes.get(key):
            attributes["messaging.destination"] = attributes["messaging.destination.name"] = value_text(attributes[key])
            return


@sees("the stable name for RPC systems counts too")
def stable_rpc(case: Case, attributes: Attributes) -> None:
    if "rpc.system.name" in attributes:
        attributes["rpc.system"] = attributes["rpc.system.name"]


@sees("a port without a host names nobody")
def lonely_ports(case: Case, attributes: Attributes) -> None:
    if "net.peer.name" not in attributes and "net.peer.ip" not in attributes:
        attributes.pop("net.peer.port", None)


@sees("the stable names for the other side count as the old ones")
def stable_peers(case: Case, attributes: Attributes) -> None:
    if not attributes.keys() & {"net.peer.name", "net.peer.ip"} and "server.address" in attributes:
        if (
            "peer.service" in attributes
            and "az.namespace" not in attributes
            and not case.http
            and case.kind not in REQUESTS
        ):
            return
        attributes["net.peer.name"] = attributes["server.address"]
        if "server.port" in attributes:
            attributes["net.peer.port"] = attributes["server.port"]


@sees("a client's URL is put together from the stable attributes too, and without a port")
def call_from_parts(case: Case, attributes: Attributes) -> None:
    if case.kind is not SpanKind.CLIENT or not case.http or attributes.keys() & {"url.full", "http.url"}:
        return
    if "http.target" not in attributes and "url.path" in attributes:
        query = attributes.get("url.query")
        attributes["http.target"] = f"{attributes['url.path']}?{query}" if query else attributes["url.path"]
    host = attributes.get("net.peer.name") or attributes.get("net.peer.ip")
    if (
        "http.host" not in attributes
        and host
        and attributes.keys() >= {"http.target"}
        and attributes.keys() & {"url.scheme", "http.scheme"}
    ):
        port = attributes.get("net.peer.port")
        attributes["http.host"] = f"{host}:{port}" if port else host


@sees("a server's URL has no colon where there is no port")
def request_without_port(case: Case, attributes: Attributes) -> None:
    name = attributes.get("http.server_name") or attributes.get("net.host.name")
    if case.kind in REQUESTS and name and not attributes.keys() & {"server.address", "http.host"}:
        port = attributes.get("net.host.port")
        attributes["http.host"] = f"{name}:{port}" if port else name


@sees("the scheme's own port is no part of the target, wherever the scheme is told; `None` never is")
def default_ports(case: Case, attributes: Attributes) -> None:
    if case.kind is not SpanKind.CLIENT or not case.http:
        return
    scheme = attributes.get("url.scheme") or attributes.get("http.scheme")
    url = str(attributes.get("url.full") or attributes.get("http.url") or "")
    if not scheme and "://" in url:
        scheme = attributes["url.scheme"] = url.partition("://")[0]
    if "server.address" in attributes and "server.port" not in attributes:
        attributes["server.port"] = {"http": 80, "https": 443}.get(scheme, 0)


# What their exporter makes of it


@fixes("what HTTP and others tell of an Azure SDK's call is kept, and the queue with its namespace is the target")
def azure_calls(case: Case, items: Items) -> None:
    if not case.attributes.get("az.namespace"):
        return
    plain = theirs(replace(case, attributes={k: v for k, v in case.attributes.items() if k != "az.namespace"}))[0]
    data = items[0]["data"]
    if case.kind in REQUESTS and case.http:
        data.pop("source", None)
        data.update(
            {key: plain["data"][key] for key in ("name", "url", "responseCode", "success") if key in plain["data"]}
        )
        items[0]["tags"] |= {
            key: plain["tags"][key] for key in ("ai.user.userAgent", "ai.operation.name") if key in plain["tags"]
        }
    elif case.kind is SpanKind.CLIENT:
        data.update({key: plain["data"][key] for key in ("data", "resultCode", "success") if key in plain["data"]})
        if "ai.user.userAgent" in plain["tags"]:
            items[0]["tags"]["ai.user.userAgent"] = plain["tags"]["ai.user.userAgent"]
        queue = official.trace_utils._get_azure_sdk_target_source(case.attributes)
        data["target"] = (queue or plain["data"].get("target") or "")[:1024]
        if not data["target"]:
            del data["target"]


@fixes("an RPC's type is its system, and its status is the result code")
def rpc_calls(case: Case, items: Items) -> None:
    data, attributes = items[0]["data"], case.attributes
    others = {"db.system", "db.system.name", "messaging.system"}
    if case.kind is SpanKind.CLIENT and "rpc.system" in attributes and not case.http and not attributes.keys() & others:
        if data["type"] == "rpc.system":
            data["type"] = attributes["rpc.system"]
        codes = [attributes[key] for key in _CODES if attributes.get(key) is not None]
        data["resultCode"] = str(codes[0]) if codes else "0"


@fixes("the stable name for the provider of a language model counts too")
def stable_models(case: Case, items: Items) -> None:
    model = case.attributes.get("gen_ai.provider.name")
    if model and case.kind in (SpanKind.CLIENT, SpanKind.INTERNAL):
        items[0]["data"]["type"] = f"GenAI | {model}"
        if case.kind is SpanKind.CLIENT and items[0]["data"].get("target") in (
            None,
            case.attributes.get("gen_ai.system"),
        ):
            items[0]["data"]["target"] = model


@fixes("a 5xx is a failure, of a dependency any 4xx too, whether or not the instrumentation set the status")
def failures(case: Case, items: Items) -> None:
    data = items[0]["data"]
    if case.http and (case.kind in REQUESTS or case.kind is SpanKind.CLIENT):
        code = int(data["responseCode" if case.kind in REQUESTS else "resultCode"])
        if code >= 400 or (code < 0 and case.kind in REQUESTS):
            data["success"] = False


@fixes("the time in a queue is the mean of those messages that tell when they were queued, whoever's they are")
def time_in_queue(case: Case, items: Items) -> None:
    if case.kind in REQUESTS and case.links:
        items[0]["measurements"].pop("timeSinceEnqueued", None)
        told = [link["enqueuedTime"] for link in case.links if isinstance(link.get("enqueuedTime"), int)]
        if told and case.start:
            waited = sum(case.start / 1_000_000 - when for when in told) / len(told)
            items[0]["measurements"]["timeSinceEnqueued"] = max(0.0, waited)


@fixes("who asked, and with what, is told wherever it is known: of events too, and of what is no request")
def visitors(case: Case, items: Items) -> None:
    agent = case.attributes.get("user_agent.original") or case.attributes.get("http.user_agent")
    if agent:
        items[0]["tags"]["ai.user.userAgent"] = agent
    for item in items[1:]:
        for tag in ("ai.user.authUserId", "ai.user.id", "ai.operation.syntheticSource"):
            if tag in items[0]["tags"]:
                item["tags"][tag] = items[0]["tags"][tag]


@fixes("everything in an operation carries its name")
def operation_names(case: Case, items: Items) -> None:
    name = items[0]["tags"].get("ai.operation.name")
    if case.kind not in REQUESTS:
        named = case.attributes.get("faas.name")
        name = case.name if named in (None, "") else value_text(named)
    for item in items:
        item["tags"]["ai.operation.name"] = name
        if not name:
            del item["tags"]["ai.operation.name"]


@fixes("the device is the end user's, and a server knows it only if the resource says so")
def devices(case: Case, items: Items) -> None:
    for item in items:
        for tag in ("ai.device.locale", "ai.device.type", "ai.device.id"):
            item["tags"].pop(tag, None)
        if case.resource.get("device.id"):
            item["tags"]["ai.device.id"] = case.resource["device.id"]


@fixes("a host stays as it was written; theirs loses its case and brackets together with the default port")
def host_as_written(case: Case, items: Items) -> None:
    target = items[0]["data"].get("target", "")
    url = str(case.attributes.get("url.full") or case.attributes.get("http.url") or "")
    for host in (
        str(case.attributes.get("http.host", "")),
        url.partition("://")[2].partition("/")[0].rpartition("@")[2],
    ):
        name = host.removesuffix(":443").removesuffix(":80")
        if case.http and case.kind is SpanKind.CLIENT and target and target == name.lower().strip("[]"):
            items[0]["data"]["target"] = name


@fixes("an instance is named also where the resource is empty")
def instances(case: Case, items: Items) -> None:
    if not case.resource:
        for item in items:
            item["tags"]["ai.cloud.roleInstance"] = item["tags"]["ai.internal.nodeName"] = platform.node()


@fixes("each says its own name and version")
def sdk_versions(case: Case, items: Items) -> None:
    for item in items:
        item["tags"]["ai.internal.sdkVersion"] = _sdk_version()


@fixes("stacks are sent as frames, causes as exceptions of their own; a missing stack is left out")
def stacks(case: Case, items: Items) -> None:
    for item, (name, attributes) in zip(items[1:], case.events, strict=True):
        if name == "exception":
            (found,) = item["data"]["exceptions"]
            stack = attributes.get("exception.stacktrace")
            stack = None if stack in (None, "") else value_text(stack)
            kind, said = (attributes.get(f"exception.{key}") or "Exception" for key in ("type", "message"))
            item["data"]["exceptions"] = exception_details(value_text(kind), value_text(said), stack)
            if isinstance(kind, str) and isinstance(said, str) and kind.strip() and said.strip():
                first = item["data"]["exceptions"][0]
                assert (first["typeName"], first["message"]) == (found["typeName"], found["message"])


def _each(case: Case, items: Items):
    yield from zip(items, (case.attributes, *(attributes for _, attributes in case.events)), strict=True)


@fixes("values that are no text are written as JSON, not as Python's repr; a sequence is a list")
def values_as_json(case: Case, items: Items) -> None:
    for item, attributes in _each(case, items):
        for key in item["properties"].keys() & attributes.keys():
            if not isinstance(attributes[key], str):
                item["properties"][key] = value_text(attributes[key])[:8192]


@fixes("a long key is cut, its value is not lost; of equal keys the second ends in ~2")
def long_keys(case: Case, items: Items) -> None:
    for item, attributes in _each(case, items):
        for key, value in attributes.items():
            if len(key) > 150 and value is not None:
                short = key[:150] if key[:150] not in item["properties"] else key[:148] + "~2"
                item["properties"][short] = value_text(value)[:8192]
        numbers = json.loads(attributes.get("microsoft.custom_measurements") or "{}")
        long = [key for key in numbers if len(key) > 150]
        exact = "k" * 150 in numbers
        if long and exact:
            item["measurements"]["k" * 150] = float(numbers["k" * 150])
            item["measurements"]["k" * 148 + "~2"] = float(numbers[long[0]])


@fixes("`fass.` is a typing error for `faas.`, which both keep")
def misspelt(case: Case, items: Items) -> None:
    for item, attributes in _each(case, items):
        item["properties"] |= {
            key: value_text(value)[:8192]
            for key, value in attributes.items()
            if key.startswith("fass.") and value is not None
        }


@fixes("no standard metrics are made here")
def metric_extractors(case: Case, items: Items) -> None:
    items[0]["properties"].pop("_MS.ProcessedByMetricExtractors", None)


@fixes("103 links are longer than the 8192 characters of a property")
def most_links(case: Case, items: Items) -> None:
    if len(case.links) > 102:
        items[0]["properties"]["_MS.links"] = json.dumps(json.loads(items[0]["properties"]["_MS.links"])[:102])


@fixes("a text that the service insists on is never blank")
def blank_texts(case: Case, items: Items) -> None:
    for item in items:
        for key in {"RequestData": ["name"], "RemoteDependencyData": ["name"], "MessageData": ["message"]}.get(
            item["type"], []
        ):
            if not item["data"].get(key, "").strip():
                item["data"][key] = "n/a"


@fixes("durations are from 0 to 1000 days")
def durations(case: Case, items: Items) -> None:
    if case.start and case.end:
        items[0]["data"]["duration"] = duration(case.end - case.start)


@fixes("times are exact to the microsecond: theirs go through a float")
def times(case: Case, items: Items) -> None:
    for number, item in enumerate(items):
        exact = datetime.fromisoformat(timestamp((case.start or 0) + (5_000 if number else 0)).replace("Z", "+00:00"))
        assert abs((item["time"] - exact).total_seconds()) < 3e-6
        assert exact.tzinfo == timezone.utc
        item["time"] = exact


@fixes("what is no Unicode is replaced: a receiver could refuse the whole request")
def surrogates(case: Case, items: Items) -> None:
    _everywhere(items, lambda _path, text: text.encode("utf-8", "replace").decode())


@fixes("credentials do not leave the process")
def credentials(case: Case, items: Items) -> None:
    if case.kind is SpanKind.CLIENT and case.http and "@" in items[0]["data"].get("target", ""):
        items[0]["data"]["target"] = items[0]["data"]["target"].rpartition("@")[2]

    is_statement = not case.http and case.kind is SpanKind.CLIENT

    def clean(path: tuple, text: str) -> str:
        if path[0] in ("name", "type") or (path[0] == "tags" and path[1] != "ai.operation.name"):
            return text
        if path == ("data", "data") and is_statement:
            return text
        if path[0] == "properties" and DEFAULT.names_a_secret(path[1]) and text not in ("true", "false", ""):
            return REDACTED
        return DEFAULT.text(text)

    _everywhere(items, clean)


@fixes("tags have limits too, and so have targets and types that were put together")
def lengths(case: Case, items: Items) -> None:
    for item in items:
        item["tags"] = {key: str(value)[: TAG_LIMITS.get(key, 1024)] for key, value in item["tags"].items()}
        for key in ("target", "type"):
            if key in item["data"]:
                item["data"][key] = item["data"][key][:1024]


def _everywhere(items: Items, change: Callable[[tuple, str], str]) -> None:
    def walk(value: Any, path: tuple) -> Any:
        if isinstance(value, str):
            return change(path, value)
        if isinstance(value, dict):
            return {
                walk(key, ("key",)) if path[:1] == ("surrogate",) else key: walk(one, (*path, key))
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [walk(one, path) for one in value]
        return value

    for item in items:
        for key in list(item):
            item[key] = walk(item[key], (key,))
