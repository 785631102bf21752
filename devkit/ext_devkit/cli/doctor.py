"""`azfunc-ext doctor`: say what is wrong with a function app, and what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from ext_devkit.errors import DevkitError

USAGE = 2
"""Exit status where there is no app to look at, or the command is not used as it should be."""


class PythonVersion(click.ParamType):  # type: ignore[type-arg] # not at run time in older releases
    """A version such as 3.13."""

    name = "version"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int] | None:
        """Return major and minor version."""
        found = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", str(value))
        if found is None:
            self.fail(f"{value!r} is no version of Python. Write it as 3.13.", param, ctx)
        return int(found[1]), int(found[2])


@click.command()
@click.argument("app", type=click.Path())
@click.option("--run", is_flag=True, help="Also load the app, in a process of its own, and look at what is active.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds that loading may take with --run.",
)
@click.option("--python", type=PythonVersion(), metavar="VERSION", help="The Python that the app is for, such as 3.13.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="App settings in Azure, as `az functionapp config appsettings list` prints them; "
    "in place of local.settings.json and the environment.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="Exit with 1 if there are findings at least as bad.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    app: str,
    run: bool,
    timeout: float,
    python: tuple[int, int] | None,
    settings: Path | None,
    fail_on: str,
    as_json: bool,
) -> None:
    """Say what is wrong with the function app in the folder APP, and what to do.

    The app is read and not imported, unless --run is given.
    """
    from ext_devkit.doctor import at_least, diagnose
    from ext_devkit.doctor.report import lines

    try:
        report = diagnose(app, python=python, settings=settings, run_seconds=timeout if run else None)
    except DevkitError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(lines(report)))
    if at_least(report.findings, fail_on):  # type: ignore[arg-type] # click has checked it
        ctx.exit(1)
