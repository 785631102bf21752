"""What of a log line arrives, and as what."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict, defaultdict
from pathlib import Path

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from ext_telemetry import logs
from tests.support.ingestion import IngestionServer
from tests.support.lifecycle import TRACEPARENT

ROOT = Path(__file__).parents[2]
TRACE_ID = TRACEPARENT[3:35]
shop = logging.getLogger("shop")


class Odd(dict):
    """A dict with ways of its own."""

    def items(self):
        raise KeyError("items")


def properties(item):
    return item["data"]["baseData"]["properties"]


def test_a_line_arrives_with_its_text_severity_logger_and_place(lines):
    def work():
        shop.warning("%d of %s", 3, "ada")

    lines.run(work)

    (item,) = lines.items()
    data = item["data"]["baseData"]
    assert (data["message"], data["severityLevel"]) == ("3 of ada", 2)
    found = properties(item)
    assert found["logger_name"] == "shop"
    assert found["code.file.path"] == __file__
    assert found["code.function.name"] == "work"
    assert int(found["code.line.number"]) == work.__code__.co_firstlineno + 1
    assert found["thread.name"] == threading.current_thread().name


@pytest.mark.parametrize(("level", "severity"), [(20, 1), (25, 1), (30, 2), (40, 3), (50, 4), (99, 4)], ids=str)
def test_levels_become_severities(lines, level, severity):
    lines.run(lambda: shop.log(level, "x"))

    assert [one["data"]["baseData"]["severityLevel"] for one in lines.items()] == [severity]


def test_extra_keys_and_custom_dimensions_become_custom_dimensions(lines):
    """As of OpenCensus's handler; of the same name, what is said as a custom dimension counts."""
    extra = {"order": 7, "open": True, "who": "ada", "custom_dimensions": {"who": "eve", "parts": [1, "b"], 5: None}}

    lines.run(lambda: shop.info("x", extra=extra))

    found = properties(lines.items()[0])
    assert {key: found[key] for key in ("order", "open", "who", "parts")} == {
        "order": "7", "open": "true", "who": "eve", "parts": '[1, "b"]',
    }  # fmt: skip
    assert not {"custom_dimensions", "5"} & found.keys()


def test_custom_dimensions_that_are_no_dict_are_a_dimension_of_that_name(lines):
    lines.run(lambda: shop.info("x", extra={"custom_dimensions": "all"}))

    assert properties(lines.items()[0])["custom_dimensions"] == "all"


@pytest.mark.parametrize("given", [OrderedDict(tenant="a"), defaultdict(str, tenant="a"), Odd(tenant="a")], ids=type)
def test_custom_dimensions_may_be_any_dict(lines, given):
    lines.run(lambda: shop.info("x", extra={"custom_dimensions": given}))

    found = properties(lines.items()[0])
    assert (found["tenant"], "custom_dimensions" in found) == ("a", False)


def test_a_key_that_is_no_text_becomes_one(lines):
    lines.run(lambda: shop.info("x", extra={5: "five", None: "none"}))

    found = properties(lines.items()[0])
    assert (found["5"], found["None"]) == ("five", "none")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**5000, "<int: ValueError in __str__>"),
        ([10**5000], "<list: ValueError in __str__>"),
        (Odd(tenant="a"), "{'tenant': 'a'}"),
        ({frozenset(): 1}, "{frozenset(): 1}"),
    ],
    ids=["a huge integer", "in a list", "an odd dict", "an odd key"],
)
def test_a_value_that_json_does_not_take_does_not_cost_the_line(lines, value, text):
    lines.run(lambda: shop.info("x", extra={"value": value}))

    assert properties(lines.items()[0])["value"] == text


def test_the_stack_that_a_line_asks_for_is_a_dimension(lines):
    """The worker's handler sends it as a part of the text."""
    lines.run(lambda: [shop.info("x", stack_info=True), shop.info("y")])

    first, second = map(properties, lines.items())
    assert first["code.stacktrace"].startswith("Stack (most recent call last):")
    assert "code.stacktrace" not in second


def test_without_an_exception_exc_info_is_a_line(lines):
    lines.run(lambda: shop.error("x", exc_info=True))

    assert lines.texts() == ["x"]
    assert lines.items("ExceptionData") == []


def test_warnings_that_logging_captures_arrive(lines):
    def work():
        logging.captureWarnings(True)
        try:
            warnings.warn("careful", stacklevel=1)
        finally:
            logging.captureWarnings(False)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        lines.run(work)

    (item,) = lines.items()
    assert "UserWarning: careful" in item["data"]["baseData"]["message"]
    assert properties(item)["logger_name"] == "py.warnings"


def test_a_value_is_kept_as_it_was_when_the_line_was_logged(lines):
    basket = ["pear"]

    def work():
        shop.info("%s", basket, extra={"basket": basket})
        basket.append("plum")

    lines.run(work)

    assert lines.texts() == ["['pear']"]
    assert properties(lines.items()[0])["basket"] == '["pear"]'


def test_what_a_formatter_adds_is_no_dimension_nor_hides_extra(lines):
    """Another handler before ours formats the record, and a filter of the app takes a field away."""

    class Thins(logging.Handler):
        def emit(self, record):
            logging.Formatter("%(asctime)s %(message)s").format(record)
            del record.module

    other = Thins()
    logging.getLogger().handlers.insert(0, other)
    try:
        lines.run(lambda: shop.info("x", extra={"order": 7}))
    finally:
        logging.getLogger().removeHandler(other)

    found = properties(lines.items()[0])
    assert found["order"] == "7"
    assert not {"message", "asctime", "module"} & found.keys()


def test_an_exception_arrives_with_its_stack_and_its_cause_and_once(lines):
    def work():
        try:
            try:
                {}["tea"]
            except KeyError as error:
                raise ValueError("no tea") from error
        except ValueError:
            shop.exception("order failed", extra={"order": 7})

    lines.run(work)

    (item,) = lines.items("ExceptionData")
    first, second = item["data"]["baseData"]["exceptions"]
    assert (first["typeName"], first["message"], second["typeName"]) == ("ValueError", "order failed", "KeyError")
    assert [frame["method"] for frame in first["parsedStack"]] == ["work"]
    assert properties(item)["order"] == "7"
    assert lines.items() == []


def test_a_line_whose_arguments_do_not_fit_arrives_as_it_is_written(lines):
    lines.run(lambda: shop.info("%d apples", "no"))

    assert lines.texts() == ["%d apples"]


def test_what_cannot_be_printed_does_not_keep_the_line(lines):
    class Mute:
        def __str__(self):
            raise RuntimeError

    lines.run(lambda: shop.info(Mute(), extra={"mute": Mute()}))

    assert lines.texts() == ["<Mute: RuntimeError in __str__>"]


def test_a_filter_of_the_app_on_the_handler_leaves_lines_out(lines, request):
    secret = lambda record: "secret" not in record.getMessage()  # noqa: E731
    logs._handler.addFilter(secret)
    request.addfinalizer(lambda: logs._handler.removeFilter(secret))

    lines.run(lambda: [shop.info(text) for text in ("a secret", "told")])

    assert lines.texts() == ["told"]


def test_loggers_of_the_delivery_and_its_threads_are_left_out(lines):
    def work():
        for name in ("ext_appinsights", "ext_opentelemetry.x", "opentelemetry.sdk", "azure.monitor.opentelemetry.x"):
            logging.getLogger(name).warning("inner")
        sender = threading.Thread(target=lambda: logging.getLogger("urllib3").warning("inner"), name="ext_appinsights")
        sender.start()
        sender.join()
        logging.getLogger("urllib3").warning("of the app")

    lines.run(work)

    assert lines.texts() == ["of the app"]


def test_what_an_http_client_says_while_it_exports_is_left_out(lines):
    """Exporters say so in the context; what the app itself logs there is still its own."""

    def work():
        with suppress_instrumentation():
            logging.getLogger("urllib3.connectionpool").warning("retrying")
            shop.warning("of the app")
        logging.getLogger("urllib3.connectionpool").warning("retrying for the app")

    lines.run(work)

    assert lines.texts() == ["of the app", "retrying for the app"]


def test_a_value_that_logs_while_it_is_printed_is_no_loop(lines):
    class Talks:
        def __str__(self):
            shop.warning("again", extra={"self": self})
            return "talks"

    lines.run(lambda: shop.warning(Talks()))

    assert lines.texts() == ["talks"]


def test_a_failure_of_ours_reaches_nobody_and_is_said_once(lines, monkeypatch, capsys):
    def fails(record):
        raise OSError("full")

    monkeypatch.setattr(logs.handler, "emit", fails)
    monkeypatch.setattr(logs._taker, "_failed", False)

    lines.run(lambda: [shop.info("x") for _ in range(3)])

    assert capsys.readouterr().err == "ext_telemetry: a log record was not exported (said once): OSError: full\n"


def test_what_a_record_factory_of_the_app_adds_is_a_dimension(tmp_path):
    """Also one that was there before the extension was imported."""
    found = run_app(
        tmp_path,
        "import logging\n"
        "class Tenant(logging.LogRecord):\n"
        "    def __init__(self, *args, **more):\n"
        "        super().__init__(*args, **more)\n"
        "        self.tenant = 'a'\n"
        "logging.setLogRecordFactory(Tenant)\n"
        "import ext_telemetry\n"
        "logging.getLogger('shop').warning('told')\n",
    )

    assert [one["properties"].get("tenant") for one in found] == ["a"]


def test_a_line_that_is_logged_while_modules_are_imported_arrives(tmp_path):
    """Without `configure`; the host drops such lines, for they belong to no invocation."""
    found = run_app(
        tmp_path,
        "import logging, ext_telemetry\nlogging.getLogger('shop').warning('early')\n",
        "logging.getLogger('shop').warning('in time')",
    )

    assert [one["message"] for one in found] == ["early", "in time"]


def run_app(tmp_path, imports, function="None"):
    """Run an app in a process of its own; return the log lines that arrive."""
    app = tmp_path / "app.py"
    app.write_text(
        f"{imports}"
        "from ext_opentelemetry import OpenTelemetryExtension\n"
        "from tests.support.lifecycle import invoke\n"
        f"invoke(lambda context: {function})\n"
        "assert OpenTelemetryExtension.shutdown(20.0)\n"
    )
    with IngestionServer() as server:
        environment = {**os.environ, "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string}
        done = subprocess.run(
            [sys.executable, str(app)], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False,
            env=environment | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [one["data"]["baseData"] for one in server.items if one["data"]["baseType"] == "MessageData"]
