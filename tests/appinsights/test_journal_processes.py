"""Processes that are killed, that share a folder, and that fork: real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest

from ext_appinsights.records import HEADER
from tests.support.ingestion import HANG, Answer, IngestionServer
from tests.support.journals import names, run

DIES = """
import os, sys, time
from ext_appinsights import Channel, envelope
channel = Channel(sys.argv[1], journal=sys.argv[2], interval=float(sys.argv[3]))
for number in range(20):
    channel.send([lambda number=number: [envelope.event(time_ns=time.time_ns(), name=str(number))]])
channel.commit()
print("committed", flush=True)
if len(sys.argv) > 4:
    sys.stdin.readline()
channel.send([envelope.event(time_ns=time.time_ns(), name="not committed")])
os.kill(os.getpid(), 9)
"""

NUMBERS = [str(number) for number in range(20)]


@pytest.fixture
def dying():
    """Starts processes that commit 20 items and then wait to be killed; returns when they have."""
    started = []

    def make(server, journal) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", DIES, server.connection_string, str(journal), "0.02", "wait"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "committed\n"
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


def test_a_kill_right_after_a_commit_loses_nothing(channel_to, events, journal):
    """20 spans, SIGKILL at once: the next process delivers them, each once."""
    with IngestionServer() as server:
        assert run(DIES, server.connection_string, str(journal), "600").returncode == -signal.SIGKILL
        assert server.items == []
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(21)) == ["fresh", *NUMBERS]
        assert channel.close(20.0)
        assert channel.stats()["replayed"] == 20


def test_a_kill_in_the_middle_of_a_request_loses_nothing(channel_to, events, journal, dying):
    """Whether the service has stored it nobody can know, so it comes again."""
    with IngestionServer(HANG) as server:
        process = dying(server, journal)
        server.wait_for_requests(1)
        process.kill()
        process.wait(20.0)
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(41)) == [*NUMBERS, "fresh", *NUMBERS]


def test_what_the_killed_process_had_delivered_is_not_delivered_again(channel_to, events, journal, dying):
    """The notes of what is settled are on disk as well."""
    errors = [{"index": index, "statusCode": 503, "message": "later"} for index in range(0, 20, 3)]
    answer = Answer(
        206, headers={"Retry-After": "600"}, body={"itemsReceived": 20, "itemsAccepted": 13, "errors": errors}
    )
    with IngestionServer(answer) as server:
        process = dying(server, journal)
        server.wait_for_requests(1)
        (path,) = journal.glob("*/*.journal")
        while b"=" not in path.read_bytes()[-70:]:
            assert process.poll() is None
        process.kill()
        process.wait(20.0)
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(20 + 1 + 7)[20:]) == ["fresh", *NUMBERS[::3]]


def test_of_several_processes_exactly_one_replays(journal, dying, events, channel_to):
    """They look at the same time, and leave each other's items alone."""
    with IngestionServer() as server:
        for _ in range(4):
            assert run(DIES, server.connection_string, str(journal), "600").returncode == -signal.SIGKILL
        live = [dying(server, journal) for _ in range(4)]
        server.wait_for_items(20 * 8)
        threading.Event().wait(0.3)
        for process in live:
            process.kill()
            process.wait(20.0)

        assert Counter(names(server.items)) == dict.fromkeys(NUMBERS, 8)


FORKS = """
import os, sys, time
from ext_appinsights import Channel, envelope
event = lambda name: envelope.event(time_ns=time.time_ns(), name=name)
channel = Channel(sys.argv[1], journal=sys.argv[2], interval=600.0)
channel.send([event("parent")])
channel.commit()
before = set(os.listdir("/proc/self/fd"))
child = os.fork()
if child == 0:
    for fd in os.listdir("/proc/self/fd"):
        path = os.path.realpath(f"/proc/self/fd/{fd}")
        if fd in before and "journal" in path:
            os._exit(3)
    channel.send([event("child")])
    channel.commit()
    os.write(1, b"child" + bytes([10]))
    sys.stdin.readline()
    os._exit(0)
os.write(1, b"parent" + bytes([10]))
sys.stdin.readline()
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc here")
def test_a_forked_child_has_a_segment_of_its_own(channel_to, events, journal, journals):
    """And keeps nothing of its parent's: as long as both live, nobody replays either; then each is replayed once."""
    command = [sys.executable, "-c", FORKS]
    pipe = subprocess.PIPE
    with (
        IngestionServer() as server,
        subprocess.Popen(
            [*command, server.connection_string, str(journal)], stdin=pipe, stdout=pipe, text=True
        ) as process,
    ):
        assert process.stdout is not None
        assert sorted([process.stdout.readline(), process.stdout.readline()]) == ["child\n", "parent\n"]
        assert len(journals(server).files) == 2
        first = channel_to(server)
        first.send(events("while both live"))
        assert first.close(20.0)
        assert names(server.items) == ["while both live"]
        process.kill()
        process.wait(20.0)

        # The child lives on: only the parent's is free.
        second = channel_to(server)
        second.send(events("fresh"))
        assert names(server.wait_for_items(3)) == ["while both live", "fresh", "parent"]
        assert second.close(20.0)
        process.communicate("go\n")
        third = channel_to(server)
        third.send(events("fresh"))
        assert names(server.wait_for_items(5))[3:] == ["fresh", "child"]


FORKS_MEANWHILE = """
import os, sys, threading, time
from ext_appinsights import Channel, envelope, segment
reading, go = threading.Event(), threading.Event()
def read(self):
    reading.set()
    go.wait(20.0)
    return real(self)
real, segment.Segment.read = segment.Segment.read, read
channel = Channel(sys.argv[1], journal=sys.argv[2], interval=0.0, exit_timeout=0.0)
channel.send([envelope.event(time_ns=time.time_ns(), name="own")])
channel.commit()
assert reading.wait(20.0)
child = os.fork()
if child == 0:
    has = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    os._exit(any(path.startswith(os.path.realpath(sys.argv[2])) for path in has))
go.set()
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc here")
def test_a_forked_child_has_nothing_of_what_its_parent_is_just_taking_over(journal, journals):
    """Else nobody could take it over once the parent is gone, for as long as the child lives."""
    with IngestionServer() as server:
        journals(server).orphan("left")
        ended = run(FORKS_MEANWHILE, server.connection_string, str(journal))
    assert (ended.returncode, ended.stderr) == (0, "")


ENDS = """
import sys, time
from ext_appinsights import Channel, envelope
channel = Channel(sys.argv[1], journal=sys.argv[2], exit_timeout=float(sys.argv[3]))
channel.send([envelope.event(time_ns=time.time_ns(), name="a")])
"""


@pytest.mark.parametrize("patience", ["0", "0.2"])
def test_an_exit_leaves_what_is_left_in_the_journal(journal, journals, patience: str):
    """Also what was never committed, and without any time to deliver."""
    with IngestionServer(default=HANG) as server:
        done = run(ENDS, server.connection_string, str(journal), patience)

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert journals(server).text.startswith(HEADER)
        assert b'"name":"a"' in journals(server).text


COMMITS = """
import os, sys, threading, time
from ext_appinsights import Channel, envelope
channel = Channel(sys.argv[1], journal=sys.argv[2], interval=0.0)
def work(worker):
    for number in range(100):
        channel.send([envelope.event(time_ns=time.time_ns(), name=f"{worker}/{number}")])
        channel.commit()
        with lock:
            done.append(f"{worker}/{number}")
lock, done = threading.Lock(), []
threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
for thread in threads: thread.start()
while len(done) < 400: pass
with lock:
    sys.stdout.write("\\n".join(done))
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
"""


def test_what_was_committed_beside_others_is_on_disk_too(channel_to, events, journal):
    """Whoever took the items along: a commit that returned has them on disk."""
    with IngestionServer(default=Answer(503)) as server:
        done = run(COMMITS, server.connection_string, str(journal))
        assert done.returncode == -signal.SIGKILL
        committed = done.stdout.split()
        assert len(committed) >= 400
        before = len(server.requests)
        server.default = Answer()
        channel = channel_to(server)
        channel.send(events("fresh"))
        missing = set(committed)
        while missing and len(server.requests) < before + 50:
            server.wait_for_requests(before + 1)
            missing -= {name for request in server.requests[before:] for name in names(request.items)}

        assert missing == set()
        counts = Counter(name for request in server.requests[before:] for name in names(request.items))
        assert set(counts.values()) == {1}
