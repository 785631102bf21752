"""`azfunc-ext query`, `tail`, `export` and `import`: what is stored, from the command line."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.cli import main
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.transfer import read_line
from tests.support.insights import TABLE_OF, envelope, post


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """A file with an item of each type, and a failed request."""
    path = tmp_path_factory.mktemp("stored") / "insights.db"
    with InsightsServer(db=path) as server:
        post(server, [envelope(kind, tags={"ai.cloud.role": "shop"}) for kind in TABLE_OF])
        post(server, [envelope(name="GET /broken", success=False, properties={"tenant": "Zoë"})])
    return path


def run(*arguments, given=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


def test_a_query_is_shown_as_a_table(db):
    result = run("query", "--db", db, "select name, success from requests order by itemId")

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[0] == ["name", "success"]
    assert lines[2:] == [["GET", "/items", "1"], ["GET", "/broken", "0"]]


def test_a_query_is_printed_as_json_and_csv(db):
    sql = "select name, duration from requests where success = 0"

    assert json.loads(run("query", "--db", db, "--json", sql).stdout) == [{"name": "GET /broken", "duration": 125.0}]
    assert run("query", "--db", db, "--csv", sql).stdout.splitlines() == ["name,duration", "GET /broken,125.0"]


def test_a_query_can_be_piped_in(db):
    assert json.loads(run("query", "--db", db, "--json", "-", given="select 1 as one").stdout) == [{"one": 1}]


def test_that_there_is_more_is_said_apart_from_the_rows(db):
    result = run("query", "--db", db, "--csv", "--limit", 1, "select name from requests order by itemId")

    assert result.stdout.splitlines() == ["name", "GET /items"]
    assert result.stderr == "There is more: these are the first 1 rows. See --limit.\n"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("delete from requests", "Only reading is allowed here"),
        ("selct 1", 'Near "selct": syntax error.'),
        (" ", "The query is empty."),
    ],
)
def test_a_query_that_cannot_be_is_explained_in_a_line(db, sql, message):
    result = run("query", "--db", db, sql)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_the_latest_items_are_shown_a_line_each(db):
    result = run("tail", "--db", db, "--no-follow", "-n", 2, "--table", "requests", "--table", "traces")

    assert [line.partition(" ")[2] for line in result.stdout.splitlines()] == [
        "shop warning  sold out",
        "request  GET /broken  125 ms  200  FAILED",
    ]


def test_tail_narrows_by_role_and_failure(db):
    failed = run("tail", "--db", db, "--no-follow", "--json", "--failed").stdout.splitlines()
    of_shop = run(
        "tail", "--db", db, "--no-follow", "--json", "--role", "shop", "--table", "requests"
    ).stdout.splitlines()

    assert {json.loads(line)["itemType"] for line in failed} == {"exception", "request"}
    assert [json.loads(line)["name"] for line in of_shop] == ["GET /items"]


def test_tail_goes_on_until_it_is_ended(tmp_path):
    with InsightsServer(db=tmp_path / "insights.db") as server:
        tail = subprocess.Popen(
            [sys.executable, "-m", "ext_devkit", "tail", "--json", "--db", server.store.path, "-n", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            names = []
            for name in ("first", "second"):
                post(server, [envelope(name=name)])
                names.append(json.loads(tail.stdout.readline())["name"])
            tail.send_signal(signal.SIGINT)
            rest, complaints = tail.communicate(timeout=30)
        finally:
            tail.kill()
            tail.wait()

    assert names == ["first", "second"]
    assert (rest, complaints, tail.returncode) == ("", "", 0)


@pytest.mark.parametrize("name", ["items.ndjson", "items.ndjson.gz"])
def test_what_is_exported_can_be_imported(db, tmp_path, name):
    exported, other = tmp_path / name, tmp_path / "other.db"

    assert run("export", "--db", db, exported).exit_code == 0
    result = run("import", "--db", other, exported)

    assert result.stdout == f"Stored 9 items in {other}; refused 0 lines.\n"
    with Reader(db) as one, Reader(other) as two:
        for table in TABLE_OF.values():
            assert two.rows(table) == one.rows(table)


def test_an_export_says_what_it_wrote(db, tmp_path):
    file = tmp_path / "items.ndjson"

    assert json.loads(run("export", "--db", db, "--json", file).stdout) == {"file": str(file), "items": 9}
    assert run("export", "--db", db, "--force", file).stderr.endswith(f"9 items are in {file}.\n")


def test_an_export_is_narrowed(db, tmp_path):
    lines = run("export", "--db", db, "--table", "customEvents").stdout.splitlines()
    nothing = run("export", "--db", db, "--to", "2020-01-01T00:00:00Z").stdout

    assert [json.loads(line)["itemType"] for line in lines] == ["customEvent"]
    assert nothing == ""


def test_an_export_overwrites_only_if_told_to(db, tmp_path):
    file = tmp_path / "items.ndjson"
    file.write_text("precious")

    refused = run("export", "--db", db, file)

    assert refused.stderr == f"Error: {file} exists already. Name another file, or use --force to overwrite it.\n"
    assert file.read_text() == "precious"
    assert run("export", "--db", db, "--force", file).exit_code == 0
    assert len(file.read_text().splitlines()) == 9
    assert list(tmp_path.iterdir()) == [file]


def test_envelopes_are_imported_however_old_they_are(tmp_path):
    old = envelope(name="long ago") | {"time": "2001-01-02T03:04:05Z"}
    db = tmp_path / "insights.db"

    result = run("import", "--db", db, "-", given=json.dumps(old))

    assert result.exit_code == 0
    with Reader(db) as reader:
        assert [(row["name"], row["timestamp"]) for row in reader.rows("requests")] == [
            ("long ago", "2001-01-02T03:04:05.000000Z")
        ]


def test_lines_that_are_no_items_are_named_and_the_others_stored(tmp_path):
    good = json.dumps(envelope())
    lines = [good, "nonsense", "", '{"itemType": "thing"}', '{"itemType": "trace", "timestamp": "noon", "message": ""}']
    file = tmp_path / "items.ndjson"
    file.write_text("\n".join(lines))

    result = run("import", "--db", tmp_path / "insights.db", file)

    assert result.exit_code == 1
    assert "Stored 1 items" in result.stdout
    assert "refused 3 lines" in result.stdout
    problems = [line for line in result.stderr.splitlines() if ", line " in line]
    assert problems == [
        f"{file}, line 2: It is not JSON.",
        f"{file}, line 4: 'itemType' is 'thing'. Expected one of request, dependency, trace, exception, customEvent, "
        "customMetric, pageView, availabilityResult.",
        f"{file}, line 5: 'timestamp' is 'noon'. Expected a time as in 2026-01-02T03:04:05Z.",
    ]


def test_a_packed_file_that_is_cut_off_says_how_far_it_came(tmp_path):
    file = tmp_path / "items.ndjson.gz"
    file.write_bytes(gzip.compress(json.dumps(envelope()).encode())[:-10])

    result = run("import", "--db", tmp_path / "insights.db", file)

    assert result.exit_code == 1
    assert f"Error: Cannot read {file}: " in result.stderr
    assert result.stderr.endswith(" items were stored before.\n")


def test_a_missing_file_is_named(tmp_path):
    result = run("import", "--db", tmp_path / "insights.db", tmp_path / "nowhere")

    assert f"Error: Cannot read {tmp_path / 'nowhere'}: No such file or directory." in result.stderr


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["timestamp", "name", "duration", "success", "itemCount", "customDimensions", "details", "data", "severityLevel"]
)


@given(
    st.binary() | st.text() | st.dictionaries(FIELDS, JSON).map(lambda item: json.dumps({"itemType": "request"} | item))
)
def test_any_line_is_read_or_refused(line):
    with contextlib.suppress(RejectedError):
        table, row = read_line(line)
        assert (table, len(row)) == ("requests", 32)
