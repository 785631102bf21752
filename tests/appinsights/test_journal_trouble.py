"""A folder that is not safe, a disk that is full, locks that are taken: items go on in memory, and it is said once."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import stat
import tempfile
import threading
from time import monotonic

import pytest

from ext_appinsights import Channel, folder, inbox, segment
from ext_appinsights import journal as journal_module
from ext_appinsights.records import HEADER, record, settled
from tests.support.ingestion import KEY, Answer, IngestionServer
from tests.support.journals import line_of, names, until

CANNOT = "items are kept in memory only until it can."


def said(caplog) -> list[str]:
    return [r.getMessage().partition(": ")[2] for r in caplog.records if "journal" in r.getMessage()]


def deliver(channel: Channel, server: IngestionServer, events) -> None:
    """Send, commit and flush twice: nothing is lost."""
    for name in ("a", "b"):
        channel.send(events(name))
        channel.commit()
        assert channel.flush(20.0)
    assert names(server.items) == ["a", "b"]
    assert channel.stats()["dropped"] == {}


@pytest.mark.skipif(not hasattr(os, "chown") or os.getuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_not_used(channel_to, events, journal, caplog):
    """Its owner could read what is in it."""
    journal.mkdir(0o700)
    os.chown(journal, 12345, -1)
    with IngestionServer() as server:
        deliver(channel_to(server), server, events)

    assert list(journal.iterdir()) == []
    assert said(caplog) == [f"the journal in {journal} cannot be written (journal belongs to another user); {CANNOT}"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(channel_to, events, journal, caplog, mode: int):
    """They could put something else in the place of our files."""
    journal.mkdir()
    journal.chmod(mode)
    with IngestionServer() as server:
        deliver(channel_to(server), server, events)

    assert said(caplog) == [
        f"the journal in {journal} cannot be written (journal can be written to by others); {CANNOT}"
    ]


@pytest.mark.parametrize("inner", [False, True])
def test_a_symbolic_link_is_not_followed(channel_to, events, journal, journals, tmp_path, caplog, inner: bool):
    """Wherever it may lead."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    with IngestionServer() as server:
        if inner:
            journals(server).orphan("x")
            shutil.rmtree(place := journals(server).folder)
            place.symlink_to(elsewhere)
        else:
            journal.symlink_to(elsewhere)
        deliver(channel_to(server), server, events)

    assert list(elsewhere.iterdir()) == []
    assert said(caplog) == [f"the journal in {journal} cannot be written (Not a directory); {CANNOT}"]


def test_a_link_in_the_folder_is_neither_read_nor_written(channel_to, events, journals, tmp_path):
    """Nor is a folder or a pipe that has the name of a segment."""
    secret = tmp_path / "secret"
    secret.write_bytes(HEADER + record(line_of("secret")))
    with IngestionServer() as server:
        place = journals(server).orphan("left").parent
        (place / "1-a.journal").symlink_to(secret)
        (place / "1-b.journal").mkdir()
        os.mkfifo(place / "1-c.journal")
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(2)) == ["fresh", "left"]
        assert channel.close(20.0)
        assert names(server.items) == ["fresh", "left"]
    assert secret.exists()
    assert stat.S_ISFIFO((place / "1-c.journal").lstat().st_mode)


def test_without_any_folder_that_can_be_written(channel_to, events, caplog, monkeypatch):
    """As in a container whose file system is read-only: there is no temporary folder, then."""

    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with IngestionServer() as server:
        channel = channel_to(server, journal=True)
        deliver(channel, server, events)
        channel.close(5.0)

    assert said(caplog) == [
        f"the journal cannot be written (No usable temporary directory found in ['/tmp']); {CANNOT}"
    ]


def test_a_file_system_without_locks(channel_to, events, journal, caplog, monkeypatch):
    """As some network shares: nothing is left on it."""

    def without(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(segment.fcntl, "flock", without)
    with IngestionServer() as server:
        channel = channel_to(server)
        deliver(channel, server, events)
        channel.close(5.0)

    assert said(caplog) == [f"the journal in {journal} cannot be written (Operation not supported); {CANNOT}"]
    assert [path for path in journal.rglob("*") if path.is_file()] == []


def test_a_file_in_place_of_the_folder(channel_to, events, journal, caplog):
    """As unusable as a folder on a disk that is read-only."""
    journal.write_text("in the way")
    with IngestionServer() as server:
        deliver(channel_to(server), server, events)

    assert journal.read_text() == "in the way"
    assert said(caplog) == [f"the journal in {journal} cannot be written (Not a directory); {CANNOT}"]


@pytest.fixture
def files_up_to():
    """Limits how large this process's files may become, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_gets_full_leaves_a_journal_that_can_be_read(channel_to, events, journals, caplog, files_up_to):
    """What was written in part is taken back; later items are in memory, and all of them are delivered."""
    with IngestionServer(Answer(503, headers={"Retry-After": "1"})) as server:
        channel = channel_to(server)
        files_up_to(1000)
        for name in "abcdefgh":
            channel.send(events(name))
            channel.commit()
        text = journals(server).text
        files_up_to(resource.RLIM_INFINITY)

        fitting = [b"".join(record(line_of(name)) for name in "abcdefgh"[:count]) for count in range(1, 8)]
        assert text == HEADER + max((data for data in fitting if len(HEADER + data) <= 1000), key=len)
        assert channel.flush(0.1) is False
        server.wait_for_items(9)
        assert channel.close(20.0)
        assert set(names(server.items)) == set("abcdefgh")
        assert channel.stats()["dropped"] == {}
    assert said(caplog) == [
        f"the journal in {journals(server).path} cannot be written (No space left on device); {CANNOT}"
    ]


def test_a_disk_that_is_full_from_the_start(channel_to, events, journals, files_up_to, caplog):
    """Not even the header fits: no file is left behind."""
    with IngestionServer() as server:
        channel = channel_to(server)
        files_up_to(10)
        channel.send(events("a"))
        channel.commit()
        files_up_to(resource.RLIM_INFINITY)
        assert journals(server).files == []
        assert channel.flush(20.0)


def test_what_could_not_be_noted_is_noted_later(channel_to, events, journals, files_up_to):
    """What is settled while the disk is full is not delivered again."""
    with IngestionServer(Answer(), Answer(503, headers={"Retry-After": "600"})) as server:
        channel = channel_to(server, max_batch=2)
        channel.send(events("a", "b", "c"))
        channel.commit()
        files_up_to(1)
        server.wait_for_requests(2)
        while channel.stats()["retried"] < 1:
            pass
        assert journals(server).text == HEADER + b"".join(record(line_of(name)) for name in "abc")
        files_up_to(resource.RLIM_INFINITY)
        assert not channel.close(0.5)
        following = channel_to(server)
        following.send(events("fresh"))

        assert names(server.wait_for_items(5)) == ["a", "b", "c", "fresh", "c"]


def test_an_interrupt_costs_no_more_than_the_item_in_which_it_came(channel_to, events):
    """Those that the commit had already taken are not lost with it."""

    def interrupted():
        raise KeyboardInterrupt

    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel._sender.started = True  # no thread yet: it must not come first
        channel.send([*events("a"), interrupted, *events("b")])
        with pytest.raises(KeyboardInterrupt):
            channel.commit()
        channel._sender.started = False

        assert channel.flush(20.0)
        assert names(server.items) == ["a", "b"]


def test_the_journal_is_tried_again_after_a_minute(channel_to, events, journal, journals, monkeypatch):
    """And not before: callables stay with the thread meanwhile."""
    clock = [1000.0]
    monkeypatch.setattr(journal_module, "monotonic", lambda: clock[0])
    journal.write_text("in the way")
    called = []

    def late():
        called.append(threading.current_thread())
        return events("late")

    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel.send(events("a"))
        channel.commit()
        journal.unlink()
        clock[0] += 59
        channel.send([late])
        channel.commit()
        assert (called, journal.exists()) == ([], False)
        clock[0] += 1
        channel.commit()
        assert journals(server).text == HEADER + record(line_of("late"))
        assert channel.flush(20.0)
        assert names(server.items) == ["a", "late"]


def test_a_folder_that_is_deleted_is_made_again(channel_to, events, journal, journals, every_tick):
    """A cleaner of temporary files may take it at any time; it is noticed within a minute."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a"))
        channel.commit()
        assert channel.flush(20.0)
        shutil.rmtree(journal)
        while not journal.exists():
            threading.Event().wait(0.01)
        server.script.append(Answer(503, headers={"Retry-After": "600"}))
        channel.send(events("b"))
        channel.commit()

        assert journals(server).text == HEADER + record(line_of("b"))


def test_a_segment_that_is_deleted_takes_no_more_items_along(channel_to, events, journals, every_tick):
    """The next ones go to a new one."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a"))
        channel.commit()
        assert channel.flush(20.0)
        (path,) = journals(server).files
        path.unlink()
        while channel._sender.journal._current is not None:
            threading.Event().wait(0.01)
        server.script.append(Answer(503, headers={"Retry-After": "600"}))
        channel.send(events("b"))
        channel.commit()

        assert journals(server).text == HEADER + record(line_of("b"))


def test_a_segment_that_cannot_be_deleted_is_not_replayed_again(channel_to, events, journals, every_tick, monkeypatch):
    """By nobody: what is settled is noted in it."""
    with IngestionServer() as server:
        path = journals(server).orphan("left")
        remove = folder.Folder.remove

        def refuse(self, name: str) -> None:
            if name == path.name:
                raise PermissionError(13, "Permission denied")
            remove(self, name)

        monkeypatch.setattr(folder.Folder, "remove", refuse)
        for name in "ab":
            channel = channel_to(server)
            channel.send(events(name))
            assert channel.flush(20.0)
            threading.Event().wait(0.2)
            channel.close(5.0)

        assert names(server.items) == ["a", "left", "b"]


def test_a_signal_handler_that_interrupts_a_commit_cannot_lock_up(channel_to, events):
    """It waits for a moment at most, and leaves its items to the next commit."""
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        took = []

        def handler(*_: object) -> None:
            started = monotonic()
            channel.send(events("from the handler"))
            channel.commit()
            took.append(monotonic() - started)

        def interrupted():
            os.kill(os.getpid(), signal.SIGUSR1)
            return events("interrupted")

        before = signal.signal(signal.SIGUSR1, handler)
        try:
            channel.send([interrupted])
            channel.commit()
        finally:
            signal.signal(signal.SIGUSR1, before)
        channel.commit()

        assert took[0] < 5.0
        assert channel.flush(20.0)
        assert names(server.items) == ["interrupted", "from the handler"]


def test_a_callable_may_commit_and_flush(channel_to, events):
    """As a log handler does that its code logs to; nothing waits for itself."""
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)

        def reentrant():
            channel.send(events("inside"))
            channel.commit()
            assert channel.stats()["waiting"] >= 1
            return events("outside")

        channel.send([reentrant])
        channel.commit()
        assert channel.flush(20.0)
        assert names(server.items) == ["outside", "inside"]


def test_a_commit_waits_for_another_one_for_a_moment_only(channel_to, events):
    """Whatever a callable of somebody else does meanwhile."""
    go, started = threading.Event(), threading.Event()

    def slow():
        started.set()
        go.wait(20.0)
        return events("slow")

    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel.send([slow])
        other = threading.Thread(target=channel.commit)
        other.start()
        assert started.wait(20.0)
        channel.send(events("b"))
        begun = monotonic()
        channel.commit()
        assert 0.04 < monotonic() - begun < 5.0
        begun = monotonic()
        assert not channel.flush(0.2)
        assert monotonic() - begun < 5.0
        go.set()
        other.join(20.0)
        assert channel.flush(20.0)
        assert names(server.items) == ["slow", "b"]


def test_a_commit_waits_until_what_another_one_took_along_is_on_disk(channel_to, events, journals, monkeypatch):
    """Its own items may be among that."""
    monkeypatch.setattr(inbox, "PATIENCE", 20.0)
    go, started = threading.Event(), threading.Event()

    def slow():
        started.set()
        go.wait(20.0)
        return events("slow")

    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel.send([*events("mine"), slow])
        other = threading.Thread(target=channel.commit)
        other.start()
        assert started.wait(20.0)
        threading.Timer(0.05, go.set).start()
        channel.commit()

        assert journals(server).text == HEADER + record(line_of("mine")) + record(line_of("slow"))
        other.join(20.0)


def test_what_is_settled_while_a_commit_takes_long_is_noted_after_it(channel_to, events, journals):
    """Also if the thread has nothing else to do for long."""
    go, started = threading.Event(), threading.Event()

    def slow():
        started.set()
        go.wait(20.0)
        return events("slow")

    with IngestionServer(Answer(delay=0.5)) as server:
        channel = channel_to(server, interval=600.0)
        channel.send(events("a"))
        channel.commit()
        channel.kick()
        server.wait_for_requests(1)
        channel.send([slow])
        other = threading.Thread(target=channel.commit)
        other.start()
        assert started.wait(20.0)
        until(lambda: channel.stats()["accepted"] == 1)
        threading.Event().wait(0.3)
        go.set()
        other.join(20.0)

        note = settled([(len(HEADER), len(line_of("a")))])
        until(lambda: journals(server).text == HEADER + record(line_of("a")) + record(line_of("slow")) + note)


def test_a_file_that_is_deleted_before_it_is_locked_is_not_used(events, journals, monkeypatch):
    """Whoever looks for orphans may be quicker, and what is written to it would be lost."""
    with IngestionServer() as server:
        there = journals(server)
        there.orphan("x").unlink()
        opened = folder.Folder(there.path, there.target)
        create, made = folder.Folder.create, []

        def taken_away(self):
            name, descriptor = create(self)
            made.append(name)
            if len(made) < 3:
                self.remove(name)
            return name, descriptor

        monkeypatch.setattr(folder.Folder, "create", taken_away)
        mine = segment.Segment.create(opened)
        assert (mine.name, len(made)) == (made[2], 3)
        mine.close()

        real = folder.Folder.open

        def taken_over(self, name: str) -> int:
            descriptor = real(self, name)
            self.remove(name)
            return descriptor

        monkeypatch.setattr(folder.Folder, "open", taken_over)
        assert segment.Segment.claim(opened, mine.name) is None
        opened.close()


def test_where_files_cannot_be_locked_there_is_no_journal(channel_to, events, journal, monkeypatch, caplog):
    """On Windows; one line at level DEBUG says so."""
    monkeypatch.setattr(segment, "POSSIBLE", False)
    caplog.set_level("DEBUG", logger="ext_appinsights")
    with IngestionServer() as server:
        deliver(channel_to(server), server, events)

    assert not journal.exists()
    assert [r.getMessage() for r in caplog.records if (r.name, r.levelname) == ("ext_appinsights", "DEBUG")] == [
        "There are no file locks here: items are kept in memory only."
    ]


@pytest.mark.parametrize("value", ["", 1, b"/tmp"])
def test_a_journal_that_is_no_folder_is_named(value):
    """At the call."""
    with pytest.raises(ValueError) as caught:
        Channel(f"InstrumentationKey={KEY}", journal=value)
    assert str(caught.value) == f"Channel: journal must be True, False or the path of a folder, not {value!r}."
