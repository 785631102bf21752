"""What is written as a line at once is, field for field, what the builder of the same name makes."""

from __future__ import annotations

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights import envelope, lines

CHARACTERS = st.characters(codec=None) if "codec" in inspect.signature(st.characters).parameters else st.characters()
TEXTS = st.text(CHARACTERS, max_size=20) | st.sampled_from(
    [
        "",
        " ",
        "x" * 128,
        "x" * 129,
        "x" * 1024,
        "é" * 1025,
        "☃" * 2048,
        "x" * 2049,
        "x" * 8192,
        "x" * 8193,
        '"\\\n\x00\x7f',
        "\ud800",
    ]
)
VALUES = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=2)
    | st.binary(max_size=4)
)
KEYS = st.text(max_size=8) | st.sampled_from(["k" * 150, "k" * 151, "k" * 152, "gen_ai.input.messages"])
COMMON = {
    "time_ns": st.integers(0, 4 * 10**18),
    "name": TEXTS,
    "duration_ns": st.integers(-(10**9), 10**17),
    "success": st.booleans(),
    "id": TEXTS,
    "properties": st.dictionaries(KEYS, VALUES, max_size=4) | st.none(),
    "measurements": st.dictionaries(KEYS, VALUES, max_size=3) | st.none(),
    "tags": st.dictionaries(
        st.sampled_from(["ai.operation.id", "ai.location.ip", "ai.user.userAgent", "other"]), TEXTS | st.none()
    ),
    "sample_rate": st.floats(0.001, 100.0),
}
REQUEST = st.fixed_dictionaries(
    COMMON | {"response_code": TEXTS, "url": TEXTS | st.none(), "source": TEXTS | st.none()}
)
DEPENDENCY = st.fixed_dictionaries(COMMON | dict.fromkeys(["result_code", "type", "target", "data"], TEXTS | st.none()))


def written(make, arguments: dict) -> dict:
    """Return what a line says."""
    members = {key: getattr(lines, key)(arguments[key]) for key in ("properties", "measurements", "tags")}
    line = make(**arguments | members)
    assert b"\n" not in line
    return json.loads(line)


def built(make, arguments: dict) -> dict:
    """Return what the channel writes of an envelope."""
    return json.loads(lines.line(make(**arguments)))


@given(REQUEST)
def test_a_request_is_the_same_either_way(arguments: dict):
    """Limits, escapes, blank texts, what is left out, and text that is no Unicode."""
    assert written(lines.request, arguments) == built(envelope.request, arguments)


@given(DEPENDENCY)
def test_a_dependency_is_the_same_either_way(arguments: dict):
    """Limits, escapes, blank texts, what is left out, and text that is no Unicode."""
    assert written(lines.dependency, arguments) == built(envelope.dependency, arguments)


@pytest.mark.parametrize("name", ["request", "dependency"])
def test_both_take_the_same_arguments(name: str):
    """So that one can stand for the other."""
    line, builder = (inspect.signature(getattr(module, name)).parameters for module in (lines, envelope))

    assert {key: one.default or None for key, one in line.items()} == {
        key: one.default or None for key, one in builder.items()
    }


def test_keys_that_are_equal_up_to_their_limit_keep_both_values():
    """The service would keep one of them, and would not say which."""
    properties = {"k" * 151: "second", "k" * 150: "exact", "k" * 150 + "x": "third", "k" * 148 + "~2": "taken"}
    item = envelope.event(time_ns=0, name="e", properties=properties, measurements={"m" * 151: 1, "m" * 152: 2})

    assert item["data"]["baseData"]["properties"] == {
        "k" * 150: "exact", "k" * 148 + "~2": "taken", "k" * 148 + "~3": "second", "k" * 148 + "~4": "third",
    }  # fmt: skip
    assert item["data"]["baseData"]["measurements"] == {"m" * 150: 1, "m" * 148 + "~2": 2}


def test_conversations_with_language_models_may_be_long():
    """256 Ki characters for those of Microsoft's exporter, 8192 for all others."""
    values = dict.fromkeys(["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt"], "m" * 300_000)
    kept = envelope.event(time_ns=0, name="e", properties=values)["data"]["baseData"]["properties"]

    assert {key: len(value) for key, value in kept.items()} == {
        "gen_ai.input.messages": 262_144, "gen_ai.output.messages": 262_144, "gen_ai.prompt": 8192,
    }  # fmt: skip


def test_values_that_json_cannot_hold_become_texts():
    """A loop, keys that are no text, bytes."""
    loop: list = []
    loop.append(loop)
    item = envelope.event(
        time_ns=0, name="e", properties={"loop": loop, "keys": {(1, 2): 3}, "bytes": b"a\xff", "inside": [b"b"]}
    )

    assert item["data"]["baseData"]["properties"] == {
        "loop": "[[...]]", "keys": "{(1, 2): 3}", "bytes": "a�", "inside": '["b"]',
    }  # fmt: skip
