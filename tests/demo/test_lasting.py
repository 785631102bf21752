"""The demo that keeps running: it ends in order, several run at once, and a port that it cannot have is named."""

import re
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.support.processes import busy_port, command, is_free

READY = "Ctrl-C ends it."


def ports(text: str) -> list[int]:
    """Return the ports of the function app and of the local Application Insights that a demo printed."""
    return [
        int(port)
        for port in re.findall(
            r"^(?:Local Application Insights|Function app) +http://127\.0\.0\.1:(\d+)", text, re.MULTILINE
        )
    ]


UNDER_NOHUP = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
CLOSED_TERMINAL = pytest.param(signal.SIGHUP, marks=pytest.mark.skipif(UNDER_NOHUP, reason="the tests run under nohup"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, CLOSED_TERMINAL])
def test_a_signal_ends_it_and_nothing_is_left(number: signal.Signals, tmp_path: Path):
    """Status 0, no process, no port, no temporary file, no traceback."""
    with command("demo", folder=tmp_path) as demo:
        taken = ports(demo.wait_for(READY))
        assert [is_free(port) for port in taken] == [False, False]
        demo.signal(number)
        status = demo.wait()

        assert (status, "Traceback" in demo.text) == (0, False), demo.text
        assert not demo.left_processes()
        assert [is_free(port) for port in taken] == [True, True]
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_signal_before_it_is_ready_ends_it_as_well(tmp_path: Path):
    """As soon as it has printed anything, it can be ended in order."""
    with command("demo", folder=tmp_path) as demo:
        demo.wait_for("Function app")
        demo.signal(signal.SIGTERM)

        assert demo.wait() == 0, demo.text
        assert not demo.left_processes()
        assert list((tmp_path / "tmp").iterdir()) == []


def test_two_run_at_once_and_what_they_print_works(tmp_path: Path):
    """The second one takes free ports, and says so; the URLs of both answer, and so does the command to look."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with command("demo", folder=tmp_path / "a") as first, command("demo", folder=tmp_path / "b") as second:
        texts = [first.wait_for(READY), second.wait_for(READY)]

        assert len({port for text in texts for port in ports(text)}) == 4
        assert any("is busy, so a free one was taken." in text for text in texts)
        for text in texts:
            url = re.search(r"curl -i (http://\S+/greet/\S+)", text)
            assert url is not None
            with urllib.request.urlopen(url.group(1), timeout=30) as answer:
                assert answer.read() == b"Good morning, Ada!"
        look = re.search(r"azfunc-ext'? (transactions --db \S+) \w+$", texts[0], re.MULTILINE)
        assert look is not None
        with command(*look.group(1).split(), folder=tmp_path / "a") as transactions:
            assert transactions.wait() == 0
            assert "FAILED" in transactions.text


@pytest.mark.parametrize("option", ["--port", "--insights-port"])
def test_a_busy_port_that_was_asked_for_is_named_with_its_cure(option: str, tmp_path: Path):
    """One line that names the very option, status 1, and nothing is left running."""
    with busy_port() as port, command("demo", option, str(port), folder=tmp_path) as demo:
        assert demo.wait() == 1
        (line,) = demo.output
        assert re.fullmatch(
            rf"Error: .*port {port} is in use by another (process|program).* {option} .*\n", line, re.IGNORECASE
        )
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_port_that_does_not_exist_is_wrong_usage(tmp_path: Path):
    """Status 2, as for every value that is not allowed."""
    with command("demo", "--port", "70000", folder=tmp_path) as demo:
        assert demo.wait() == 2
        assert "70000 is not in the range 0<=x<=65535" in demo.text
