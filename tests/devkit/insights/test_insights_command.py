"""`azfunc-ext insights`, in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ext_devkit.cli import insights
from ext_devkit.errors import DevkitError
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store.reader import Reader
from tests.support.insights import command, envelope, insights_process, post, raw, start


def reach(printed):
    return SimpleNamespace(port=int(printed["url"].rpartition(":")[2]))


@contextlib.contextmanager
def running(*arguments):
    process = start(*arguments)
    try:
        lines = []
        while not lines or not lines[-1].startswith("Press"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line)
        yield process, "".join(lines)
    finally:
        process.kill()
        process.communicate()


def test_it_explains_itself_in_one_block(tmp_path):
    db = tmp_path / "my insights.db"

    with running("--port", 0, "--db", db) as (_, text):
        port = re.search(r"http://127.0.0.1:(\d+)", text)[1]

    connection = (
        "InstrumentationKey=10ca1000-0000-4000-8000-000000000000;"
        f"IngestionEndpoint=http://127.0.0.1:{port};LiveEndpoint=http://127.0.0.1:{port}"
    )
    assert text == (
        "The local Application Insights is running.\n"
        "\n"
        f"  Web UI             http://127.0.0.1:{port}\n"
        f"  Connection string  {connection}\n"
        f"  OTLP over HTTP     http://127.0.0.1:{port}\n"
        f"  Database           {db}\n"
        "\n"
        "Send telemetry to it from another terminal:\n"
        f'  export APPLICATIONINSIGHTS_CONNECTION_STRING="{connection}"\n'
        "or, from anything that speaks OTLP:\n"
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{port} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
        "See what has arrived in the web UI, or with:\n"
        f"  azfunc-ext transactions --db '{db}'\n"
        "\n"
        "Press Ctrl-C to end it.\n"
    )


def test_json_is_one_line_for_programs(tmp_path):
    with insights_process("--port", 0, "--db", tmp_path / "a.db") as (_, printed):
        assert printed == {
            "url": printed["url"],
            "otlpEndpoint": printed["url"],
            "connectionString": "InstrumentationKey=10ca1000-0000-4000-8000-000000000000;"
            f"IngestionEndpoint={printed['url']};LiveEndpoint={printed['url']}",
            "database": str(tmp_path / "a.db"),
        }


def test_without_a_file_it_uses_the_state_folder_and_transactions_finds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    with insights_process("--port", 0) as (_, printed):
        post(reach(printed), envelope())
        listed = command("transactions", "--json")

    assert printed["database"] == str(tmp_path / "azfunc-ext" / "insights.db")
    assert [operation["name"] for operation in json.loads(listed.stdout)] == ["GET /items"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_also_with_open_connections(tmp_path, number):
    """Status 0, nothing on standard error, everything stored, no port left behind."""
    db = tmp_path / "insights.db"
    half = b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: 9\r\n\r\n["
    with insights_process("--port", 0, "--db", db) as (process, printed), contextlib.ExitStack() as stack:
        port = reach(printed).port
        for sent in (b"", half):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            connection.sendall(raw(reach(printed), sent))
        post(reach(printed), envelope())

        process.send_signal(number)
        _, complaints = process.communicate(timeout=30)

    assert (process.returncode, complaints) == (0, "")
    with InsightsServer(port), Reader(db) as reader:
        assert reader.count("requests") == 1


def refusal(*arguments):
    """Return what a start that fails prints: one line, status 1, no traceback."""
    done = command("insights", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("Error: ").rstrip("\n")


def test_a_busy_port_is_one_line(tmp_path):
    with InsightsServer() as busy:
        line = refusal("--port", busy.port, "--db", tmp_path / "a.db")

    assert line == (
        f"Port {busy.port} is in use by another program, perhaps another 'azfunc-ext insights'. "
        "End that one, or use --port with another number (0 picks a free one)."
    )


def test_a_port_out_of_range_is_one_line():
    assert refusal("--port", 70000) == ("Port 70000 does not exist. Use --port with 1-65535, or 0 for any free port.")


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    db = tmp_path / "notes.txt"
    db.write_text("Dear diary")

    assert refusal("--port", 0, "--db", db) == f"{db} is not an SQLite file. Name another file with --db."


def test_the_database_of_another_program_is_one_line(tmp_path):
    db = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(db)) as connection:
        connection.execute("CREATE TABLE t (x)")

    assert refusal("--port", 0, "--db", db) == (
        f"{db} is the database of another program. Name another file with --db."
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    tmp_path.chmod(0o500)

    assert refusal("--port", 0, "--db", tmp_path / "a.db") == (
        f"Cannot use {tmp_path / 'a.db'} as the database: unable to open database file. "
        "Make it writable, or name another file with --db."
    )


def test_a_fault_that_is_not_understood_makes_no_file(tmp_path):
    done = CliRunner().invoke(insights.command, ["--db", str(tmp_path / "a.db"), "--fault", "empty", "--fault", "boom"])

    assert isinstance(done.exception, DevkitError)
    assert str(done.exception).startswith("The fault 'boom' cannot be understood: ")
    assert not (tmp_path / "a.db").exists()


def test_it_can_be_loose_and_go_wrong_and_let_others_send(tmp_path):
    options = ["--loose", "--fault", "status=503,times=1", "--fault", "empty,path=/v1/logs", "--fault-seed", 7]
    with running("--port", 0, "--db", tmp_path / "a.db", *options, "--allow-origin", "https://shop.example") as (
        _,
        text,
    ):
        server = SimpleNamespace(port=int(re.search(r"http://127.0.0.1:(\d+)", text)[1]))
        answers = [post(server, envelope(success=...))[0] for _ in range(2)]
        status, _ = post(server, envelope(), Origin="https://shop.example")

    assert "  Goes wrong         status=503,times=1\n  Goes wrong         empty,path=/v1/logs\n\nSend" in text
    assert (*answers, status) == (503, 200, 200)


def test_it_opens_the_web_ui_where_that_is_wanted(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("ext_devkit.waiting.wait_for", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # which would last longer than this test

    done = CliRunner().invoke(insights.command, ["--port", "0", "--db", str(tmp_path / "a.db"), "--open", "--json"])

    assert opened == [json.loads(done.output)["url"]]


def test_debug_adds_the_traceback():
    done = command("insights", "--port", 70000, "--debug")

    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
