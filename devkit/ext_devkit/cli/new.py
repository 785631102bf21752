"""`azfunc-ext new`: write a complete package with an extension of one's own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ext_devkit.errors import DevkitError
from ext_devkit.scaffold import LEVELS, LICENSES, Names, Package, files, write
from ext_devkit.scaffold.render import check_email
from ext_devkit.scaffold.write import check_empty

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTION = "An extension for Azure Functions in Python."
ACCOUNT = "The authors"


@click.command()
@click.argument("name", required=False)
@click.option("--level", type=click.Choice(list(LEVELS)), help="What it extends.  [default: app]")
@click.option("--author", help="Who has the copyright.  [default: git's user.name]")
@click.option("--email", help="The author's address; empty for none.  [default: git's user.email]")
@click.option("--description", help=f"What it does, in one line.  [default: {DESCRIPTION}]")
@click.option("--license", "licence", type=click.Choice(list(LICENSES), case_sensitive=False), help="[default: MIT]")
@click.option("--output", type=click.Path(path_type=Path), help="The folder to make.  [default: NAME, in this folder]")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(name: str | None, output: Path | None, as_json: bool, **given: str | None) -> None:
    """Write a complete package with an extension: code, tests, sample app, workflow.

    NAME is what it is called on the Python Package Index, such as my-extension. Without it, on a terminal, everything
    that no option says is asked for.
    """
    asked = name is None
    if name is None:
        if not sys.stdin.isatty():
            raise click.UsageError("Missing argument 'NAME', and there is no terminal to ask for it.")
        if output:
            check_empty(output)
        name = _ask("Name", "my-extension", lambda said: check_empty(output or Path(Names(said).distribution)))
    package = _package(Names(name), given, asked=asked)
    folder = output or Path(package.names.distribution)
    contents = files(package)
    write(contents, folder)
    print(_as_json(package, folder, list(contents)) if as_json else _explain(package, folder))


def _package(names: Names, given: dict[str, str | None], *, asked: bool) -> Package:
    def value(option: str, default: str, check: Callable[[str], object] = str, **how: Any) -> str:
        said = given[option]
        if said is not None:
            return said
        return _ask(_QUESTIONS[option], default, check, **how) if asked else default

    return Package(
        names,
        level=value("level", "app", type=click.Choice(list(LEVELS))),
        description=value("description", DESCRIPTION),
        author=value("author", _git("user.name") or ACCOUNT),
        email=value("email", _address(), check_email),
        license=value("licence", "MIT", type=click.Choice(list(LICENSES), case_sensitive=False)),
        year=datetime.now(timezone.utc).year,
    )


_QUESTIONS = {
    "level": "Level",
    "description": "What it does, in one line",
    "author": "Author",
    "email": "The author's e-mail address",
    "licence": "Licence",
}


def _ask(question: str, default: str, check: Callable[[str], object], **how: Any) -> str:
    """Ask on standard error until the answer is one that can be taken."""
    while True:
        answer: str = click.prompt(question, default=default, err=True, **how)
        try:
            check(answer)
        except DevkitError as error:
            click.echo(f"Error: {error}", err=True)
        else:
            return answer


def _git(setting: str) -> str:
    """Return one of git's settings; nothing where there is none, or no git."""
    try:
        done = subprocess.run(["git", "config", "--get", setting], capture_output=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _address() -> str:
    """Return git's address; nothing if it is none, as on machines where nobody has set it."""
    found = _git("user.email")
    try:
        check_email(found)
    except DevkitError:
        return ""
    return found


def _as_json(package: Package, folder: Path, written: list[str]) -> str:
    return json.dumps(
        {
            "folder": str(folder.absolute()),
            "distribution": package.names.distribution,
            "package": package.names.package,
            "level": package.level,
            "extensions": package.targets,
            "files": sorted(written),
        }
    )


def _explain(package: Package, folder: Path) -> str:
    checks = "\n".join(f"  azfunc-ext check {target}" for target in package.targets)
    return f"""\
{folder} holds the package {package.names.package} with {" and ".join(package.classes)}.

  cd {shlex.quote(str(folder))}
  pip install --editable ".[dev]"
  pytest
{checks}
  azfunc-ext run sample_app --insights off"""
