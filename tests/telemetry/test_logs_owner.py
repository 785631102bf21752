"""Who stores a log line: the table of docs/explanation/who-stores-logs.md, and that none is stored twice."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from ext_opentelemetry import host_json, keepers
from ext_telemetry import logs
from tests.support.logged import HOST, OTHER, REPORTS

ELSEWHERE = {**HOST, "APPLICATIONINSIGHTS_CONNECTION_STRING": OTHER}
OPENTELEMETRY = {"AzureFunctionsJobHost__telemetryMode": "OpenTelemetry"}

NOBODY_ELSE = (["told"], ["told"])  # what arrives by us, and what the worker forwards
TAKEN_OVER = (["told"], [])
LEFT = ([], ["told"])

TABLE = {
    "no host": ({}, NOBODY_ELSE),
    "default mode, same resource": (REPORTS, TAKEN_OVER),
    "default mode, another resource": (ELSEWHERE, NOBODY_ELSE),
    "default mode, no connection string of the host's": (HOST, NOBODY_ELSE),
    "default mode, and its own agent": ({**REPORTS, "APPLICATIONINSIGHTS_ENABLE_AGENT": "true"}, TAKEN_OVER),
    "OpenTelemetry mode": ({**REPORTS, **OPENTELEMETRY}, TAKEN_OVER),
    "OpenTelemetry mode, another resource": ({**ELSEWHERE, **OPENTELEMETRY}, NOBODY_ELSE),
    "a connection string that cannot be read": (
        {**HOST, "APPLICATIONINSIGHTS_CONNECTION_STRING": "nonsense"},
        TAKEN_OVER,
    ),
}

shop = logging.getLogger("shop")


@pytest.mark.parametrize("row", list(TABLE))
def test_each_row_of_the_table_holds(row, set_up, lines, worker_handler):
    variables, (arrives, forwarded) = TABLE[row]
    set_up(variables)

    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == (arrives, forwarded)


@pytest.mark.parametrize(
    ("version", "variable", "distro", "forwarded"),
    [
        ((3, 11), "PYTHON_ENABLE_OPENTELEMETRY", True, ["told"]),
        ((3, 11), "PYTHON_ENABLE_OPENTELEMETRY", False, []),
        ((3, 11), "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", True, []),
        ((3, 13), "PYTHON_ENABLE_OPENTELEMETRY", False, ["told"]),
        ((3, 13), "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", True, ["told"]),
        ((3, 13), "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", False, []),
    ],
)
def test_a_host_that_knows_of_the_workers_opentelemetry_stores_none(
    version, variable, distro, forwarded, set_up, lines, worker_handler, monkeypatch
):
    """Then its handler stays, for the log stream. Without the distribution the classic worker does not announce it."""
    monkeypatch.setattr(keepers.sys, "version_info", version)
    monkeypatch.setattr(keepers.beside, "may_be_hidden", lambda: distro)
    set_up({**REPORTS, **OPENTELEMETRY, variable: "true"})

    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == (["told"], forwarded)


@pytest.mark.parametrize(
    ("setting", "expected"), [("off", LEFT), ("export", NOBODY_ELSE), ("auto", TAKEN_OVER)], ids=str
)
def test_the_setting_decides_for_the_same_resource(setting, expected, set_up, lines, worker_handler):
    set_up(REPORTS, logs=setting)

    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == expected


def test_a_worker_whose_handler_is_not_known_keeps_its_records_and_one_line_says_so(set_up, lines, monkeypatch):
    said = []
    monkeypatch.setattr(logs._log, "warning", said.append)

    for _ in range(2):
        set_up(REPORTS)
        lines.run(lambda: shop.warning("told"))

    assert lines.texts() == []
    assert said == [
        "Log records are left to the Functions host, because the handler with which this worker forwards them is not "
        'known and each of them would be stored twice. logs="export" exports them all the same, logs="off" ends this '
        "line."
    ]


def test_what_is_not_exported_stays_with_the_worker(set_up, lines, worker_handler):
    """Lines of the worker itself and of the delivery, and those below the level, are not ours to take."""
    logging.getLogger().setLevel(logging.DEBUG)
    set_up(REPORTS, level="WARNING")

    def work():
        for name in ("some_worker.x", "ext_opentelemetry"):
            logging.getLogger(name).warning(name)
        shop.info("low")
        shop.warning("told")

    lines.run(work)

    assert (lines.texts(), worker_handler.forwarded) == (["told"], ["some_worker.x", "ext_opentelemetry", "low"])


def test_without_a_destination_nothing_is_taken(lines, fresh, worker_handler, monkeypatch):
    for name, value in REPORTS.items():
        monkeypatch.setenv(name, value)
    fresh.configure(exporter="none")

    lines.run(lambda: shop.warning("told"))

    assert worker_handler.forwarded == ["told"]


def test_where_nobody_takes_a_line_after_all_the_host_has_the_next_ones(set_up, lines, worker_handler, monkeypatch):
    set_up(REPORTS)
    monkeypatch.setattr(logs.handler, "emit", lambda record: False)

    lines.run(lambda: [shop.warning(text) for text in ("one", "two", "three", "four", "five")])

    assert worker_handler.forwarded == ["four", "five"]


def test_a_line_of_which_nothing_can_be_told_reaches_the_host(set_up, lines, worker_handler):
    """Such as one that was made by hand, with a name that is none."""
    set_up(REPORTS)

    lines.run(lambda: shop.handle(logging.makeLogRecord({"name": None, "msg": "odd", "levelno": 40})))

    assert (lines.texts(), worker_handler.forwarded) == ([], ["odd"])


def test_a_line_that_somebody_takes_ends_the_doubt(set_up, lines, worker_handler, monkeypatch):
    set_up(REPORTS)
    taken = iter([False, False, True, False, False, True])
    monkeypatch.setattr(logs.handler, "emit", lambda record: next(taken))

    lines.run(lambda: [shop.warning("x") for _ in range(6)])

    assert worker_handler.forwarded == []


def test_what_another_configuration_means_holds_from_the_next_invocation_on(set_up, lines, worker_handler, fresh):
    set_up(REPORTS)
    lines.run(lambda: shop.warning("one"))
    fresh.configure(exporter="none")
    lines.run(lambda: shop.warning("two"))

    assert worker_handler.forwarded == ["two"]
    assert not worker_handler.filters


def test_an_app_that_takes_our_handler_away_loses_no_line(set_up, lines, worker_handler):
    """Until the next invocation the host has them; then the handler is back."""
    set_up(REPORTS)

    def work():
        logging.getLogger().removeHandler(logs._handler)
        shop.warning("one")

    lines.run(work)
    lines.run(lambda: shop.warning("two"))

    assert (lines.texts(), worker_handler.forwarded) == (["two"], ["one"])


def test_an_app_that_takes_the_workers_handler_away_too_loses_no_line(set_up, lines, worker_handler):
    """`logging.basicConfig(force=True)`: the host has none of them any more."""
    set_up(REPORTS)
    lines.run(logging.getLogger().handlers.clear)
    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == (["told"], [])
    assert logs._said == set()


def test_installing_again_leaves_one_handler_and_one_filter(set_up, lines, worker_handler):
    for _ in range(3):
        set_up(REPORTS)
        lines.run(lambda: None)

    assert logging.getLogger().handlers.count(logs._handler) == 1
    assert len(worker_handler.filters) == 1


def test_to_install_again_lets_no_record_pass_meanwhile(set_up, lines, worker_handler, monkeypatch):
    """Many first invocations at once decide at once; the filter is not to be missing while one of them logs."""
    set_up(REPORTS)
    lines.run(lambda: None)
    monkeypatch.setattr(worker_handler, "removeFilter", lambda one: pytest.fail("taken away"))

    logs._place(logging.getLogger(), logs._taker.plan)

    assert worker_handler.filters == [logs._filter]


def test_a_reload_replaces_the_handler(lines):
    """The module is imported anew, and its handler is of another class with the same name."""
    former = type("RecordHandler", (logging.Handler,), {"__module__": "ext_telemetry.logs.handler"})()
    logging.getLogger().addHandler(former)
    lines.configure()

    assert former not in logging.getLogger().handlers
    assert logging.getLogger().handlers.count(logs._handler) == 1


def test_lines_after_the_end_of_logging_still_arrive(lines):
    """At exit `logging.shutdown` comes before or after the last flush; the handler holds nothing back."""
    lines.run(lambda: shop.info("one"))
    logging.shutdown([lambda: logs._handler])
    lines.run(lambda: shop.info("two"))

    assert lines.texts() == ["one", "two"]


LOG_LEVEL = {"logging": {"logLevel": {"default": "Warning", "Function.HttpTrigger": "Error"}}}


@pytest.mark.parametrize(
    ("function", "texts"), [("HttpTrigger", ["error"]), ("Other", ["warning", "error"])], ids=["named", "default"]
)
def test_the_level_is_that_of_host_json(function, texts, set_up, lines):
    """To take records over is not to store more than before."""
    Path("host.json").write_text(json.dumps(LOG_LEVEL))
    host_json._read.clear()
    set_up()

    def work():
        for level in ("info", "warning", "error"):
            getattr(shop, level)(level)

    lines.run(work, name=function)

    assert lines.texts() == texts


def test_an_app_setting_overrides_host_json(set_up, lines):
    Path("host.json").write_text(json.dumps(LOG_LEVEL))
    host_json._read.clear()
    set_up({"AzureFunctionsJobHost__logging__logLevel__Function__HttpTrigger": "Information"})

    lines.run(lambda: shop.info("told"))

    assert lines.texts() == ["told"]


def test_switched_off_nothing_is_installed(lines, monkeypatch):
    lines.configure(logs="off")
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "false")
    lines.configure()

    assert logs._handler not in logging.getLogger().handlers


@pytest.mark.parametrize(
    ("ours", "theirs", "meet"),
    [
        ({"a"}, {"a"}, True),
        ({"a"}, {"b"}, False),
        ({""}, {"b"}, True),
        ({"a"}, set(), False),
    ],
)
def test_places_meet_where_a_record_could_be_stored_twice(ours, theirs, meet):
    assert keepers.Place(frozenset(ours)).meets(keepers.Place(frozenset(theirs))) is meet


def test_otlp_meets_otlp_alone(monkeypatch):
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "one")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    assert not keepers.Place(otlp=True).meets(keepers.host_place())
    monkeypatch.setenv(*next(iter(OPENTELEMETRY.items())))
    assert keepers.Place(otlp=True).meets(keepers.host_place())
    assert not keepers.Place(frozenset({"a"})).meets(keepers.host_place())


@pytest.mark.parametrize(
    ("variables", "stores"),
    [
        ({}, False),
        (OPENTELEMETRY, True),
        ({**OPENTELEMETRY, "PYTHON_ENABLE_OPENTELEMETRY": "true"}, False),
    ],
    ids=["default", "OpenTelemetry mode", "announced"],
)
def test_by_otlp_the_question_is_the_same(variables, stores, lines, fresh, monkeypatch, worker_handler):
    monkeypatch.setattr(keepers.beside, "may_be_hidden", lambda: True)
    for name, value in {**HOST, **variables, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    fresh.configure(exporter="otlp")

    lines.run(lambda: None)

    found = keepers.current()
    assert (found.ours, found.host_stores) == (keepers.Place(otlp=True), stores)
    assert logs._taker.plan.way.value == ("take over" if stores else "export")
    assert len(worker_handler.filters) == stores


def test_the_page_has_a_row_for_each_of_these():
    page = (Path(__file__).parents[2] / "docs/explanation/who-stores-logs.md").read_text()

    assert not [row for row in TABLE if not re.search(rf"^\| {re.escape(row)} \|", page, re.MULTILINE)]
