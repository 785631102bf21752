"""What is looked for, a module for each part of an app. Each check yields findings of one case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_devkit.doctor.checks.app import check as app
from ext_devkit.doctor.checks.app_settings import check as app_settings
from ext_devkit.doctor.checks.code import check as code
from ext_devkit.doctor.checks.double import check as double
from ext_devkit.doctor.checks.hooks import check as hooks
from ext_devkit.doctor.checks.host_json import check as host_json
from ext_devkit.doctor.checks.imported import check as imported
from ext_devkit.doctor.checks.instances import check as instances
from ext_devkit.doctor.checks.packages import check as packages
from ext_devkit.doctor.checks.settings import check as settings

if TYPE_CHECKING:
    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding

_PARTS = (app, app_settings, host_json, packages, imported, hooks, instances, settings, double, code)


def every_finding(case: Case) -> list[Finding]:
    """Return what all checks find."""
    return [finding for part in _PARTS for finding in part(case)]
