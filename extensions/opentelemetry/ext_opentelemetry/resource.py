"""Who sends: the resource of our own provider, and the context tags that a resource becomes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

_KUBERNETES_NAMES = (
    "k8s.deployment.name",
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "k8s.job.name",
    "k8s.cronjob.name",
    "k8s.daemonset.name",
)


def resource_of(attributes: Mapping[str, Any] | None) -> Resource:
    """Return the resource of a function app.

    What is given wins over OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, these over what the platform's settings
    tell: WEBSITE_SITE_NAME, WEBSITE_INSTANCE_ID, REGION_NAME. On a developer's machine the service is called as the
    app's folder.
    """
    platform = {
        "service.name": os.environ.get("WEBSITE_SITE_NAME"),
        "service.instance.id": os.environ.get("WEBSITE_INSTANCE_ID"),
        "cloud.region": os.environ.get("REGION_NAME"),
    }
    known = {key: value for key, value in platform.items() if value}
    if "service.name" in known:
        known |= {"cloud.provider": "azure", "cloud.platform": "azure_functions", "faas.name": known["service.name"]}
    elif folder := _app_folder():
        known["service.name"] = folder
    created = Resource.create()  # reads the OTEL_ variables; names a service without a name unknown_service
    named = {key: value for key, value in created.attributes.items() if key not in known or not _is_unknown(value)}
    return Resource(known).merge(Resource(named)).merge(Resource(dict(attributes or {})))


def _app_folder() -> str:
    name = os.path.basename(os.environ.get("AzureWebJobsScriptRoot", "").rstrip("/\\"))  # noqa: SIM112 - as the host has it
    return "" if name == "wwwroot" else name  # every image calls it so


def _is_unknown(value: Any) -> bool:
    return str(value).startswith("unknown_service")


def tags_of(resource: Resource) -> dict[str, str]:
    """Return the context tags of everything that comes from `resource`."""
    attributes = resource.attributes
    instance = str(attributes.get("k8s.pod.name") or attributes.get("service.instance.id") or _host_name())
    tags = {
        "ai.cloud.role": _role(attributes),
        "ai.cloud.roleInstance": instance,
        "ai.internal.nodeName": instance,
        "ai.internal.sdkVersion": _sdk_version(),
        "ai.application.ver": str(attributes.get("service.version") or ""),
        "ai.device.id": str(attributes.get("device.id") or ""),
        "ai.device.model": str(attributes.get("device.model.name") or ""),
        "ai.device.oemName": str(attributes.get("device.manufacturer") or ""),
    }
    return {key: value for key, value in tags.items() if value}


def _role(attributes: Mapping[str, Any]) -> str:
    name = str(attributes.get("service.name") or "")
    namespace = attributes.get("service.namespace")
    role = f"{namespace}.{name}" if name and namespace else name
    if name and not _is_unknown(name):
        return role
    for key in _KUBERNETES_NAMES:
        if attributes.get(key):
            return str(attributes[key])
    return os.environ.get("WEBSITE_SITE_NAME") or role


def _host_name() -> str:
    from socket import gethostname

    return gethostname()


def _sdk_version() -> str:
    """Return name and version in the grammar `name:semver`, the name in letters only (SDK-VERSIONS.md)."""
    from importlib.metadata import version

    return f"azfuncext:{version('azfunc-ext-opentelemetry')}"
