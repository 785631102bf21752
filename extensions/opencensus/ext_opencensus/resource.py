"""Who sends: the context tags of everything that this process exports."""

from __future__ import annotations

import os


def tags() -> dict[str, str]:
    """Return role, instance and version.

    The role is what the platform calls the app, and on a developer's machine what its folder is called, where
    OpenCensus sends the name of the worker's script (opencensus/ext/azure/common/utils.py, `azure_monitor_context`).
    """
    instance = os.environ.get("WEBSITE_INSTANCE_ID") or _host_name()
    found = {
        "ai.cloud.role": os.environ.get("WEBSITE_SITE_NAME") or os.environ.get("OTEL_SERVICE_NAME") or _app_folder(),
        "ai.cloud.roleInstance": instance,
        "ai.internal.nodeName": instance,
        "ai.internal.sdkVersion": _sdk_version(),
    }
    return {key: value for key, value in found.items() if value}


def _app_folder() -> str:
    name = os.path.basename(os.environ.get("AzureWebJobsScriptRoot", "").rstrip("/\\"))  # noqa: SIM112 - as the host has it
    return "" if name == "wwwroot" else name  # every image calls it so


def _host_name() -> str:
    from socket import gethostname

    return gethostname()


def _sdk_version() -> str:
    """Return name and version in the grammar `name:semver`, the name in letters only (SDK-VERSIONS.md)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"azfuncoc:{version('azfunc-ext-opencensus')}"
    except PackageNotFoundError:
        return "azfuncoc:0.0.0"
