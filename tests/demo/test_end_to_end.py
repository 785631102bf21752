"""The path of `make demo`, in a process of its own: real requests, real telemetry, read from the database it was stored in."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ext_devkit.insights.store.reader import Reader
from tests.support.processes import command

Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What one run of the demo printed and stored."""

    status: int
    text: str
    requests: dict[str, Row]
    dependencies: list[Row]
    exceptions: list[Row]
    left_behind: list[Path]

    def inside(self, rows: list[Row], parent: Row) -> list[Row]:
        return [row for row in rows if row["operation_ParentId"] == parent["id"]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Run the demo once, among settings of the user's which would lead its telemetry elsewhere or switch it off."""
    folder = tmp_path_factory.mktemp("demo")
    foreign = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=1;IngestionEndpoint=http://127.0.0.1:9/",
        "OTEL_SDK_DISABLED": "true",
        "OTEL_TRACES_SAMPLER": "always_off",
        "EXT_OPENTELEMETRY_EXPORTER": "none",
        "PYTHON_ENABLE_WORKER_EXTENSIONS": "0",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    with command("demo", "--once", "--db", "kept.db", folder=folder, **foreign) as demo:
        status = demo.wait()
    assert status == 0, demo.text
    with Reader(folder / "kept.db") as reader:
        requests = {re.split(r"[/?]", row["url"])[4]: row for row in reader.rows("requests")}
        return Shown(
            status,
            demo.text,
            requests,
            reader.rows("dependencies"),
            reader.rows("exceptions"),
            list((folder / "tmp").iterdir()),
        )


def test_each_request_is_stored_with_its_result(shown: Shown):
    """One that succeeds, one that fails, one that is async; each of them once."""
    results = {name: (row["resultCode"], row["success"]) for name, row in shown.requests.items()}

    assert results == {"greet": ("200", True), "withdraw": ("500", False), "together": ("200", True)}


def test_each_request_is_an_operation_of_its_own(shown: Shown):
    """Each continues the trace that its caller started."""
    assert len({row["operation_Id"] for row in shown.requests.values()}) == 3


def test_the_call_of_the_other_service_lies_in_the_span_around_it(shown: Shown):
    """request -> `context.tracer.span(...)` -> `requests.get(...)`."""
    (span,) = shown.inside(shown.dependencies, shown.requests["greet"])
    (call,) = shown.inside(shown.dependencies, span)

    assert span["name"] == "find a greeting"
    assert call["data"].endswith("/greeting")
    assert (call["resultCode"], call["success"]) == ("200", True)
    assert call["operation_Id"] == span["operation_Id"] == shown.requests["greet"]["operation_Id"]


def test_the_exception_lies_in_its_request_with_type_message_and_stack(shown: Shown):
    """What the function raised, and nothing of what is around it."""
    (exception,) = shown.exceptions

    assert exception["operation_ParentId"] == shown.requests["withdraw"]["id"]
    assert exception["type"] == "ValueError"
    assert exception["message"] == "There are 10 coins, 50 cannot be withdrawn."
    assert "function_app.py" in str(exception["details"])


def test_the_spans_of_an_async_function_lie_in_its_request(shown: Shown):
    """Also when they run at the same time, in tasks of their own."""
    spans = shown.inside(shown.dependencies, shown.requests["together"])

    assert sorted(span["name"] for span in spans) == ["cake", "tea"]


def test_nothing_else_is_stored_as_a_call(shown: Shown):
    """The demo's own traffic is not part of what it shows."""
    assert len(shown.dependencies) == 4


def test_each_operation_is_printed_as_a_tree(shown: Shown):
    """With the ids under which `azfunc-ext transactions` finds them."""
    for row in shown.requests.values():
        assert f"Operation {row['operation_Id']}" in shown.text
    assert re.search(r"└── .*call  find a greeting", shown.text)
    assert re.search(r"exception  ValueError: There are 10 coins, 50 cannot be withdrawn\.", shown.text)


def test_once_it_leaves_no_temporary_file(shown: Shown):
    """What was to be kept is in the file that `--db` named."""
    assert shown.left_behind == []
