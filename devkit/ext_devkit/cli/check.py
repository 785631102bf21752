"""`azfunc-ext check`: whether an extension behaves in everything that happens in production."""

from __future__ import annotations

import json
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from ext_devkit.check import Check
    from ext_devkit.check.running import Finding


@click.command()
@click.argument("target", required=False, metavar="PACKAGE.CLASS")
@click.option(
    "--path", multiple=True, type=click.Path(exists=True), help="A folder or wheel to import from; repeatable."
)
@click.option("--only", multiple=True, metavar="NAME", help="Run this check only; repeatable.")
@click.option("--skip", multiple=True, metavar="NAME", help="Leave this check out; repeatable.")
@click.option(
    "--configure", multiple=True, metavar="NAME=VALUE", help="A setting, its value as JSON or text; repeatable."
)
@click.option("--list", "as_list", is_flag=True, help="List the checks, and why each matters.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    target: str | None,
    path: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    configure: tuple[str, ...],
    as_list: bool,
    as_json: bool,
) -> None:
    """Check an extension on every generation of the worker, and what it costs.

    PACKAGE.CLASS is the class with its module, such as my_package.MyExtension. Each check has a process of its own. The
    exit status is 0 if the extension conforms, 1 if it does not, 2 for a mistake in the command.
    """
    from ext_devkit.check import catalogue, checks
    from ext_devkit.check.running import run_all

    if as_list:
        print(_catalogue(catalogue.ENTRIES, as_json=as_json))
        return
    if target is None:
        raise click.UsageError("Missing argument 'PACKAGE.CLASS', such as my_package.MyExtension.")
    started = monotonic()
    try:
        chosen = checks(target, only=only, skip=skip, path=path, configure=_settings(configure))
    except DevkitError as error:
        raise click.UsageError(str(error)) from error
    found = []
    for check, finding in run_all(chosen):
        found.append((check, finding))
        if not as_json:
            _tell(check, finding)
    failed = sum(not finding.ok for _, finding in found)
    if as_json:
        print(_report(target, found))
    else:
        verdict = f"does not conform: {failed} of {len(found)} checks failed" if failed else "conforms"
        print(f"\n{target} {verdict} ({_counts(found)}, {monotonic() - started:.0f} s).")
    sys.exit(1 if failed else 0)


def _settings(given: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or not name.isidentifier():
            raise click.BadParameter(f"{one!r} is not NAME=VALUE.", param_hint="--configure")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _counts(found: list[tuple[Check, Finding]]) -> str:
    not_run = sum(bool(finding.not_run) for _, finding in found)
    return f"{len(found)} check{'s' * (len(found) != 1)}{f', {not_run} not run' if not_run else ''}"


def _tell(check: Check, finding: Finding) -> None:
    mark = click.style("ok    ", fg="green") if finding.ok else click.style("failed", fg="red")
    mark = "not   " if finding.not_run else mark
    click.echo(f"{mark} {check.name:<20}{finding.seconds:5.1f} s  {finding.measured or finding.not_run}".rstrip())
    if not finding.ok:
        entry = check.entry
        click.echo(
            f"       {finding.seen}\n       Why: {entry.why}\n       Do:  {entry.cure}\n       See: {entry.docs}"
        )


def _report(target: str, found: list[tuple[Check, Finding]]) -> str:
    told = [
        {
            "check": check.name, "ok": finding.ok, "seconds": round(finding.seconds, 3), "docs": check.entry.docs,
            **({"measured": finding.measured} if finding.measured else {}),
            **({"not_run": finding.not_run} if finding.not_run else {}),
            **({} if finding.ok else {"seen": finding.seen, "why": check.why, "cure": check.entry.cure}),
        }
        for check, finding in found
    ]  # fmt: skip
    return json.dumps({"target": target, "conforms": all(one["ok"] for one in told), "checks": told}, indent=2)


def _catalogue(entries: Any, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            [{"check": one.name, "why": one.why, "cure": one.cure, "docs": one.docs} for one in entries],
            indent=2,
        )
    return "\n".join(f"{one.name:<20}{one.why}" for one in entries)
