"""Opens the file: for the one writer, or for readers; says in one line what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from ext_devkit.errors import DevkitError
from ext_devkit.insights.store import migrations

BUSY_SECONDS = 10.0
"""How long one process waits for another's commit to the same file."""

RETRY_SECONDS = 0.02

CACHE_KIB = 32 * 1024
CHECKPOINT_PAGES = 4000
"""16 MB: how large the write-ahead log gets until its pages are brought into the file."""


def default_path() -> Path:
    """Return the file that is used when none is named: in the user's state folder (XDG Base Directory, 0.8)."""
    configured = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(configured):  # a relative value is to be ignored, says the specification
        return Path(configured) / "azfunc-ext" / "insights.db"
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "azfunc-ext" / "insights.db"
    return Path("~/.local/state/azfunc-ext/insights.db").expanduser()


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open, create or upgrade the file; the connection is in autocommit mode and may move to another thread.

    Raises DevkitError if it cannot be written, is no SQLite file, or belongs to another program or a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        _prepare_patiently(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file read-only, whether or not a server writes to it; the connection may move to another thread.

    Raises DevkitError if there is no file, or it is not one of ours.
    """
    if not path.exists():
        raise DevkitError(
            f"There is no telemetry at {path} yet. Start 'azfunc-ext insights' and send some, "
            "or name another file with --db."
        )
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        version = _check(connection, path)
        if 0 < version < migrations.LATEST:
            raise DevkitError(
                f"{path} was written by an older azfunc-ext. Start 'azfunc-ext insights' on it once: "
                "it keeps all items and brings the file up to date."
            )
        if version < migrations.LATEST:
            raise DevkitError(
                f"{path} holds no telemetry yet. Start 'azfunc-ext insights' on it and send some, "
                "or name another file with --db."
            )
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other that has its name, None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _prepare_patiently(connection: sqlite3.Connection, path: Path) -> None:
    """Prepare the file; try again while another process does the same.

    SQLite's own patience does not cover the change to WAL: it fails at once where waiting could be a deadlock.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return _prepare(connection, path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_SECONDS)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _check(connection, path)
    # Only before the first page is written: what is deleted can then be given back to the disk, bit by bit.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    # An acknowledged item must outlive the process, not the machine: the operating system has it after a commit.
    connection.execute("PRAGMA synchronous = NORMAL")
    # Most of an insert are indexes, whose pages come in no order: a small cache would write each many times.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute("PRAGMA secure_delete = OFF")
    migrations.migrate(connection)


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema of a file that is ours or empty; raise DevkitError for any other."""
    # One snapshot: between two, another process may have made the file ours.
    connection.execute("BEGIN")
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        version = migrations.applied(connection)
    finally:
        connection.execute("ROLLBACK")
    if application != migrations.APPLICATION_ID and (objects or application):
        raise DevkitError(f"{path} is the database of another program. Name another file with --db.")
    if version > migrations.LATEST:
        raise DevkitError(
            f"{path} was written by a newer azfunc-ext (schema {version}, this one knows {migrations.LATEST}). "
            "Upgrade azfunc-ext-devkit, or name another file with --db."
        )
    return version


def unusable(path: Path, error: Exception) -> DevkitError:
    """Return the one line that says why a file cannot be used."""
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return DevkitError(f"{path} is not an SQLite file. Name another file with --db.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DevkitError(
        f"Cannot use {path} as the database: {reason}. Make it writable, or name another file with --db."
    )
