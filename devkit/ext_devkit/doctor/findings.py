"""What the doctor says: a finding is one rule that one place breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Worst first."""

LIST = "docs/reference/doctor.md"
"""The page that lists every finding."""


@dataclass(frozen=True)
class Rule:
    """What the doctor looks for: its name, how bad it is, what to do, and the page that says more."""

    id: str
    severity: Severity
    what: str
    fix: str
    docs: str = LIST


@dataclass(frozen=True)
class Finding:
    """One rule that one place breaks. `place` is `file:line`, a file, or `environment`."""

    rule: Rule
    place: str
    reason: str
    fix: str

    @property
    def docs(self) -> str:
        """The page of the documentation, in the repository; the rule's entry in the list of findings if no other."""
        return f"{LIST}#{self.rule.id}" if self.rule.docs == LIST else self.rule.docs

    def as_json(self) -> dict[str, str]:
        """Return what `--json` prints of it."""
        return {
            "id": self.rule.id,
            "severity": self.rule.severity,
            "place": self.place,
            "reason": self.reason,
            "fix": self.fix,
            "docs": self.docs,
        }


def at_least(findings: list[Finding], severity: Severity) -> list[Finding]:
    """Return the findings that are as bad as `severity`, or worse."""
    bad = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return [finding for finding in findings if finding.rule.severity in bad]
