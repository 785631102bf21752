"""`azfunc-ext doctor`: reads a function app, without importing it, and says what is wrong with it and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.doctor.case import Case
from ext_devkit.doctor.checks import every_finding
from ext_devkit.doctor.findings import SEVERITIES, Finding, Severity, at_least
from ext_devkit.doctor.running import Loaded, check_loaded, load
from ext_devkit.host.host import app_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SEVERITIES", "Finding", "Report", "Severity", "at_least", "diagnose"]


@dataclass(frozen=True)
class Report:
    """What was found in one app: worst findings first."""

    app: Path
    model: str
    python: str
    extensions: list[str]
    functions: list[str]
    findings: list[Finding]
    loaded: Loaded | None = None
    counts: dict[Severity, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "app": str(self.app),
            "model": self.model,
            "python": self.python,
            "extensions": self.extensions,
            "functions": self.functions,
            "loaded": None if self.loaded is None else self.loaded.as_json(),
            "counts": self.counts,
            "findings": [finding.as_json() for finding in self.findings],
        }


def diagnose(
    app: str | Path,
    *,
    python: tuple[int, int] | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Path | None = None,
    run_seconds: float | None = None,
) -> Report:
    """Read the app in a folder, and return what is wrong with it.

    `python` is the version that the app is for, `environment` what stands in for this process's, `settings` a file with
    the app settings in Azure. With `run_seconds` the app is also loaded, in a process of its own that may take so long.

    Raises DevkitError if the folder is no function app, or the file with settings cannot be read.
    """
    case = Case.read(app_folder(app), python=python, environment=environment, settings=settings)
    findings = every_finding(case)
    loaded = None
    if run_seconds is not None:
        loaded = load(case, run_seconds)
        findings += check_loaded(case, loaded, {finding.rule.id for finding in findings})
    findings.sort(key=lambda one: (SEVERITIES.index(one.rule.severity), *_in_order(one.place)))
    names = {case.found.extensions[key].name for key in case.found.active if key in case.found.extensions}
    return Report(
        app=case.app,
        model=case.model,
        python=f"{case.python} ({case.python.source})",
        extensions=sorted(names | {one.extension.name for one in case.found.made}),
        functions=[function.name for function in case.functions],
        findings=findings,
        loaded=loaded,
        counts={severity: sum(one.rule.severity == severity for one in findings) for severity in SEVERITIES},
    )


def _in_order(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdigit() else (place, 0)
