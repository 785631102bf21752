"""No credential is in what a span becomes, and nothing else is missing."""

from __future__ import annotations

import json

import pytest
from opentelemetry.trace import SpanKind

from ext_appinsights.redaction import DEFAULT, REDACTED, Redactor, redactor_of
from ext_opentelemetry.mapping import Mapper
from tests.support.secrets import JWT, KEY, SECRETS, S


@pytest.mark.parametrize("text", SECRETS)
def test_no_credential_is_in_any_field_of_an_item(make_span, text: str):
    """Properties, URL, target, names, messages, exceptions, their causes, events."""

    def change(span):
        span.add_event(text, {"said": text, "list": [text]})
        try:
            try:
                raise KeyError(text)
            except KeyError as error:
                raise ValueError(text) from error
        except ValueError as error:
            span.record_exception(error, {"said": text})

    for kind in SpanKind:
        for attributes in (
            {"said": text, "several": ["a", text], "peer.service": text},
            {"http.request.method": "GET", "url.full": text, "user_agent.original": "x"},
            {
                "http.method": "GET",
                "http.scheme": "http",
                "http.host": "h",
                "http.target": f"/{text}",
                "net.peer.name": text,
            },
            {"messaging.system": text, "messaging.destination.name": text, "server.address": text},
        ):
            lines = Mapper().lines(make_span(text, kind, attributes, change=change), None)
            for secret in (S, KEY, JWT, "bWU6aHVudGVyMlp4OQ", "1234567"):
                assert all(secret not in line.decode() for line in lines)


def test_the_statement_of_a_database_stays(make_span):
    """It is what one looks for; instrumentations leave its parameters out."""
    attributes = {"db.system": "mysql", "db.statement": "SELECT 1 FROM t WHERE password='x' AND token = %s"}
    (item,) = Mapper().envelopes(make_span("q", SpanKind.CLIENT, attributes), None)

    assert item["data"]["baseData"]["data"] == attributes["db.statement"]


def test_a_credential_that_a_limit_cuts_in_two_is_still_seen(make_span):
    """The part in front of the limit would tell enough."""
    value = "x" * 8150 + f" https://me:{S * 9}@a.example/"
    (item,) = Mapper().envelopes(make_span("q", SpanKind.INTERNAL, {"said": value}), None)

    assert S not in item["data"]["baseData"]["properties"]["said"]


def test_it_can_be_switched_off(make_span):
    """Then everything is as the app said it."""
    span = make_span("q", SpanKind.CLIENT, {"http.method": "GET", "http.url": f"http://u:{S}@h/", "password": S})
    (item,) = Mapper(redactor_of(False)).envelopes(span, None)

    data = item["data"]["baseData"]
    assert (data["data"], data["properties"]) == (f"http://u:{S}@h/", {"password": S})
    assert redactor_of(True) is DEFAULT
    own = Redactor()
    assert redactor_of(own) is own


def test_keys_and_patterns_can_be_added_and_names_kept(make_span):
    """In attributes, parameters and texts alike."""
    redactor = Redactor(keys=["iban", "Customer.PIN"], patterns=[r"\bcus_\w+"], keep=["csrf-token"])
    span = make_span(
        "paid by cus_123",
        SpanKind.CLIENT,
        {"http.method": "GET", "http.url": "http://h/cus_9?iban=DE1&a=b", "billing.IBAN": "DE1", "customer_pin": 7, "pin": 7,
         "csrfToken": "a1", "said": "for cus_1 with iban=DE1"},
    )  # fmt: skip
    (item,) = Mapper(redactor).envelopes(span, None)

    data = item["data"]["baseData"]
    assert (data["name"], data["data"]) == ("GET /REDACTED", "http://h/REDACTED?iban=REDACTED&a=b")
    assert data["properties"] == {
        "billing.IBAN": REDACTED, "customer_pin": REDACTED, "pin": "7", "csrfToken": "a1", "said": "for REDACTED with iban=REDACTED",
    }  # fmt: skip


def test_items_stay_json(make_span):
    """What is replaced does not take quotes with it."""
    for text in SECRETS:
        for line in Mapper().lines(
            make_span("a", SpanKind.INTERNAL, {"json": json.dumps({"a": text, "b": [text]})}), None
        ):
            json.loads(line)
