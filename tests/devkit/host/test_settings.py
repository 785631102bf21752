"""local.settings.json and host.json: read as Core Tools reads them."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.host import jsonc
from ext_devkit.host.settings import read_host_settings, read_local_settings
from tests.support.host import request, serving, v1_app

READ_SETTINGS = """
import json, os

def main(req):
    return json.dumps({name: os.environ.get(name) for name in req.params["names"].split(" ")})
"""
CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"


def settings_seen(tmp_path, names: str, local: str = "{}", **options) -> dict[str, str | None]:
    """Return the environment variables that a function sees."""
    app = v1_app(tmp_path, READ_SETTINGS)
    (app / "local.settings.json").write_text(local, "utf-8")
    with serving(app, **options) as url:
        found: dict[str, str | None] = request(f"{url}/api/Hello?names={names.replace(' ', '%20')}").json
        return found


def test_values_become_environment_variables_as_text(tmp_path):
    local = '{"Values": {"SET_A": "1", "SET_B": true, "SET_C": 5, "SET_D": null}}'

    seen = settings_seen(tmp_path, "SET_A SET_B SET_C SET_D", local)

    assert seen == {"SET_A": "1", "SET_B": "true", "SET_C": "5", "SET_D": None}


def test_the_environment_wins_over_local_settings_and_that_is_said_once(tmp_path, monkeypatch, capsys):
    """As in Core Tools."""
    monkeypatch.setenv("SET_A", "outside")
    monkeypatch.setenv("SET_B", "same")

    local = '{"Values": {"SET_A": "inside", "SET_B": "same"}}'
    seen = settings_seen(tmp_path, "SET_A", local, output=sys.stdout)

    assert seen == {"SET_A": "outside"}
    assert capsys.readouterr().out.count("Environment variables win over local.settings.json: SET_A.\n") == 1


def test_the_worker_s_own_variables_are_set(tmp_path, monkeypatch):
    monkeypatch.delenv("FUNCTIONS_WORKER_RUNTIME", raising=False)

    seen = settings_seen(tmp_path, "AzureWebJobsScriptRoot FUNCTIONS_WORKER_RUNTIME")

    assert {"AzureWebJobsScriptRoot": str(tmp_path), "FUNCTIONS_WORKER_RUNTIME": "python"} == seen


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("off", None),
        (
            "http://127.0.0.1:4319/",
            "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:4319",
        ),
        ("InstrumentationKey=1;IngestionEndpoint=http://x/", "InstrumentationKey=1;IngestionEndpoint=http://x/"),
    ],
)
def test_insights_is_where_telemetry_goes(tmp_path, monkeypatch, target: str, expected: str | None):
    monkeypatch.delenv(CONNECTION_STRING, raising=False)

    assert {CONNECTION_STRING: expected} == settings_seen(tmp_path, CONNECTION_STRING, insights=target)


def test_a_connection_string_that_is_set_is_kept_and_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(CONNECTION_STRING, raising=False)
    local = json.dumps({"Values": {CONNECTION_STRING: "InstrumentationKey=mine"}})

    seen = settings_seen(tmp_path, CONNECTION_STRING, local, insights="http://127.0.0.1:4319", output=sys.stdout)

    assert seen == {CONNECTION_STRING: "InstrumentationKey=mine"}
    expected = f"{CONNECTION_STRING} is set already, so telemetry goes there and not to http://127.0.0.1:4319."
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(("prefix", "path"), [("", "Hello"), ("v1/public", "v1/public/Hello")])
def test_host_json_sets_the_route_prefix(tmp_path, prefix: str, path: str):
    app = v1_app(tmp_path)
    (app / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": prefix}}}))
    with serving(app) as url:
        assert request(f"{url}/{path}").status == 200
        assert request(f"{url}/api/Hello").status == 404


def test_a_missing_host_json_is_said(tmp_path, capsys):
    app = v1_app(tmp_path)
    (app / "host.json").unlink()

    with serving(app, output=sys.stdout):
        pass

    expected = 'WARNING host.json is missing; func and Azure need one. {"version": "2.0"} is enough.'
    assert expected in capsys.readouterr().out


def test_comments_commas_and_a_byte_order_mark_are_read_over(tmp_path):
    text = '\ufeff{\n// line "one"\n"Values": {"URL": "http://x/*y*/", /* two\nlines */ "B": "2",},\n}'
    (tmp_path / "local.settings.json").write_text(text, "utf-8")

    assert read_local_settings(tmp_path).values == {"URL": "http://x/*y*/", "B": "2"}


def test_the_section_host_is_read(tmp_path):
    host = {"LocalHttpPort": 7072, "CORS": "*", "CORSCredentials": True}
    (tmp_path / "local.settings.json").write_text(json.dumps({"Host": host}))

    settings = read_local_settings(tmp_path)

    assert (settings.port, settings.cors, settings.cors_credentials) == (7072, ("*",), True)


def test_files_that_are_not_there_mean_the_defaults(tmp_path):
    assert read_local_settings(tmp_path).values == {}
    assert read_host_settings(tmp_path).route_prefix == "api"


@pytest.mark.parametrize(("count", "said"), [("2", False), ("0", True), ("many", True)])
def test_the_number_of_threads_is_the_workers_setting(tmp_path, monkeypatch, capsys, count: str, said: bool):
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", count)
    code = "import threading\n\ndef main(req):\n    return threading.current_thread().name"

    with serving(v1_app(tmp_path, code), output=sys.stdout) as url:
        names = {request(f"{url}/api/Hello").body for _ in range(3)}

    assert all(name.startswith(b"functions_") for name in names)
    expected = f"PYTHON_THREADPOOL_THREAD_COUNT is {count!r}, not a number of threads; Python's default is used."
    assert said == (expected in capsys.readouterr().out)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from([' // a "b\n', "/* , ] */", "\n"]), st.booleans())
def test_comments_and_commas_do_not_change_what_is_read(value, filler: str, comma: bool):
    """Whatever the strings hold: quotes, slashes, stars, commas and brackets."""
    text = json.dumps([value, [value]], indent=1).replace("\n", f"{filler}\n" if "//" not in filler else "\n")
    if comma:
        text = text.removesuffix("]") + f",{filler}]"

    assert [value, [value]] == jsonc.parse(f"{filler}\n{text}\n{filler}\n")


def test_leaving_gives_the_root_logger_back(tmp_path):
    import logging

    root = logging.getLogger()
    before = (root.level, list(root.handlers))

    with serving(v1_app(tmp_path), output=sys.stdout):
        assert root.level == logging.INFO

    assert (root.level, root.handlers) == before


def test_leaving_frees_the_port_and_ends_the_servers_thread(tmp_path):
    import socket
    import threading

    with serving(v1_app(tmp_path)) as url:
        assert "functions-host" in [thread.name for thread in threading.enumerate()]

    assert "functions-host" not in [thread.name for thread in threading.enumerate()]
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass
