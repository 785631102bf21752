"""`azfunc-ext run` as a person uses it: what it prints, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ext_devkit.host.console import say
from tests.support.host import PATIENCE, RunningHost, http_json, request, serving, v1_app, write_app

pytestmark = pytest.mark.timeout(120)

WAITS_FOREVER = """
import threading

def main(req):
    print("entered", flush=True)
    threading.Event().wait()
"""
WAITS_ASYNC = """
import asyncio

async def main(req):
    print("entered", flush=True)
    await asyncio.Event().wait()
"""
BLOCKS_THE_LOOP = """
import time

async def main(req):
    print("entered", flush=True)
    while True:
        time.sleep(0.1)
"""
SAYS_WHEN_IT_ENDS = """
import atexit

atexit.register(lambda: print("the app's exit handler ran", flush=True))

def main(req):
    return ""
"""


IMPORTS_FOREVER = """
import threading

print("importing", flush=True)
threading.Event().wait()
"""
PRINTS = """
def main(req):
    print("seen by nobody")
    return "served"
"""


def call_without_waiting(url: str) -> None:
    """Send a request whose answer nobody reads."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)))
    client.sendall(f"GET /api/Hello HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    threading.Thread(target=lambda: (client.recv(1), client.close()), daemon=True).start()


def port_is_free(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_the_start_screen_lists_what_is_served_and_what_is_not(tmp_path):
    timer = {"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 * * * *"}]}
    blob = {"type": "blob", "direction": "in", "name": "blob", "path": "a/{id}", "connection": "c"}
    app = write_app(
        tmp_path / "shop",
        {
            "Items/function.json": http_json(route="items/{id}", methods=["get", "post"]),
            "Items/__init__.py": "def main(req):\n    return ''",
            "Any/function.json": http_json(),
            "Any/__init__.py": "def main(req):\n    return ''",
            "Off/function.json": http_json(disabled=True),
            "Reads/function.json": http_json(blob),
            "Reads/__init__.py": "def main(req, blob):\n    return ''",
            "Tick/function.json": timer,
            "Tick/__init__.py": "def main(timer):\n    pass",
        },
    )
    with RunningHost(app, "--insights", "off") as host:
        url = host.url.replace("127.0.0.1", "localhost")
        host.stop()

    screen = "\n".join(host.lines)
    assert re.sub("Python [0-9.]+", "Python X", screen) == (
        "shop: v1 model, Python X\n"
        "\n"
        "Functions:\n"
        "\n"
        f"    Any: [ALL] {url}/api/Any\n"
        f"    Items: [GET,POST] {url}/api/items/{{id}}\n"
        "\n"
        "Not served by this version:\n"
        "\n"
        "    Off: disabled\n"
        "    Reads: the input binding 'blob' (blob) has nothing to read from here\n"
        "    Tick: timerTrigger\n"
        "\n"
        "Press Ctrl-C to stop."
    )


def test_each_request_has_a_line_and_the_users_log_records_have_their_level(tmp_path):
    code = """
import logging

def main(req, context):
    logging.getLogger("shop").warning("low on %s", "tea")
    logging.debug("unseen")
    return context.invocation_id
"""
    with RunningHost(v1_app(tmp_path, code), "--insights", "off") as host:
        invocation_id = request(f"{host.url}/api/Hello").body.decode()
        request(f"{host.url}/api/Nothing")
        host.stop()

    time = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]"
    logged, executed, unanswered, stopped = host.rest()
    assert re.fullmatch(time + " WARNING shop: low on tea", logged)
    assert re.fullmatch(time + rf" Executed 'Hello' \(Succeeded, 200, Id={invocation_id}, Duration=\d+ms\)", executed)
    assert re.fullmatch(time + r" No function answers GET /api/Nothing \(404\)", unanswered)
    assert stopped == "Stopped."


def test_two_functions_for_one_route_are_said(tmp_path):
    app = write_app(
        tmp_path,
        {
            "A/function.json": http_json(route="Items/{id}"),
            "A/__init__.py": "def main(req):\n    return ''",
            "B/function.json": http_json(route="items/{key}", methods=["get"]),
            "B/__init__.py": "def main(req):\n    return ''",
            "C/function.json": http_json(route="items/{key:int}", methods=["get"]),
            "C/__init__.py": "def main(req):\n    return ''",
        },
    )
    with RunningHost(app, "--insights", "off") as host:
        host.stop()

    warnings = [line.partition("] ")[2] for line in host.lines if "WARNING" in line]
    expected = "WARNING A and B both answer GET /api/items/{key}; the first one does. Change a route or its methods."
    assert warnings == [expected]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_order(tmp_path, number: signal.Signals):
    """Status 0, the app's exit handlers run, and the port is free."""
    with RunningHost(v1_app(tmp_path, SAYS_WHEN_IT_ENDS), "--insights", "off") as host:
        request(f"{host.url}/api/Hello")
        assert host.stop(number) == 0

    assert host.rest()[-2:] == ["Stopped.", "the app's exit handler ran"]
    assert port_is_free(host.url)


@pytest.mark.parametrize("code", [WAITS_FOREVER, WAITS_ASYNC], ids=["sync", "async"])
def test_a_function_that_never_ends_does_not_hold_it(tmp_path, code: str):
    app = v1_app(tmp_path, "import atexit\natexit.register(print, 'the exit handler ran', flush=True)\n" + code)
    with RunningHost(app, "--insights", "off") as host:
        call_without_waiting(host.url)
        host.wait_for("entered")
        assert host.stop() == 0

    assert "the exit handler ran" in host.rest()
    assert port_is_free(host.url)


def test_a_second_signal_ends_it_even_if_the_event_loop_is_blocked(tmp_path):
    with RunningHost(v1_app(tmp_path, BLOCKS_THE_LOOP), "--insights", "off") as host:
        call_without_waiting(host.url)
        host.wait_for("entered")
        host.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            host.process.wait(0.5)
        host.process.send_signal(signal.SIGINT)

        assert host.process.wait(PATIENCE) == 130


def test_the_port_of_local_settings_is_used_unless_the_command_says_another(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    app = v1_app(tmp_path)
    (app / "local.settings.json").write_text(f'{{"Host": {{"LocalHttpPort": {port}}}}}')

    with RunningHost(app, "--insights", "off") as host:
        assert host.url != f"http://127.0.0.1:{port}"
        host.stop()
    with RunningHost(app, "--insights", "off", port=None) as host:
        assert host.url == f"http://127.0.0.1:{port}"
        host.stop()


def test_the_app_runs_in_its_own_folder(tmp_path):
    """Relative paths of the app mean the same as on the real host."""
    code = "import os\n\ndef main(req):\n    return os.getcwd()"
    with RunningHost(v1_app(tmp_path, code), "--insights", "off") as host:
        assert request(f"{host.url}/api/Hello").body.decode() == str(tmp_path)
        host.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_app_is_imported_stops_it_in_order(tmp_path, number: signal.Signals):
    """As when it serves: status 0, and the exit handlers run."""
    code = "import atexit\natexit.register(print, 'the exit handler ran', flush=True)\n" + IMPORTS_FOREVER
    host = RunningHost(v1_app(tmp_path, code), "--insights", "off")
    try:
        host.wait_for("importing")
        status = host.stop(number)
        assert (status, host.rest()) == (0, ["Stopped.", "the exit handler ran"])
    finally:
        host.__exit__()


def test_requests_are_served_when_nobody_reads_the_output_any_more(tmp_path):
    """As after `azfunc-ext run app | head -5`. Unbuffered, the function's own `print` would fail, as anywhere."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [
        sys.executable,
        "-m",
        "ext_devkit",
        "run",
        str(v1_app(tmp_path, PRINTS)),
        "--port",
        "0",
        "--insights",
        "off",
    ]
    with subprocess.Popen(command, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        process.stdout.close()
        url = next(line.split()[-1] for line in lines if "http://localhost:" in line)
        bodies = [request(url.replace("localhost", "127.0.0.1")).body for _ in range(2)]
        process.send_signal(signal.SIGINT)

        assert (bodies, process.wait(PATIENCE), process.stderr.read()) == ([b"served"] * 2, 0, "")


def test_requests_are_served_without_any_standard_output(tmp_path, monkeypatch):
    """`azfunc-ext run app >&-`: Python then has None for it."""
    monkeypatch.setattr(sys, "stdout", None)
    say("seen by nobody")
    with serving(v1_app(tmp_path, PRINTS)) as url:
        assert request(f"{url}/api/Hello").body == b"served"
