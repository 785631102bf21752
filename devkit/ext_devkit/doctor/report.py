"""A report for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor import Report
    from ext_devkit.doctor.findings import Finding

_WIDTH = 100


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of a report."""
    yield f"{report.app.name}: {report.model} model, {report.python}"
    yield f"Functions: {_listed(report.functions)}"
    yield f"Extensions: {_listed(report.extensions)}"
    if (loaded := report.loaded) is not None:
        python = f"{loaded.python} (Python {loaded.version})" if loaded.version else loaded.python
        failed = loaded.error or loaded.hung
        what = f"in {loaded.seconds:g} s. Active: {_listed(loaded.active)}"
        yield f"Not loaded, with {python}" if failed else f"Loaded with {python} {what}"
    yield ""
    for finding in report.findings:
        yield from _shown(finding)
        yield ""
    counted = [f"{count} {_plural(severity, count)}" for severity, count in report.counts.items() if count]
    yield f"Found {_listed(counted)}." if counted else "Nothing was found."


def _shown(finding: Finding) -> Iterator[str]:
    yield f"{finding.rule.severity} {finding.rule.id}  {finding.place}"
    yield from _wrapped(f"{finding.rule.what} {finding.reason}")
    yield from _wrapped(f"Fix: {finding.fix}")
    yield f"    See: {finding.docs}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _plural(severity: str, count: int) -> str:
    return severity if count == 1 or severity == "info" else f"{severity}s"
