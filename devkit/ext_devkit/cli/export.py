"""`azfunc-ext export`: stored items as lines of JSON."""

from __future__ import annotations

import gzip
import json
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from ext_devkit.cli import choosing
from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default="-")
@choosing.db
@choosing.tables
@choosing.window
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Say as JSON on standard output what was written to FILE.")
def command(
    file: Path,
    db: Path | None,
    tables: Sequence[str],
    last: str | None,
    from_: str | None,
    to: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write stored items as lines of JSON.

    FILE is compressed if its name ends in .gz, and is standard output if it is - or not given. 'azfunc-ext import'
    reads it again.
    """
    from ext_devkit.insights import transfer

    window = choosing.window_of(last, from_, to)
    chosen = tables or choosing.TABLES
    with choosing.open_reader(db) as reader, _opened(file, force) as out:
        found = transfer.lines(reader, chosen, window)
        if str(file) == "-":
            for line in found:
                print(line, file=out)
            return
        written = 0
        with click.progressbar(
            found, length=transfer.count(reader, chosen, window), label="Writing items", file=sys.stderr
        ) as going:
            for line in going:
                print(line, file=out)
                written += 1
    if as_json:
        print(json.dumps({"file": str(file.absolute()), "items": written}))
    else:
        click.echo(f"{written} items are in {file}.", err=True)


@contextmanager
def _opened(file: Path, force: bool) -> Iterator[IO[str]]:
    """Give a stream to write to; the file has its name only when it is complete."""
    if str(file) == "-":
        yield sys.stdout
        return
    if file.exists() and not force:
        raise DevkitError(f"{file} exists already. Name another file, or use --force to overwrite it.")
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with (
            gzip.open(part, "wt", encoding="utf-8") if file.suffix == ".gz" else part.open("w", encoding="utf-8") as out
        ):
            yield out
        part.replace(file)
    except OSError as error:
        raise DevkitError(f"Cannot write {file}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            part.unlink()
