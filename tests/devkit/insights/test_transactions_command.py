"""`azfunc-ext transactions`, and what a terminal gets to see."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest
from rich.console import Console

from ext_devkit.insights.console import milliseconds, print_operations, print_transaction
from ext_devkit.insights.plain import plain
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store.database import open_for_writing
from ext_devkit.insights.transaction import MOST_ROWS, Transaction
from tests.support.insights import OPERATION, ago, command, envelope, post, row

OTHER = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def db(tmp_path):
    """A file with one operation that failed and one that did not."""
    path = tmp_path / "insights.db"
    tags = {"ai.cloud.role": "shop"}
    under = tags | {"ai.operation.parentId": "00f067aa0ba902b7"}
    failed = [
        envelope(success=False, responseCode="500", tags=tags),
        envelope("RemoteDependencyData", type="HTTP", target="stock:80", resultCode="200", tags=under),
        envelope("MessageData", tags={"ai.operation.parentId": f"|{OPERATION}.53995c3f42cd8ad8."}),
        envelope("ExceptionData", tags=under),
        envelope("EventData", tags=under),
    ]
    good = envelope(tags=tags | {"ai.operation.id": OTHER}) | {"time": ago(hours=1)}
    with InsightsServer(db=path) as server:
        assert post(server, [*failed, good])[0] == 200
    return path


def printed(*rows, width=80):
    """Return how an operation is printed, line by line, without its headline."""
    stream = io.StringIO()
    print_transaction(Console(file=stream, width=width, highlight=False), Transaction.from_rows(OPERATION, rows))
    return [line.rstrip() for line in stream.getvalue().splitlines()[1:]]


def test_one_operation_is_a_tree(db):
    done = command("transactions", OPERATION, "--db", db)

    headline, *tree = done.stdout.splitlines()
    assert headline.startswith(f"Operation {OPERATION}  20")
    assert headline.endswith(" UTC  shop")
    assert tree == [
        "└── request  GET /items  125 ms  500  FAILED",
        "    ├── call  GET /stock  1.50 s  200  HTTP stock:80",
        "    │   └── warning  sold out",
        "    ├── exception  ValueError: no such item",
        "    └── event  bought",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_without_an_id_it_lists_the_latest_first(db):
    done = command("transactions", "--db", db)

    heads, failed, good = [line.split() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert heads == ["Time", "(UTC)", "Operation", "Name", "Role", "Duration", "Result", "Items"]
    assert failed[2:] == ["0af76519", "GET", "/items", "shop", "125", "ms", "500", "FAILED", "5"]
    assert good[2:] == ["4bf92f35", "GET", "/items", "shop", "125", "ms", "200", "1"]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_very_long_name_is_shortened_in_the_list_and_whole_in_the_tree(tmp_path):
    path = tmp_path / "long.db"
    with InsightsServer(db=path) as server:
        post(server, envelope(name="x" * 300, tags={"ai.operation.id": "long"}))

    listed = command("transactions", "--db", path).stdout
    tree = command("transactions", "long", "--db", path).stdout

    assert (listed.count("x"), listed.count("…")) == (79, 1)
    assert tree.count("x") == 300


def test_a_limit_leaves_out_the_oldest(db):
    done = command("transactions", "--db", db, "--limit", 1, "--json")

    assert [operation["operation_Id"] for operation in json.loads(done.stdout)] == [OPERATION]


def test_a_prefix_is_enough_also_while_a_server_writes(db):
    with InsightsServer(db=db) as server:
        post(server, envelope(tags={"ai.operation.id": "new"}))
        done = command("transactions", "ne", "--db", db)

    assert done.stdout.startswith("Operation new ")


def test_json_has_the_summary_and_the_tree(db):
    answer = json.loads(command("transactions", OTHER, "--db", db, "--json").stdout)

    assert (answer["operation_Id"], answer["items"], answer["success"]) == (OTHER, 1, True)
    assert [(item["depth"], item["itemType"], item["duration"]) for item in answer["tree"]] == [(0, "request", 125.0)]


def test_no_colour_goes_into_a_file(db):
    done = command("transactions", OPERATION, "--db", db, TERM="xterm-256color")

    assert "\x1b" not in done.stdout


def test_an_encoding_that_lacks_a_character_does_not_end_the_command(db):
    done = command("transactions", OPERATION, "--db", db, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, "")


def refusal(*arguments):
    done = command("transactions", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("Error: ").rstrip("\n")


def test_an_unknown_id_is_one_line(db):
    assert refusal("\x1b[31mff", "--db", db) == (
        f"{db} has no operation '\\x1b[31mff'. 'azfunc-ext transactions' without an id lists those it has."
    )


def test_an_ambiguous_prefix_is_one_line_with_the_candidates(db):
    with InsightsServer(db=db) as server:
        post(server, [envelope(tags={"ai.operation.id": f"4b{n}"}) for n in range(5)])

    assert refusal("4b", "--db", db) == (
        "Several operations start with '4b': 4b0, 4b1, 4b2 and others. Give more of the id."
    )


def test_an_id_that_is_the_start_of_another_is_found(db):
    with InsightsServer(db=db) as server:
        post(server, envelope(tags={"ai.operation.id": "4b"}))

    assert command("transactions", "4b", "--db", db).stdout.startswith("Operation 4b ")


def test_a_missing_file_is_one_line(tmp_path):
    db = tmp_path / "none.db"

    assert refusal("--db", db) == (
        f"There is no telemetry at {db} yet. Start 'azfunc-ext insights' and send some, or name another file with --db."
    )
    assert not db.exists()


def test_an_empty_file_is_one_line(tmp_path):
    db = tmp_path / "empty.db"
    db.touch()

    assert refusal("--db", db) == (
        f"{db} holds no telemetry yet. Start 'azfunc-ext insights' on it and send some, or name another file with --db."
    )


def test_a_file_without_operations_is_one_line(tmp_path):
    db = tmp_path / "new.db"
    open_for_writing(db).close()

    assert refusal("--db", db) == (
        f"{db} holds no operations yet. Send some telemetry, or name another file with --db."
    )


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    db = tmp_path / "notes.txt"
    db.write_text("Dear diary")

    assert refusal("--db", db) == f"{db} is not an SQLite file. Name another file with --db."


def test_a_damaged_file_is_one_line(db):
    """The page of a table is overwritten."""
    with sqlite3.connect(db) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'requests_by_operation'"
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with db.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    assert refusal("--db", db) == (
        f"Cannot use {db} as the database: database disk image is malformed. "
        "Make it writable, or name another file with --db."
    )


def test_text_of_strangers_is_shown_and_not_obeyed():
    """No rich markup, no emoji codes, no terminal escapes, no reordering."""
    lines = printed(
        row("traces", 1, message="[bold]x[/bold] [/] :smile: \x1b[2J\x1b]0;title\x07\r\b\x9b1m \u202eabc \ud800"),
        row("customEvents", 2, name="a\tb"),
    )

    assert lines == [
        "├── message  [bold]x[/bold] [/] :smile: \\x1b[2J\\x1b]0;title\\x07 ...",
        "└── event  a\\tb",
    ]
    assert plain("\x9b1m \u202eabc \u200b\x7f") == "\\x9b1m \\u202eabc \\u200b\\x7f"


def test_only_the_first_line_of_a_text_is_shown_and_not_endlessly():
    assert plain("\n  one\ntwo") == "one ..."
    assert plain("x" * 1000) == "x" * 300 + " ..."
    assert plain("\n") == ""


def test_the_headline_and_the_list_are_safe_as_well():
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    evil = "\x1b[31m[bold]"
    values = {"name": evil, "cloud_RoleName": evil, "resultCode": evil, "success": True, "duration": 1.0, "id": "a"}
    transaction = Transaction.from_rows(evil, [row("requests", 1, **values)])

    print_transaction(console, transaction)
    print_operations(console, [transaction])

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\\x1b[31m[bold]") >= 3


def test_the_list_leaves_a_name_of_usual_length_on_one_line():
    stream = io.StringIO()
    values = {"name": "POST /api/orders", "cloud_RoleName": "orders", "resultCode": "500", "duration": 1.0, "id": "a"}

    print_operations(Console(file=stream, width=80), [Transaction.from_rows("a" * 32, [row("requests", 1, **values)])])

    assert len(stream.getvalue().splitlines()) == 3
    assert "  POST /api/orders  orders" in stream.getvalue()


def test_a_deep_tree_keeps_room_for_its_text():
    rows = [
        row("dependencies", n, id=f"s{n}", operation_ParentId=f"s{n - 1}", name=f"call{n}", success=True, duration=1.0)
        for n in range(1, 60)
    ]

    lines = printed(*rows)

    assert len(lines) == 59
    assert lines[-1].endswith("── (+47) call  call59  1.0 ms")


def test_a_large_operation_is_shown_in_part():
    lines = printed(*(row("traces", n, message=f"m{n}") for n in range(600)))

    assert len(lines) == 501
    assert lines[-1] == "└── ... and 100 more items"


def test_an_operation_of_very_many_items_is_counted_in_full(server):
    rows = [envelope("EventData", name=str(n)) for n in range(MOST_ROWS + 5)]
    post(server, rows)

    transaction = Transaction.read(server.store, OPERATION)

    assert (transaction.left_out, transaction.summary()["items"]) == (5, MOST_ROWS + 5)


def test_metrics_and_page_views_have_their_facts():
    assert printed(
        row("customMetrics", 1, name="basket", value=3.5),
        row("pageViews", 2, id="p", name="shop", duration=None),
        row("availabilityResults", 3, id="v", name="ping", duration=0.5, success=False),
    ) == ["├── metric  basket  3.5", "├── page view  shop", "└── availability  ping  0.5 ms  FAILED"]


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0.0, "0.0 ms"), (9.94, "9.9 ms"), (125.4, "125 ms"), (1000.0, "1.00 s"), (90061500.0, "90061.50 s")],
)
def test_durations_are_short(duration, text):
    assert milliseconds(duration) == text
