"""`azfunc-ext import`: lines of JSON into the store of the local Application Insights."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ext_devkit.insights.store.store import Store

MOST_EXPLAINED = 10
LONGEST_LINE = 64 * 1024 * 1024


@click.command(name="import")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="SQLite file to store into.  [default: insights.db in your state folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print what became of the lines as JSON.")
def command(files: Sequence[Path], db: Path | None, as_json: bool) -> None:
    """Store items that are lines of JSON.

    FILES are what 'azfunc-ext export' writes, or envelopes as SDKs send them, one a line; .gz is unpacked, - is
    standard input. Times are kept as they are, also old ones. Importing a file twice stores its items twice. A server
    may run on the same database meanwhile.

    Exit status: 0 all lines are stored, 1 some are not.
    """
    from ext_devkit.insights.store.database import default_path
    from ext_devkit.insights.store.store import Store

    path = default_path() if db is None else db
    importer = Importer()
    # What is imported may be old on purpose.
    store = Store(path, keep_days=None, max_bytes=None)
    try:
        for file in files:
            importer.store(file, store)
    finally:
        store.close()
    if as_json:
        print(json.dumps({"stored": importer.stored, "refused": importer.refused, "problems": importer.problems}))
    else:
        for problem in importer.problems:
            click.echo(problem, err=True)
        if importer.refused > len(importer.problems):
            click.echo(f"... and {importer.refused - len(importer.problems)} more lines.", err=True)
        print(f"Stored {importer.stored} items in {path}; refused {importer.refused} lines.")
    if importer.refused:
        click.get_current_context().exit(1)


class Importer:
    """Stores files and counts what became of their lines."""

    def __init__(self) -> None:
        self.stored = 0
        self.refused = 0
        self.problems: list[str] = []

    def store(self, file: Path, store: Store) -> None:
        """Store the lines of one file."""
        from ext_devkit.insights import transfer

        try:
            with _opened(file) as raw:
                length = None if str(file) == "-" else os.path.getsize(file)
                with click.progressbar(length=length or 0, label=f"Reading {file}", file=sys.stderr) as bar:
                    hidden = length is None
                    for batch in transfer.batches(self._rows(file, raw, None if hidden else bar)):
                        store.store(batch).result()
                        self.stored += sum(map(len, batch.values()))
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DevkitError(f"Cannot read {file}: {reason}. {self.stored} items were stored before.") from error

    def _rows(self, file: Path, raw: IO[bytes], bar: Any) -> Iterator[tuple[str, list[Any]]]:
        from ext_devkit.insights.ingest.rejection import RejectedError
        from ext_devkit.insights.transfer import read_line

        # gzip reads from the file itself, whose place tells how far it is.
        source = (getattr(getattr(raw, "fileobj", None), "fileno", None) and raw.fileobj) or raw  # type: ignore[attr-defined]
        done = 0
        for number, line in enumerate(iter(lambda: raw.readline(LONGEST_LINE), b""), 1):
            if bar is not None and (place := source.tell()) > done:
                bar.update(place - done)
                done = place
            if not line.strip():
                continue
            try:
                yield read_line(line)
            except RejectedError as error:
                self.refused += 1
                if len(self.problems) < MOST_EXPLAINED:
                    self.problems.append(f"{file}, line {number}: {error.rejection[1]}")


def _opened(file: Path) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]
