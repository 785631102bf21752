"""A disk that is full, read-only or somebody else's: the channel goes on in memory, and says so once."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.apps import run_app
from tests.support.caller import Caller
from tests.support.faulty import FaultyServer, Plan

BUSY = ("WARNING", "the service answered 503: it cannot take items now; such items are kept.")

APP = """
import resource
from tests.support.caller import Caller

if arguments["file_size"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (arguments["file_size"],) * 2)
caller = Caller(arguments["target"], journal=arguments["journal"])
for _ in range(200):
    caller.send(10)
caller.deliver()
caller.check()
report(sent=caller.sent, said=caller.said(), closed=caller.close(5.0))
"""


def mounted(folder: str, options: str) -> tuple[str, ...]:
    """Return a command that runs another where `folder` is a file system of its own, which nobody else sees."""
    script = f'mount -t tmpfs -o {options} tmpfs "{folder}" && exec "$@"'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")


def app(tmp_path, *, within: tuple[str, ...] = (), file_size: int = 0) -> list[str]:
    """Run an app while the service is busy for some time; return what the channel said of the journal."""
    with FaultyServer(*[Plan(503)] * 5) as server:
        found = run_app(
            APP, within=within, target=server.connection_string, journal=str(tmp_path / "disk"), file_size=file_size
        )
        server.check(found["sent"])
        assert set(server.stored.values()) == {1}
    assert len(found["sent"]) == 2000
    assert found["closed"]
    lines = [tuple(line) for line in found["said"]]
    assert lines.count(BUSY) == 1
    return [text for level, text in lines if level == "WARNING" and (level, text) != BUSY]


def test_a_full_file_system(tmp_path):
    """64 KiB are enough for the start."""
    (tmp_path / "disk").mkdir(mode=0o700)
    (text,) = app(tmp_path, within=mounted(str(tmp_path / "disk"), "size=64k,mode=0700"))
    assert "No space left on device" in text
    assert "in memory" in text


def test_files_that_must_not_grow(tmp_path):
    """As with a quota: a part of the line is written, and the rest refused."""
    (text,) = app(tmp_path, file_size=20_000)
    assert "No space left on device" in text
    assert "in memory" in text


def test_a_read_only_file_system(tmp_path):
    (tmp_path / "disk").mkdir()
    (text,) = app(tmp_path, within=mounted(str(tmp_path / "disk"), "size=64k,ro,mode=0700"))
    assert "Read-only file system" in text
    assert "in memory" in text


def a_file(place) -> None:
    place.write_text("mine")


def a_link(place) -> None:
    (place.parent / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(place.parent / "elsewhere")


def open_to_all(place) -> None:
    place.mkdir()
    place.chmod(0o777)


def somebody_elses(place) -> None:
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


@pytest.mark.parametrize("there", [a_file, a_link, open_to_all, somebody_elses])
def test_a_place_that_is_no_folder_of_ours(tmp_path, there):
    """It is left as it is, and said once."""
    place = tmp_path / "journal"
    there(place)
    before = place.lstat(), os.listdir(tmp_path)
    with FaultyServer(*[Plan(503)] * 3) as server:
        caller = Caller(server.connection_string, journal=str(place))
        for _ in range(10):
            caller.send(10)
        caller.deliver()
        server.check(caller.sent)
        caller.check()
        assert caller.close(5.0)
    assert (place.lstat().st_mode, place.lstat().st_uid, os.listdir(tmp_path)) == (
        before[0].st_mode, before[0].st_uid, before[1],
    )  # fmt: skip
    warnings = [line for line in caller.said() if line[0] == "WARNING" and line != BUSY]
    assert len(warnings) == 1, warnings
    assert str(place) in warnings[0][1]
    assert "in memory" in warnings[0][1]


def test_a_folder_that_is_deleted_meanwhile(tmp_path):
    """By somebody who tidies up temporary files: what waits is in memory as well, and is delivered."""
    with FaultyServer(*[Plan(503)] * 5) as server:
        caller = Caller(server.connection_string, journal=str(tmp_path / "journal"))
        caller.send(10)
        server.wait_for_visits(1)
        shutil.rmtree(tmp_path / "journal")
        for _ in range(10):
            caller.send(10)
        caller.deliver()
        server.check(caller.sent)
        caller.check()
        assert caller.close(5.0)
